import { orchestrator } from '../activities.ts';
import { type ChangeRun, STOPPED } from '../change-run.ts';
import type { PhaseOutcome } from './outcome.ts';

/** The exact diff, its stages, their inverse and the risk; recorded if nothing so far stands against it. */
export async function plan(run: ChangeRun): Promise<PhaseOutcome> {
  const { requestDigest } = run.progress;
  const { changeId } = run.status;
  const refused = run.status.violations.length > 0;
  const made = await run.persist('planning', () =>
    orchestrator.makePlan({ changeId, requestDigest, refused }),
  );
  if (made === STOPPED) return STOPPED;
  run.refuse(made.violations);
  if (made.summary === null) return 'refused';

  const { summary } = made;
  run.progress.plan = summary;
  run.status.planDigest = summary.planDigest;
  run.status.risk = summary.risk;
  run.status.approvalsNeeded = summary.approvalsNeeded;
  run.status.stages = summary.stages.map(({ name, percent }) => ({ name, percent, state: 'pending' }));
  return 'passed';
}
