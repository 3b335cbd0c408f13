import { digestOf } from '../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import { signStatement } from '../../domain/evidence/statement-codec.ts';
import type { TrustPredicate } from '../../domain/evidence/statements.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import { AT, ENVIRONMENT, signedTrust, signerOf, trustedKeys } from './sample-log.ts';

/** Root keys by the name of their seed: `dora` and `dora-2` are two keys of dora. */
export function rootOf(seeds: readonly string[], threshold: number): TrustDocument['root'] {
  const keys = seeds.flatMap((seed) =>
    trustedKeys(`root-${seed}`).map((key) => ({ ...key, holder: seed.replace(/-\d+$/, '') })),
  );
  return { keys, threshold, expiresAt: '2036-01-01T00:00:00.000Z' };
}

/** The sample document, with a root of dora, erin and finn, two of whom must sign. */
export const FIRST: TrustDocument = {
  ...signedTrust(),
  root: rootOf(['dora', 'dora-2', 'erin', 'finn'], 2),
};

/** The version after `previous`, changed. */
export function nextOf(previous: TrustDocument, change: Partial<TrustDocument> = {}): TrustDocument {
  return { ...previous, version: previous.version + 1, ...change };
}

/** The update that puts `document` in the place of `previous`, signed by these root keys. */
export async function updateOf(
  previous: TrustDocument,
  document: TrustDocument,
  seeds: readonly string[],
  change: Partial<TrustPredicate> = {},
): Promise<Envelope> {
  return signedByAll(
    { environment: ENVIRONMENT, previousDigest: digestOf(previous), document, at: AT, ...change },
    seeds.map((seed) => `root-${seed}`),
  );
}

export async function signedByAll(predicate: TrustPredicate, holders: readonly string[]): Promise<Envelope> {
  const envelopes = await Promise.all(
    holders.map((holder) => signStatement(signerOf(holder), 'trust', predicate)),
  );
  const [first] = envelopes;
  if (first === undefined) throw new Error('Nobody signs.');
  return { ...first, signatures: envelopes.flatMap(({ signatures }) => signatures) };
}
