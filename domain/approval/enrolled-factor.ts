import { z } from 'zod';
import { DomainError } from '../errors.ts';
import { parseCanonicalBytes } from '../evidence/canonical-json.ts';

/** One enrolled second factor, all of it. The trust document lists its digest. */
const enrolledFactor = z.strictObject({
  type: z.literal('totp'),
  /** RFC 6238, base32. */
  secret: z.string().regex(/^[A-Z2-7]{32}$/),
  /** scrypt (RFC 7914) of each recovery code; base64. */
  recovery: z.strictObject({ salt: z.base64(), hashes: z.array(z.base64()).min(1).max(20) }),
});

export type EnrolledFactor = z.infer<typeof enrolledFactor>;

const enrolment = z.strictObject({ environment: z.string(), person: z.string(), factor: enrolledFactor });

export type Enrolment = z.infer<typeof enrolment>;

/** DSSE payload type of an enrolment, the canonical JSON of `Enrolment`. It is never an entry. */
export const FACTOR_PAYLOAD_TYPE = 'application/vnd.resilience-ctl.factor+json';

/** Throws `SCHEMA_INVALID`, `ENTRY_MALFORMED`; repeats nothing of what it was given, which is secret. */
export function parseEnrolment(bytes: Uint8Array): Enrolment {
  const parsed = enrolment.safeParse(parseCanonicalBytes(bytes));
  if (parsed.success) return parsed.data;
  throw new DomainError('SCHEMA_INVALID', 'This is no enrolment of a second factor.', {
    next: 'Make one with `resilience-ctl factor enrol` of this version.',
  });
}
