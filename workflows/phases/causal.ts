import { orchestrator } from '../activities.ts';
import { type ChangeRun, STOPPED } from '../change-run.ts';
import type { PhaseOutcome } from './outcome.ts';

/**
 * What the change was made against is what is live, and what it needs exists. Its findings do not end the change
 * here: the plan phase adds its own, so that the author gets all of them at once.
 */
export async function causal(run: ChangeRun): Promise<PhaseOutcome> {
  const { requestDigest } = run.progress;
  const { changeId } = run.status;
  const found = await run.persist('checking what it was made against', () =>
    orchestrator.checkCausality({ changeId, requestDigest }),
  );
  if (found === STOPPED) return STOPPED;
  run.refuse(found.violations);
  return 'passed';
}
