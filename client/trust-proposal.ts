import { z } from 'zod';
import { DomainError } from '../domain/errors.ts';
import { toBase64 } from '../domain/evidence/base64.ts';
import { type Envelope, type Signer, STATEMENT_PAYLOAD_TYPE } from '../domain/evidence/dsse.ts';
import { PREDICATE_SCHEMAS } from '../domain/evidence/predicate-schemas.ts';
import { encodeStatement, signStatement } from '../domain/evidence/statement-codec.ts';
import type { TrustPredicate } from '../domain/evidence/statements.ts';

/**
 * The next trust document on its way from holder to holder of the root: the statement, and the signatures so far. It is
 * believed by nobody; what counts is the entry that `trust apply` makes of it.
 */
export interface TrustProposal {
  apiVersion: 'resilience-ctl/trust-proposal/v1';
  statement: TrustPredicate;
  /** `holder` is for people to read; only the key says who signed. */
  signatures: { holder: string; keyid: string; sig: string }[];
}

const proposalSchema = z.strictObject({
  apiVersion: z.literal('resilience-ctl/trust-proposal/v1'),
  statement: PREDICATE_SCHEMAS.trust,
  signatures: z.array(z.strictObject({ holder: z.string(), keyid: z.string(), sig: z.string() })),
});

/** Throws `SCHEMA_INVALID` for what is no proposal. */
export function parseProposal(value: unknown): TrustProposal {
  const parsed = proposalSchema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new DomainError(
    'SCHEMA_INVALID',
    `This is no proposal of a trust document:\n${z.prettifyError(parsed.error)}`,
    { next: 'Name the file that `resilience-ctl trust propose FILE` wrote.' },
  );
}

/** The proposal with one more signature; the same key again replaces its own. Throws what the signer throws. */
export async function signProposal(
  proposal: TrustProposal,
  holder: string,
  signer: Signer,
): Promise<TrustProposal> {
  const { signatures } = await signStatement(signer, 'trust', proposal.statement);
  const others = proposal.signatures.filter(({ keyid }) => keyid !== signer.keyId);
  return { ...proposal, signatures: [...others, ...signatures.map((one) => ({ holder, ...one }))] };
}

/** The entry's envelope (DSSE): the document stands beside the payload, which has its digest. */
export function envelopeOfProposal({ statement, signatures }: TrustProposal): Envelope {
  return {
    payload: toBase64(encodeStatement('trust', statement)),
    payloadType: STATEMENT_PAYLOAD_TYPE,
    signatures: signatures.map(({ keyid, sig }) => ({ keyid, sig })),
    parts: { document: statement.document },
  };
}
