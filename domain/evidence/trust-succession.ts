import { DomainError, type ErrorCode, type Violation } from '../errors.ts';
import type { VerifyEd25519 } from '../log/signed-note.ts';
import { digestOf } from './canonical-json.ts';
import type { Envelope } from './dsse.ts';
import { type OpenedStatement, openEnvelope, verifiedKeyIds } from './statement-codec.ts';
import type { TrustPredicate } from './statements.ts';
import { type Root, signaturesBy, type TrustDocument, trustProblems } from './trust.ts';

/**
 * How one trust document follows another: the root role of TUF (The Update Framework specification 1.0.34, §5.3 "Update
 * the root role" and §6.1 "Key management and migration"). Whoever holds version N accepts N + 1, and only that, when a
 * threshold of N's root keys and a threshold of its own signed it.
 */

export type Succession = Pick<TrustPredicate, 'environment' | 'previousDigest' | 'document'>;

/**
 * Whether `next` may take the place of `current`. `keyIds`: the root keys, of either, whose signature over the
 * statement verified (`rootSigners`). Returns every violation; never throws.
 */
export function judgeSuccession(
  current: TrustDocument,
  next: Succession,
  keyIds: readonly string[],
): Violation[] {
  return [
    ...judgePlace(current, next),
    ...judgeContent(current, next),
    ...judgeSigners(current, next, keyIds),
  ];
}

/** TUF §5.3.5: exactly the next version, of exactly this one. */
export function judgePlace(
  current: TrustDocument,
  { document, previousDigest }: Pick<Succession, 'document' | 'previousDigest'>,
): Violation[] {
  const digest = digestOf(current);
  return [
    ...expect(
      document.version === current.version + 1,
      'STALE_BASE',
      'next-version',
      `It is version ${document.version}; version ${current.version} is in force, so the next one is ${current.version + 1}.`,
      'Make it anew out of the document in force: `resilience-ctl trust show --json`.',
    ),
    ...expect(
      previousDigest === digest,
      'STALE_BASE',
      'replaces-the-one-in-force',
      `It replaces ${previousDigest ?? 'none'}; in force is ${digest}.`,
      'Somebody else changed the document first: look at it and propose yours again.',
    ),
  ];
}

/** The document makes sense by itself and is of the same log. */
export function judgeContent(current: TrustDocument, { environment, document }: Succession): Violation[] {
  const { log } = current.transparency;
  return [
    ...expect(
      [environment, document.environment].every((one) => one === current.environment),
      'NOT_PERMITTED',
      'audience',
      `It is for ${environment} and ${document.environment}; this is ${current.environment}.`,
      'Sign one for this environment.',
    ),
    ...trustProblems(document).map((problem) =>
      violation('SCHEMA_INVALID', 'sensible', `${problem}.`, 'Correct the document and propose it again.'),
    ),
    // Whoever remembers a checkpoint knows the log by that key.
    ...expect(
      document.transparency.log === log,
      'NOT_PERMITTED',
      'same-log',
      `It names the log's key ${document.transparency.log}; it is ${log}.`,
      "Keep the log's key. When it is lost, start a new environment.",
    ),
  ];
}

/** TUF §5.3.4: a threshold of the version before, which hands over, and a threshold of its own, which takes over. */
export function judgeSigners(
  current: TrustDocument,
  { document }: Pick<Succession, 'document'>,
  keyIds: readonly string[],
): Violation[] {
  const short = (rule: string, { version, root }: TrustDocument) => {
    const { signed, missing } = holdersWho(root, keyIds);
    return expect(
      signed.length >= root.threshold,
      'NOT_PERMITTED',
      rule,
      `${signed.length} of ${root.threshold} needed root holders of version ${version} signed it: ${signed.join(', ') || 'nobody'}.`,
      `Have it signed by ${missing.join(', ') || 'somebody else'}: \`resilience-ctl trust sign PROPOSAL --as HOLDER\`.`,
    );
  };
  return [...short('previous-root', current), ...short('own-root', document)];
}

/** Which holders of a root signed, and which have not, each sorted. Two keys of one holder are one holder. */
export function holdersWho(root: Root, keyIds: readonly string[]): { signed: string[]; missing: string[] } {
  const signed = new Set(root.keys.filter(({ keyId }) => keyIds.includes(keyId)).map(({ holder }) => holder));
  const holders = [...new Set(root.keys.map(({ holder }) => holder))].sort();
  return {
    signed: holders.filter((holder) => signed.has(holder)),
    missing: holders.filter((holder) => !signed.has(holder)),
  };
}

/** The root keys, of the document in force and of the one in the statement, whose signature verifies. */
export function rootSigners(
  current: TrustDocument,
  statement: Extract<OpenedStatement, { type: 'trust' }>,
  verify: VerifyEd25519,
): string[] {
  const keys = [...current.root.keys, ...statement.predicate.document.root.keys];
  return verifiedKeyIds(statement, signaturesBy(keys, verify));
}

/**
 * The document that a chain of updates leads to from the pinned one (TUF §5.3.3–5.3.9), without the log around them.
 * Throws `NOT_PERMITTED` for the first that does not follow, and `ENTRY_MALFORMED`.
 */
export function followUpdates(
  pinned: TrustDocument,
  updates: readonly Envelope[],
  verify: VerifyEd25519,
): TrustDocument {
  return updates.reduce((current, envelope) => {
    const statement = openEnvelope(envelope);
    if (statement.type !== 'trust') throw broken(`a ${statement.type} statement is no update`);
    const violations = judgeSuccession(current, statement.predicate, rootSigners(current, statement, verify));
    if (violations.length > 0) throw broken(violations.map(({ message }) => message).join(' '));
    return statement.predicate.document;
  }, pinned);
}

/** TUF §5.3.10: past its expiry a document authorises nothing new. Returns at most one violation; never throws. */
export function judgeExpiry({ version, root }: TrustDocument, nowMs: number): Violation[] {
  return expect(
    nowMs < Date.parse(root.expiresAt),
    'TRUST_EXPIRED',
    'trust-in-date',
    `Version ${version} of the trust document expired at ${root.expiresAt}: nothing moves forward. Rollbacks still go.`,
    'Have the root holders sign a next version with a later `root.expiresAt`: see docs/guide/rotate-trust.md.',
  );
}

function expect(holds: boolean, code: ErrorCode, rule: string, message: string, remedy: string): Violation[] {
  return holds ? [] : [violation(code, rule, message, remedy)];
}

function violation(code: ErrorCode, rule: string, message: string, remedy: string): Violation {
  return { code, rule, message, remedy };
}

function broken(why: string): DomainError {
  return new DomainError('NOT_PERMITTED', `The chain of trust documents is broken: ${why}`, {
    next: 'Find out who made it. The log itself has the updates that count.',
  });
}
