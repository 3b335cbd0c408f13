import type { Plan } from '../change/plan.ts';
import type { Violation } from '../errors.ts';
import type { Policy } from '../evidence/trust.ts';
import type { ZoneState } from '../kinds/dns-records.ts';
import type { LogState } from '../log/state.ts';

export interface PlanFacts {
  zone: ZoneState;
  live: LogState['live'];
  recentCommits: LogState['recentCommits'];
  policy: Policy;
  nowMs: number;
}

export function judgePlan(_plan: Plan, _facts: PlanFacts): Violation[] {
  throw new Error('not written yet');
}
export function judgeStage(_plan: Plan, _stageIndex: number, _zone: ZoneState, _policy: Policy): Violation[] {
  throw new Error('not written yet');
}
