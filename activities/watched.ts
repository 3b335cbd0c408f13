import type { Digest } from '../domain/evidence/canonical-json.ts';
import type { ArmCounts, Verdict } from '../domain/evidence/statements.ts';

/** What a target's watch concluded, with its counts. */
export interface Watched {
  verdict: Verdict;
  reasons: string[];
  arms: { stable: ArmCounts; canary: ArmCounts };
  /** As in `StageVerdictPredicate`. */
  reportsDigest?: Digest;
}
