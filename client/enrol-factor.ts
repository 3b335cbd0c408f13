import type { FactorVerifier } from '../activities/ports/factor-verifier.ts';
import { type EnrolledFactor, FACTOR_PAYLOAD_TYPE } from '../domain/approval/enrolled-factor.ts';
import { canonicalBytes, type Digest } from '../domain/evidence/canonical-json.ts';
import { signPayload } from '../domain/evidence/statement-codec.ts';
import type { Person } from './control-plane.ts';

/**
 * Hands a new second factor to the factor-verifier, signed by its owner. It counts once the trust document lists the
 * digest that comes back. Throws what `FactorVerifier.enrol` throws.
 */
export async function enrolFactor(
  verifier: FactorVerifier,
  environment: string,
  { subject, signer }: Person,
  factor: EnrolledFactor,
): Promise<Digest> {
  const payload = canonicalBytes({ environment, person: subject, factor });
  return verifier.enrol(await signPayload(signer, FACTOR_PAYLOAD_TYPE, payload));
}
