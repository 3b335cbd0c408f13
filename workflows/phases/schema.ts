import { orchestrator } from '../activities.ts';
import { type ChangeRun, STOPPED } from '../change-run.ts';
import { takeUp } from '../take-up.ts';
import type { PhaseOutcome } from './outcome.ts';

/**
 * The request is signed by an author, is the one that was signed, and has the right shape. A run that is not the change's
 * first follows what people ordered before, and goes back if anything may be live.
 */
export async function schema(run: ChangeRun): Promise<PhaseOutcome> {
  const { requestDigest, requestIndex } = run.progress;
  const { changeId } = run.status;
  const found = await run.persist('checking the request', () =>
    orchestrator.checkSchema({ changeId, requestDigest, requestIndex }),
  );
  if (found === STOPPED) return STOPPED;
  run.status.author = found.author;
  run.status.reason = found.reason;
  run.status.resources = found.resources;
  // Absent in the answer of an older build, in a history that is replayed.
  if (found.ordered) {
    run.progress.abort ??= found.ordered.abort;
    run.progress.paused ??= found.ordered.pause;
  }
  if (found.underway) {
    takeUp(run, found.underway);
    return 'underway';
  }
  if (found.waitMs !== undefined && found.waitMs > 0) {
    const seconds = Math.ceil(found.waitMs / 1000);
    const stopped = await run.waitFor(
      `its turn: ${found.author} has submitted more than may begin at once`,
      `itself, in ${seconds} s at most`,
      () => false,
      found.waitMs,
    );
    if (stopped) return STOPPED;
  }
  run.refuse(found.violations);
  return found.violations.length > 0 ? 'refused' : 'passed';
}
