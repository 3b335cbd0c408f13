import { utf8ToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { DomainError } from '../errors.ts';
import { fromBase64, toBase64 } from './base64.ts';
import {
  areCanonicalBytesOf,
  canonicalBytes,
  type Digest,
  digestHex,
  digestOf,
  digestOfBytes,
  parseJsonBytes,
} from './canonical-json.ts';
import { attach, detach } from './detached-parts.ts';
import {
  type Envelope,
  preAuthEncoding,
  type Signer,
  STATEMENT_PAYLOAD_TYPE,
  type VerifySignature,
} from './dsse.ts';
import { envelopeSchema, isStatementType, PREDICATE_SCHEMAS } from './predicate-schemas.ts';
import type { Predicates, Statement, StatementType } from './statements.ts';

/** A well-formed statement. Nothing is verified yet: see `verifiedKeyIds`. */
export type OpenedStatement = { [T in StatementType]: Opened<T> }[StatementType];

interface Opened<T extends StatementType> {
  type: T;
  predicate: Predicates[T];
  /** The canonical bytes of the in-toto Statement. */
  payload: Uint8Array;
  /** What the signatures cover. */
  preAuth: Uint8Array;
  signatures: Envelope['signatures'];
}

/** What a statement says, whoever signed it. */
export type Said = { [T in StatementType]: { type: T; predicate: Predicates[T] } }[StatementType];

const PREDICATE_TYPE = /^https:\/\/resilience-ctl\.dev\/([a-z-]+)\/v1$/;
const SIGNATURE_BYTES = 64;
/** Only what is needed to choose the schema: the comparison with our own bytes checks all the rest. */
const statementFrame = z.object({ predicateType: z.string(), predicate: z.unknown() });

/**
 * Canonical bytes (RFC 8785) of the in-toto Statement v1. Its one subject follows from the predicate:
 *
 * | statement | name | digest |
 * |---|---|---|
 * | request | change id | the request |
 * | plan, vote, approval, mfa, acceptance, stage-verdict, intent, outcome, commit, override, override-intent, override-outcome, override-commit | change id | the plan |
 * | version | resource | the document |
 * | command, ruling, review, end | change id | the name's own bytes: there may be no plan yet |
 * | freeze | scope, or environment | the name's own bytes |
 * | fence | zone | the name's own bytes |
 * | recovery, resumption | environment | the name's own bytes |
 * | factor-lock | person | the name's own bytes |
 * | trust | environment | the trust document |
 * | snapshot | environment | the snapshot |
 *
 * Throws `SCHEMA_INVALID` for a predicate that no reader would accept, so that nobody signs one.
 */
export function encodeStatement<T extends StatementType>(type: T, predicate: Predicates[T]): Uint8Array {
  const parsed = PREDICATE_SCHEMAS[type].safeParse(predicate);
  if (!parsed.success) {
    throw new DomainError(
      'SCHEMA_INVALID',
      `This is no ${type} statement:\n${z.prettifyError(parsed.error)}`,
      {
        next: 'This is a defect of the program that made it: report it.',
      },
    );
  }
  return canonicalBytes(statementOf(type, predicate));
}

/** As it is signed: with digests in the place of its detached parts. */
function statementOf<T extends StatementType>(type: T, predicate: Predicates[T]): object {
  const subject = SUBJECTS[type](predicate);
  const statement: Statement<T> = {
    _type: 'https://in-toto.io/Statement/v1',
    subject: [{ name: subject.name, digest: { sha256: digestHex(subject.digest) } }],
    predicateType: `https://resilience-ctl.dev/${type}/v1`,
    predicate,
  };
  return { ...statement, predicate: detach(type, predicate).signed };
}

const ofPlan = (about: { changeId: string; planDigest: Digest }) => ({
  name: about.changeId,
  digest: about.planDigest,
});
const ofName = (name: string) => ({ name, digest: digestOfBytes(utf8ToBytes(name)) });

const SUBJECTS: { [T in StatementType]: (about: Predicates[T]) => { name: string; digest: Digest } } = {
  trust: (about) => ({ name: about.environment, digest: digestOf(about.document) }),
  request: (about) => ({ name: about.changeId, digest: about.requestDigest }),
  plan: ofPlan,
  vote: ofPlan,
  approval: ofPlan,
  mfa: ofPlan,
  override: ofPlan,
  'override-intent': ofPlan,
  'override-outcome': ofPlan,
  'override-commit': ofPlan,
  review: (about) => ofName(about.changeId),
  acceptance: ofPlan,
  command: (about) => ofName(about.changeId),
  ruling: (about) => ofName(about.changeId),
  'stage-verdict': ofPlan,
  intent: ofPlan,
  outcome: ofPlan,
  commit: ofPlan,
  version: (about) => ({ name: about.resource, digest: about.digest }),
  end: (about) => ofName(about.changeId),
  freeze: ({ scope, environment }) => ofName(scope === null ? environment : Object.values(scope).join()),
  fence: (about) => ofName(about.zone),
  recovery: (about) => ofName(about.environment),
  resumption: (about) => ofName(about.environment),
  'factor-lock': (about) => ofName(about.person),
  snapshot: (about) => ({ name: about.environment, digest: about.stateDigest }),
};

/** Throws `SCHEMA_INVALID` for a malformed predicate, and what the signer throws. */
export async function signStatement<T extends StatementType>(
  signer: Signer,
  type: T,
  predicate: Predicates[T],
): Promise<Envelope> {
  const { parts } = detach(type, predicate);
  const envelope = await signPayload(signer, STATEMENT_PAYLOAD_TYPE, encodeStatement(type, predicate));
  return parts === undefined ? envelope : { ...envelope, parts };
}

/** A DSSE envelope with one signature over any payload. */
export async function signPayload(
  signer: Signer,
  payloadType: string,
  payload: Uint8Array,
): Promise<Envelope> {
  const sig = await signer.sign(preAuthEncoding(payloadType, payload));
  return {
    payload: toBase64(payload),
    payloadType,
    signatures: [{ keyid: signer.keyId, sig: toBase64(sig) }],
  };
}

/**
 * Takes an envelope apart, strictly: exactly the fields of DSSE, standard base64, one signature a key, and a payload
 * that is byte for byte what `encodeStatement` makes of its own predicate. So there is one encoding of a statement:
 * duplicate keys, extra fields, other spacing and a subject that contradicts the predicate are all refused.
 * Throws `ENTRY_MALFORMED`.
 */
export function openEnvelope(envelope: unknown): OpenedStatement {
  const { payload, payloadType, signatures, parts } = openPayload(envelope);
  if (payloadType !== STATEMENT_PAYLOAD_TYPE) {
    throw malformed(`The payload type is ${payloadType}, not ${STATEMENT_PAYLOAD_TYPE}.`);
  }
  const said = parseStatement(payload, parts);
  return { ...said, payload, preAuth: preAuthEncoding(payloadType, payload), signatures };
}

/** The payload of a DSSE envelope of any type. Throws `ENTRY_MALFORMED`; verifies no signature. */
export function openPayload(envelope: unknown): {
  payload: Uint8Array;
  payloadType: string;
  signatures: Envelope['signatures'];
  parts: Envelope['parts'];
} {
  const parsed = envelopeSchema.safeParse(envelope);
  if (!parsed.success) throw malformed(`It is no DSSE envelope:\n${z.prettifyError(parsed.error)}`);
  const { payloadType, signatures, parts } = parsed.data;
  const payload = fromBase64(parsed.data.payload);
  if (!payload) throw malformed('The payload is not standard base64.');
  for (const { sig } of signatures) {
    if (fromBase64(sig)?.length !== SIGNATURE_BYTES) {
      throw malformed('A signature is not the standard base64 of 64 bytes.');
    }
  }
  if (new Set(signatures.map(({ keyid }) => keyid)).size !== signatures.length) {
    throw malformed('One key signed more than once.');
  }
  return { payload, payloadType, signatures, parts };
}

function parseStatement(payload: Uint8Array, parts: Envelope['parts']): Said {
  // Whether it is canonical shows where it is compared with the canonical form of what it says.
  const frame = statementFrame.safeParse(parseJsonBytes(payload));
  if (!frame.success) throw malformed(`It is no in-toto Statement:\n${z.prettifyError(frame.error)}`);
  const type = PREDICATE_TYPE.exec(frame.data.predicateType)?.[1];
  if (type === undefined || !isStatementType(type)) {
    throw malformed(`Its predicate type is unknown: ${frame.data.predicateType}.`);
  }
  const said = parsePredicate(type, attach(type, frame.data.predicate, parts));
  if (!areCanonicalBytesOf(statementOf(said.type, said.predicate), payload)) {
    throw malformed(`It is not the canonical form (RFC 8785) of its own ${type} predicate.`);
  }
  return said;
}

function parsePredicate<T extends StatementType>(type: T, predicate: unknown): Said {
  const parsed = PREDICATE_SCHEMAS[type].safeParse(predicate);
  if (!parsed.success) throw malformed(`It is no ${type} statement:\n${z.prettifyError(parsed.error)}`);
  return { type, predicate: parsed.data } as Said;
}

/** The keys, of those named in the envelope, whose signature verifies. Unknown keys are not an error. */
export function verifiedKeyIds(
  opened: Pick<OpenedStatement, 'preAuth' | 'signatures'>,
  verify: VerifySignature,
): string[] {
  return opened.signatures
    .filter(({ keyid, sig }) => {
      const signature = fromBase64(sig);
      return signature !== null && verify(keyid, opened.preAuth, signature);
    })
    .map(({ keyid }) => keyid);
}

function malformed(why: string): DomainError {
  return new DomainError('ENTRY_MALFORMED', `The envelope is malformed. ${why}`, {
    next: 'Sign the canonical statement again.',
  });
}
