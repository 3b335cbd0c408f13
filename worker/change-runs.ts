import {
  type Client,
  ScheduleAlreadyRunning,
  ScheduleOverlapPolicy,
  WorkflowExecutionAlreadyStartedError,
  type WorkflowExecutionDescription,
  WorkflowNotFoundError,
} from '@temporalio/client';
import type { ChangeRuns } from '../activities/ports/change-runs.ts';
import { PortError } from '../domain/errors.ts';
import type { RunState } from '../domain/reconcile/judge-environment.ts';
import {
  CHANGE_WORKFLOW,
  type ChangeInput,
  QUEUES,
  RECONCILE_WORKFLOW,
  type ReconcileInput,
} from '../workflows/contract.ts';

const RECONCILE_EVERY = '1 minute';
/** As the client starts a change: see `client/change-engine.ts`. */
const WORKFLOW_TASK_TIMEOUT = '3 seconds';

/** Temporal's runs of one environment's changes. */
export function createChangeRuns(client: Client, environment: string): ChangeRuns {
  async function describe(changeId: string): Promise<WorkflowExecutionDescription | null> {
    try {
      return await client.workflow.getHandle(changeId).describe();
    } catch (error) {
      if (error instanceof WorkflowNotFoundError) return null;
      throw error;
    }
  }

  async function start(input: ChangeInput, isUrgent: boolean): Promise<void> {
    const described = await describe(input.changeId);
    const foreign = described !== null && stateIn(described) === 'foreign';
    try {
      await client.workflow.start(CHANGE_WORKFLOW, {
        workflowId: input.changeId,
        taskQueue: QUEUES.orchestrator,
        workflowIdReusePolicy: 'ALLOW_DUPLICATE',
        workflowIdConflictPolicy: foreign ? 'TERMINATE_EXISTING' : 'FAIL',
        workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
        priority: { priorityKey: isUrgent ? 1 : 3 },
        args: [input],
      });
    } catch (error) {
      if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
    }
  }

  async function keepReconciling(): Promise<void> {
    try {
      await client.schedule.create({
        scheduleId: `reconcile-${environment}`,
        spec: { intervals: [{ every: RECONCILE_EVERY }] },
        policies: { overlap: ScheduleOverlapPolicy.SKIP },
        action: {
          type: 'startWorkflow',
          workflowId: `reconcile-${environment}`,
          workflowType: RECONCILE_WORKFLOW,
          taskQueue: QUEUES.orchestrator,
          args: [{ page: true } satisfies ReconcileInput],
        },
      });
    } catch (error) {
      if (!(error instanceof ScheduleAlreadyRunning)) throw error;
    }
  }

  const asked = async <T>(what: string, call: () => Promise<T>): Promise<T> => {
    try {
      return await call();
    } catch (error) {
      const why = error instanceof Error ? error.message : String(error);
      throw new PortError(
        'ENGINE_UNAVAILABLE',
        `Temporal did not ${what}: ${why}`,
        { next: 'Check that it runs; it is tried again by itself.' },
        error,
      );
    }
  };

  return {
    stateOf: (changeId) =>
      asked(`describe ${changeId}`, async () => {
        const described = await describe(changeId);
        return described === null ? 'unknown' : stateIn(described);
      }),
    start: (input, isUrgent) => asked(`start ${input.changeId}`, () => start(input, isUrgent)),
    keepReconciling: () => asked('schedule the reconciler', keepReconciling),
  };
}

/** A new history of the same run counts as running: Temporal describes the newest. */
function stateIn({ status, type, taskQueue }: WorkflowExecutionDescription): RunState {
  switch (status.name) {
    case 'COMPLETED':
      return 'completed';
    case 'FAILED':
      return 'failed';
    case 'TERMINATED':
      return 'terminated';
    case 'TIMED_OUT':
      return 'timed-out';
    case 'CANCELLED':
      return 'cancelled';
    default:
      return type === CHANGE_WORKFLOW && taskQueue === QUEUES.orchestrator ? 'running' : 'foreign';
  }
}
