import type { RiskClass } from '../change/risk.ts';
import type { Violation } from '../errors.ts';
import type { ApprovalPredicate } from '../evidence/statements.ts';
import type { TrustDocument } from '../evidence/trust.ts';
import type { ChangeRecord } from '../log/state.ts';

export interface ApprovalFacts {
  /** The open change, or undefined when the log has none of this id. */
  change: ChangeRecord | undefined;
  ended: boolean;
  trust: TrustDocument;
  /** Keys of the trust document whose signatures verified. */
  keyIds: readonly string[];
  environment: string;
  nowMs: number;
}

export function judgeApproval(_approval: ApprovalPredicate, _facts: ApprovalFacts): Violation[] {
  throw new Error('not written yet');
}

export interface ApprovalTally {
  needed: number;
  /** Distinct people, sorted. */
  given: string[];
  rejectedBy: string | null;
  /** Who could still approve, sorted. */
  eligible: string[];
}

export function missingApprovals(
  _change: ChangeRecord,
  _riskClass: RiskClass,
  _trust: TrustDocument,
): ApprovalTally {
  throw new Error('not written yet');
}
