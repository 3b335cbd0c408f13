import type { Digest } from '../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';

/** A person's second factor for the one statement that the same person has signed already. */
export interface FactorRequest {
  person: string;
  /** The signed approval or override. */
  signed: Envelope;
  /** Six digits, or a recovery code. */
  code: string;
}

/**
 * Whoever keeps second factors. Throws `DomainError` with every violation when it refuses, and
 * `FACTOR_VERIFIER_UNAVAILABLE`: then nothing that needs a second factor goes on.
 */
export interface FactorVerifier {
  /** The `mfa` statement to hand over beside the signed one. */
  check(request: FactorRequest): Promise<Envelope>;
  /**
   * Hands over a new factor, in an envelope that its owner signed (`FACTOR_PAYLOAD_TYPE`). Answers with the digest that
   * the trust document must list before it counts.
   */
  enrol(signed: Envelope): Promise<Digest>;
}
