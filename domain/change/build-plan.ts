import type { Violation } from '../errors.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import type { Policy } from '../evidence/trust.ts';
import type { ZoneState } from '../kinds/dns-records.ts';
import type { LogState } from '../log/state.ts';
import type { Plan } from './plan.ts';
import type { ChangeRequest } from './request.ts';

export interface PlanInput {
  changeId: string;
  environment: string;
  request: ChangeRequest;
  requestDigest: Digest;
  zone: ZoneState;
  live: LogState['live'];
  policy: Policy;
  /** Zones of the environment, from the trust document. */
  zones: readonly string[];
}

export function buildPlan(_input: PlanInput): { plan: Plan | null; violations: Violation[] } {
  throw new Error('not written yet');
}
