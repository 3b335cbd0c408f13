import type { DocumentPlan } from '../../domain/change/document-plan.ts';
import type { ChangeRecord, LogState } from '../../domain/log/state.ts';
import { indexOfFate } from '../fates.ts';
import { type RollbackResult, recordRollback } from '../outcomes.ts';
import type { EnactorPorts } from '../role-ports.ts';
import { signDecision } from '../sign-decision.ts';
import { movesOf } from './moves.ts';

/**
 * Takes a change's versions away from the consumers that have them: one entry, for the whole batch. Unlike DNS there
 * is nothing to write while the log is down, and nobody who could read the new version from it either way.
 */
export async function withdrawVersions(
  ports: EnactorPorts,
  {
    state,
    change,
    plan,
    intent,
  }: {
    state: LogState;
    change: ChangeRecord;
    plan: DocumentPlan;
    intent: ChangeRecord['intents'][number];
  },
): Promise<RollbackResult> {
  const withdrawal = await signDecision(ports, 'commit', {
    changeId: change.changeId,
    environment: ports.environment,
    planDigest: intent.planDigest,
    zone: null,
    rollout: { stage: 'withdraw', percent: 0, zones: [] },
    moves: await movesOf(ports, state, change, plan),
    at: new Date(ports.clock.nowMs()).toISOString(),
  });
  const [fate] = await ports.log.append([withdrawal]);
  indexOfFate(fate);
  return recordRollback(ports, intent, null, true);
}
