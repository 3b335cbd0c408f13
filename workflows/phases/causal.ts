import { orchestrator } from '../activities.ts';
import { type ChangeRun, STOPPED } from '../change-run.ts';
import type { PhaseOutcome } from './outcome.ts';

const TURN_RETRY_MS = 2_000;

/**
 * Waits for its turn in its lane (`domain/causality/lane.ts`), then checks that what the change was made against is
 * what is live, and that what it needs exists. Its findings do not end the change here: the plan phase adds its own,
 * so that the author gets all of them at once.
 */
export async function causal(run: ChangeRun): Promise<PhaseOutcome> {
  const { requestDigest } = run.progress;
  const { changeId } = run.status;
  for (;;) {
    const found = await run.persist('checking what it was made against', () =>
      orchestrator.checkCausality({ changeId, requestDigest }),
    );
    if (found === STOPPED) return STOPPED;
    const [first, ...others] = found.ahead;
    if (first === undefined) {
      run.refuse(found.violations);
      return 'passed';
    }
    const stopped = await run.waitFor(
      `its turn: number ${others.length + 2} in its lane, behind ${found.ahead.join(', ')}`,
      `whoever can finish or abort ${first}`,
      () => false,
      TURN_RETRY_MS,
    );
    if (stopped) return STOPPED;
  }
}
