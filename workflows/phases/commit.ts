import { enactor } from '../activities.ts';
import { abortion, type ChangeRun, STOPPED } from '../change-run.ts';
import type { PhaseOutcome } from './outcome.ts';

/** The entry that makes the versions live; signed by the enactor over what it reads back itself. */
export async function commit(run: ChangeRun): Promise<PhaseOutcome> {
  const { changeId } = run.status;
  for (;;) {
    const committed = await run.persist('committing', () => enactor.commit({ changeId }));
    if (committed === STOPPED) return STOPPED;
    if (committed.result === 'committed') return 'passed';
    if (committed.result === 'refused') {
      run.refuse(committed.violations);
      return 'refused';
    }
    const stopped = await run.waitOutFreeze(committed);
    if (stopped) return STOPPED;
    // The enactor has said that nothing moved, so here an abort leads back.
    const { abort } = run.progress;
    if (abort !== null) {
      run.refuse([abortion(abort)]);
      return 'refused';
    }
  }
}
