import type { Underway } from '../activities/underway.ts';
import type { ChangeRun } from './change-run.ts';

/**
 * Takes up a change whose run was lost after its first intent: all that is left to do is to go back. Nobody has watched
 * its canary since, and what has passed it proves nothing about now.
 */
export function takeUp({ progress, status }: ChangeRun, { summary, stage, intentIndex }: Underway): void {
  const { changeId } = status;
  progress.plan = summary;
  status.planDigest = summary.planDigest;
  status.risk = summary.risk;
  status.approvalsNeeded = summary.approvalsNeeded;
  const newest = summary.stages.findIndex(({ name }) => name === stage);
  status.stages = summary.stages.map(({ name, percent }, at) => ({
    name,
    percent,
    ...(at === newest
      ? { state: 'inconclusive' as const, intentIndex }
      : { state: at < newest ? ('passed' as const) : ('pending' as const) }),
  }));
  status.undo = [{ activity: 'rollBack', input: { changeId, stage, intentIndex } }];
  status.violations.push({
    code: 'ABORTED',
    rule: 'run-lost',
    message: `Its run was lost when stage ${stage} may have been live (intent ${intentIndex}): it goes back.`,
    remedy: 'Submit it again.',
  });
}
