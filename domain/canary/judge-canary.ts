import type { ArmCounts, Verdict } from '../evidence/statements.ts';

export interface CanaryInput {
  stable: ArmCounts;
  canary: ArmCounts;
  /** Direct probes that each arm needs before the verdict can be anything but inconclusive. */
  minimumSamples: number;
  /** Share of resolutions that the canary gets, 0–100. */
  percent: number;
}

export function judgeCanary(_input: CanaryInput): { verdict: Verdict; reasons: string[] } {
  throw new Error('not written yet');
}
