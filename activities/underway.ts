import { type ChangeRecord, type LogState, trustOf } from '../domain/log/state.ts';
import { type PlanSummary, summaryOf } from './plan.ts';
import { loadPlan, openChange } from './recorded-change.ts';
import type { OrchestratorPorts } from './role-ports.ts';

/** What an earlier run of a change may have written, and so what leads back. */
export interface Underway {
  summary: PlanSummary;
  /** Its newest intent: the way back from it is the way back from all. */
  stage: string;
  intentIndex: number;
}

/** Asks the log; null when the change has written nothing. Throws as `openChange`, and what the store throws. */
export async function findUnderway(
  ports: OrchestratorPorts,
  input: { changeId: string },
): Promise<Underway | null> {
  const state = await ports.log.sync();
  return underwayOf(ports, state, openChange(state, input.changeId));
}

/** Of a change whose record is at hand. */
export async function underwayOf(
  { bodies }: OrchestratorPorts,
  state: LogState,
  change: ChangeRecord,
): Promise<Underway | null> {
  const newest = change.intents.at(-1);
  if (newest === undefined || change.plan === null) return null;
  const plan = await loadPlan(bodies, newest.planDigest);
  return {
    summary: summaryOf(plan, { ...change.plan, policy: trustOf(state).policy }),
    stage: newest.stage,
    intentIndex: newest.index,
  };
}
