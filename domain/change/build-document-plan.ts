import type { Violation } from '../errors.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import type { Policy } from '../evidence/trust.ts';
import type { LogState } from '../log/state.ts';
import type { DocumentPlan } from './document-plan.ts';
import type { ChangeRequest } from './request.ts';

export interface DocumentPlanInput {
  changeId: string;
  environment: string;
  request: ChangeRequest;
  requestDigest: Digest;
  live: LogState['live'];
  /** The parsed body of every live document. */
  bodies: ReadonlyMap<Digest, unknown>;
  policy: Policy;
}

export function buildDocumentPlan(input: DocumentPlanInput): {
  plan: DocumentPlan | null;
  violations: Violation[];
} {
  throw new Error(`not written yet ${input}`);
}

/** The bodies that a request declares, in canonical form, by their digest: what the plan's `targetDigest`s name. */
export function targetBodies(request: ChangeRequest): Map<Digest, unknown> {
  throw new Error(`not written yet ${request}`);
}
