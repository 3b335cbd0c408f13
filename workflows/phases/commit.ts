import { enactor } from '../activities.ts';
import { type ChangeRun, STOPPED } from '../change-run.ts';
import type { PhaseOutcome } from './outcome.ts';

/** The entry that makes the versions live; signed by the enactor over what it reads back itself. */
export async function commit(run: ChangeRun): Promise<PhaseOutcome> {
  const { changeId } = run.status;
  const committed = await run.persist('committing', () => enactor.commit({ changeId }));
  if (committed === STOPPED) return STOPPED;
  if (committed.result === 'committed') return 'passed';
  run.refuse(committed.violations);
  return 'refused';
}
