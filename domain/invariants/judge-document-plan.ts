import type { DocumentPlan } from '../change/document-plan.ts';
import type { ChangeRequest } from '../change/request.ts';
import type { Violation } from '../errors.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import type { Policy } from '../evidence/trust.ts';
import type { LogState } from '../log/state.ts';

export interface DocumentPlanFacts {
  /** The parsed bodies of every live document and of every target of the plan. */
  bodies: ReadonlyMap<Digest, unknown>;
  live: LogState['live'];
  request: ChangeRequest;
  policy: Policy;
  nowMs: number;
}

/**
 * Judges the documents that would be live after a plan, and what would become of them. Returns all violations; what
 * is wrong already, and stays as it is, does not count against the plan. Throws `NOT_FOUND` for a body not in `bodies`.
 */
export function judgeDocumentPlan(plan: DocumentPlan, facts: DocumentPlanFacts): Violation[] {
  throw new Error(`not written yet ${plan} ${facts}`);
}
