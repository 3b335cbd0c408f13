import { getExternalWorkflowHandle, log } from '@temporalio/workflow';
import { brakes, orchestrator } from './activities.ts';
import { MESSAGES } from './contract.ts';

/**
 * Makes the recorded freeze of entry `freezeIndex` effective at once, and tells the changes that it sends back. It only
 * hurries: the enactor raises the fences of a recorded freeze by itself, and a change finds the freeze at its next step.
 */
export async function freeze(freezeIndex: number): Promise<void> {
  await brakes.raiseFences({ causeIndex: freezeIndex });
  for (const changeId of await orchestrator.changesSentBack({ freezeIndex })) {
    try {
      await getExternalWorkflowHandle(changeId).signal(MESSAGES.brake);
    } catch (error) {
      log.warn('a change that is to go back does not run', { changeId, error: String(error) });
    }
  }
}
