import type { Digest } from '../evidence/canonical-json.ts';
import type { ArmCounts, Rollout, Verdict } from '../evidence/statements.ts';
import type { ConsumerReport } from './consumer-report.ts';

/** One stage of a change, as its consumers should have it. */
export interface ConsumerStage extends Rollout {
  changeId: string;
  /** When the stage's exposure was appended (RFC 3339): what was seen before says nothing about it. */
  since: string;
  /** That each arm needs before the verdict can be anything but inconclusive. */
  minimumSamples: number;
  /** Both versions of every resource of the change; null for none. */
  targets: Readonly<Record<string, { stable: Digest | null; canary: Digest | null }>>;
}

export interface ConsumerVerdict {
  verdict: Verdict;
  reasons: string[];
  arms: { stable: ArmCounts; canary: ArmCounts };
}

export function judgeConsumers(_reports: readonly ConsumerReport[], _stage: ConsumerStage): ConsumerVerdict {
  throw new Error('not written yet');
}
