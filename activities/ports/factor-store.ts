import type { EnrolledFactor } from '../../domain/approval/enrolled-factor.ts';
import type { FactorUse, MatchedCode } from '../../domain/approval/factor-use.ts';
import type { Digest } from '../../domain/evidence/canonical-json.ts';

/**
 * What the factor-verifier keeps, and nobody else may read. Throws `STORE_UNAVAILABLE`, `SIGNER_UNAVAILABLE` (it is
 * encrypted), `THROTTLED`, `NOT_PERMITTED`.
 */
export interface FactorStore {
  /** Keeps it for good; again is a no-op. The digest is what the trust document must list. */
  enrol(person: string, factor: EnrolledFactor): Promise<Digest>;
  /** Throws `NOT_FOUND`, and `DIGEST_MISMATCH` for another than the one that the trust document lists. */
  factor(person: string, commitment: Digest): Promise<EnrolledFactor>;
  /**
   * What has been used of it so far. `isAlone`: the store does not answer, and this is what this process remembers;
   * another process may know more.
   */
  use(
    person: string,
    commitment: Digest,
  ): Promise<{ use: FactorUse; version: string | null; isAlone: boolean }>;
  /** Replaces exactly what was read; false when somebody else came first. Durable when it resolves. */
  replaceUse(person: string, commitment: Digest, use: FactorUse, version: string | null): Promise<boolean>;
}

/** A store that can hand out a factor as it is kept, for somebody to remember who cannot read it. */
export interface SealedFactorStore extends FactorStore {
  sealed(person: string, commitment: Digest): Promise<Uint8Array>;
  /** Throws as `factor`. */
  open(person: string, commitment: Digest, sealed: Uint8Array): Promise<EnrolledFactor>;
}

/** What a code is to a factor at an instant. */
export type CodeMatcher = (factor: EnrolledFactor, code: string, nowMs: number) => Promise<MatchedCode>;
