import { z } from 'zod';
import { DomainError } from '../errors.ts';
import { toBase64 } from '../evidence/base64.ts';
import { digestOfBytes, parseCanonicalBytes, parseJsonBytes } from '../evidence/canonical-json.ts';
import { type Envelope, preAuthEncoding } from '../evidence/dsse.ts';
import { openEnvelope, openPayload, verifiedKeyIds } from '../evidence/statement-codec.ts';
import type { FreezePredicate } from '../evidence/statements.ts';
import type { Judge } from './authority.ts';

const FREEZE_OF_ANY_VERSION = /^https:\/\/resilience-ctl\.dev\/freeze\/v\d+$/;

/** As little as tells that it is about automation, and about this environment or nobody knows which. */
const freezeFrame = z.object({
  predicateType: z.string().regex(FREEZE_OF_ANY_VERSION),
  predicate: z.object({ environment: z.unknown(), at: z.unknown() }).catch({ environment: null, at: null }),
});
const time = z.iso.datetime({ precision: 3 }).catch('1970-01-01T00:00:00.000Z');

/**
 * What an operator signed about automation in words that this build does not know, such as a scope of a later version.
 * Unreadable means frozen (DESIGN §6), so it stands for a freeze of the whole environment, which an operator lifts by an
 * entry that can be read. Its nonce is the digest of its payload. Null for anything else, as for what no operator signed,
 * or what only somebody else's additions to the envelope make unreadable.
 */
export function unreadableFreeze(
  bytes: Uint8Array,
  environment: string,
  judge: Judge,
): FreezePredicate | null {
  try {
    const { payload, payloadType, signatures } = openPayload(parseCanonicalBytes(bytes));
    const frame = freezeFrame.safeParse(parseJsonBytes(payload));
    if (!frame.success) return null;
    const about = frame.data.predicate;
    if (typeof about.environment === 'string' && about.environment !== environment) return null;
    const operator = verifiedKeyIds(
      { preAuth: preAuthEncoding(payloadType, payload), signatures },
      judge.verify,
    )
      .map((keyId) => judge.trust.personByKey.get(keyId))
      .find((person) => person?.roles.includes('operator'));
    if (!operator) return null;
    // Without its parts, which no signature covers: put beside an old freeze, they would make a new one of it.
    if (isReadable({ payload: toBase64(payload), payloadType, signatures })) return null;
    return {
      environment,
      state: 'frozen',
      scope: null,
      operator: operator.subject,
      reason: 'this build cannot read what was signed about automation, and unreadable means frozen',
      nonce: digestOfBytes(payload),
      at: time.parse(about.at),
    };
  } catch (error) {
    if (error instanceof DomainError) return null;
    throw error;
  }
}

function isReadable(envelope: Envelope): boolean {
  try {
    openEnvelope(envelope);
    return true;
  } catch (error) {
    if (error instanceof DomainError) return false;
    throw error;
  }
}
