import { asyncLocalStorage } from '@temporalio/activity';
import type { MadeBy } from '../domain/evidence/statements.ts';
import { installedBuild } from './installed-build.ts';

/** This program; within an activity, with the run that asked for it. */
export function madeBy(): MadeBy {
  const context = asyncLocalStorage.getStore();
  if (!context) return installedBuild();
  const { activityId, workflowExecution } = context.info;
  return {
    ...installedBuild(),
    ...(workflowExecution && { run: { ...workflowExecution, activityId } }),
  };
}
