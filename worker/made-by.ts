import { asyncLocalStorage } from '@temporalio/activity';
import type { MadeBy } from '../domain/evidence/statements.ts';
import { installedBuild } from './installed-build.ts';

/** Read when the process starts: later its files may be others than those that run. */
const BUILD = installedBuild();

/** This program; within an activity, with the run that asked for it. */
export function madeBy(): MadeBy {
  const context = asyncLocalStorage.getStore();
  if (!context) return BUILD;
  const { activityId, workflowExecution } = context.info;
  return { ...BUILD, ...(workflowExecution && { run: { ...workflowExecution, activityId } }) };
}
