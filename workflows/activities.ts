import { proxyActivities } from '@temporalio/workflow';
import type {
  AnalysisActivities,
  BrakeActivities,
  EnactorActivities,
  OrchestratorActivities,
  VoterActivities,
} from '../activities/index.ts';
import { QUEUES } from './contract.ts';

/**
 * The roles as the workflow sees them, each on its own queue. Each gives up after a few tries, so that the workflow can
 * say why it waits (`ChangeRun.persist`), and tries again from there. None is a local activity: messages and queries
 * that come while one runs make histories that do not replay (decision 24).
 */

const retry = {
  initialInterval: '50 milliseconds',
  backoffCoefficient: 2,
  maximumInterval: '1 second',
  maximumAttempts: 4,
} as const;

/** However long it waits in the queue: whoever is to be told that nobody works on it is away as well. */
export const orchestrator: OrchestratorActivities = proxyActivities<OrchestratorActivities>({
  startToCloseTimeout: '30 seconds',
  heartbeatTimeout: '4 seconds',
  retry,
});

/** A role whose worker is gone says so; one that is only busy is asked again. */
const QUEUED_AT_MOST = '30 seconds';

export const enactor: EnactorActivities = proxyActivities<EnactorActivities>({
  taskQueue: QUEUES.enactor,
  scheduleToStartTimeout: QUEUED_AT_MOST,
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '4 seconds',
  retry,
});

export const brakes: BrakeActivities = proxyActivities<BrakeActivities>({
  taskQueue: QUEUES.brakes,
  scheduleToStartTimeout: QUEUED_AT_MOST,
  startToCloseTimeout: '15 minutes',
  heartbeatTimeout: '4 seconds',
  retry,
});

/** The vote's own time-out (DESIGN §6): a zone that does not answer in time has not answered. */
export function voter(voterZone: string): VoterActivities {
  return proxyActivities<VoterActivities>({
    taskQueue: QUEUES.voter(voterZone),
    scheduleToCloseTimeout: '5 seconds',
    startToCloseTimeout: '4 seconds',
    retry,
  });
}

export function analysis(bakeMs: number): AnalysisActivities {
  return proxyActivities<AnalysisActivities>({
    taskQueue: QUEUES.analysis,
    scheduleToStartTimeout: QUEUED_AT_MOST,
    startToCloseTimeout: bakeMs + 300_000,
    heartbeatTimeout: '4 seconds',
    retry,
  });
}
