import { orchestrator } from '../activities.ts';
import { type ChangeRun, STOPPED } from '../change-run.ts';
import type { PhaseOutcome } from './outcome.ts';

/** After the last stage, what is live, read back, is what the plan promised. */
export async function verify(run: ChangeRun): Promise<PhaseOutcome> {
  const summary = run.progress.plan;
  if (summary === null) throw new Error('verify before plan');
  const { planDigest } = summary;
  const found = await run.persist('reading back', () =>
    orchestrator.verifyLive({ planDigest, expect: 'after' }),
  );
  if (found === STOPPED) return STOPPED;
  run.refuse(found.violations);
  if (found.violations.length > 0) return 'regressed';
  // The last moment to pause or abort: once a commit is on its way, its answer decides.
  return (await run.safePoint()) ?? 'passed';
}
