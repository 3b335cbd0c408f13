import type { Plan } from '../change/plan.ts';
import type { ChangeRequest } from '../change/request.ts';
import type { Violation } from '../errors.ts';
import type { ZoneState } from '../kinds/dns-records.ts';
import type { LogState } from '../log/state.ts';

export interface CausalityInput {
  changeId: string;
  request: ChangeRequest;
  plan: Plan;
  zone: ZoneState;
  state: LogState;
}

export function judgeCausality(_input: CausalityInput): Violation[] {
  throw new Error('not written yet');
}
