import type { ZoneState } from '../kinds/dns-records.ts';
import type { LogState } from '../log/state.ts';
import type { PlannedResource } from './plan.ts';
import type { Risk } from './risk.ts';

export interface RiskInput {
  resources: readonly PlannedResource[];
  /** Names of the resources that move by weight. */
  staged: readonly string[];
  zone: ZoneState;
  live: LogState['live'];
  emergency: boolean;
}

export function assessRisk(_input: RiskInput): Risk {
  throw new Error('not written yet');
}
