import {
  type Client,
  isGrpcServiceError,
  QueryNotRegisteredError,
  ServiceError,
  WorkflowExecutionAlreadyStartedError,
  WorkflowFailedError,
  WorkflowNotFoundError,
  WorkflowUpdateFailedError,
  WorkflowUpdateRPCTimeoutOrCancelledError,
} from '@temporalio/client';
import { ActivityFailure, ApplicationFailure } from '@temporalio/common';
import type { TakenSnapshot } from '../activities/role-ports.ts';
import { DomainError, type ErrorDetails, isErrorCode, PortError } from '../domain/errors.ts';
import {
  CHANGE_WORKFLOW,
  type ChangeInput,
  type ChangeStatus,
  type CommandAnswer,
  type CommandMessage,
  type DecideAnswer,
  type DecideMessage,
  FREEZE_WORKFLOW,
  MESSAGES,
  QUEUES,
  RECONCILE_WORKFLOW,
  RECOVER_WORKFLOW,
  RESUME_WORKFLOW,
  type ReconcileInput,
  type Reconciliation,
  type RecoverInput,
  type Recovery,
  type ResumeInput,
  SNAPSHOT_WORKFLOW,
  STATUS_QUERY,
} from '../workflows/contract.ts';

/**
 * The durable process, as the client sees it. Every method answers or throws within seconds: `ENGINE_UNAVAILABLE`
 * says whether the server or the orchestrator's worker is missing.
 */
export interface ChangeEngine {
  /** A change that runs already is left alone. An urgent one is worked on before those that wait. */
  start(input: ChangeInput, isUrgent: boolean): Promise<void>;
  /** Throws `NOT_FOUND` when the engine does not know the change (any more). */
  status(changeId: string): Promise<ChangeStatus>;
  /** Safe to repeat with the same `updateId`: the answer is the first one's. */
  decide(changeId: string, message: DecideMessage, updateId: string): Promise<DecideAnswer>;
  command(changeId: string, message: CommandMessage, updateId: string): Promise<CommandAnswer>;
  /** Whoever asks while one is being taken gets that one. */
  takeSnapshot(environment: string): Promise<TakenSnapshot>;
  /** Whoever asks while somebody else does gets the same answer. */
  reconcile(environment: string): Promise<Reconciliation>;
  /** Goes on although nobody waits for its answer any more. */
  recover(environment: string, input: RecoverInput): Promise<Recovery>;
}

/** Without a worker a snapshot that nobody waits for any more is not taken. */
const SNAPSHOT_TIMEOUT = '1 minute';
/** It reads every zone and every open change. */
const RECONCILED_WITHIN_MS = 60_000;
const RECONCILE_TIMEOUT = '10 minutes';
/** Before, it raises the fence of every zone, which the provider carries to all its servers. */
const RECOVERED_WITHIN_MS = 180_000;
/** What the engine does for the brakes; both throw as `ChangeEngine`. */
export interface BrakeEngine {
  /** Hurries what the freeze of this entry asks for; does not wait for it. */
  freeze(environment: string, freezeIndex: number): Promise<void>;
  /** Starts the gradual resumption of this entry; one that runs already is left alone. */
  resume(environment: string, input: ResumeInput): Promise<void>;
}

/** The enactor enforces a freeze by itself; this only hurries it. */
const FREEZE_TIMEOUT = '1 hour';
/** Without a worker an update waits for the caller's deadline, so there always is one. */
const ANSWER_WITHIN_MS = 15_000;
/** A start needs the server alone. */
const START_WITHIN_MS = 8_000;
/** A query is cheap, and people wait for it; the log answers instead. */
const STATUS_WITHIN_MS = 5_000;
/** How soon another worker takes over from one that was killed in the middle of a step; 10 seconds by default. */
const WORKFLOW_TASK_TIMEOUT = '3 seconds';

export function createTemporalEngine(client: Client, address: string): ChangeEngine & BrakeEngine {
  const ask = <T>(withinMs: number, call: () => Promise<T>) =>
    client
      .withDeadline(Date.now() + withinMs, call)
      .catch(async (error: unknown) => Promise.reject(await translate(client, address, withinMs, error)));
  const change = (changeId: string) => client.workflow.getHandle(changeId);

  return {
    start: (input, isUrgent) =>
      ask(START_WITHIN_MS, async () => {
        try {
          await client.workflow.start(CHANGE_WORKFLOW, {
            workflowId: input.changeId,
            taskQueue: QUEUES.orchestrator,
            // A run that was terminated has not ended its change; of one that ended, the first phase finds it in the log.
            workflowIdReusePolicy: 'ALLOW_DUPLICATE',
            workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
            // Of five: the lower one is handed out first, and 3 is what all others have.
            priority: { priorityKey: isUrgent ? 1 : 3 },
            args: [input],
          });
        } catch (error) {
          if (!(error instanceof WorkflowExecutionAlreadyStartedError)) throw error;
        }
      }),
    status: (changeId) => ask(STATUS_WITHIN_MS, () => change(changeId).query<ChangeStatus>(STATUS_QUERY)),
    decide: (changeId, message, updateId) =>
      ask(ANSWER_WITHIN_MS, () =>
        change(changeId).executeUpdate<DecideAnswer, [DecideMessage]>(MESSAGES.decide, {
          args: [message],
          updateId,
        }),
      ),
    command: (changeId, message, updateId) =>
      ask(ANSWER_WITHIN_MS, () =>
        change(changeId).executeUpdate<CommandAnswer, [CommandMessage]>(MESSAGES.command, {
          args: [message],
          updateId,
        }),
      ),
    freeze: (environment, freezeIndex) =>
      ask(
        START_WITHIN_MS,
        async () =>
          void (await client.workflow.start(FREEZE_WORKFLOW, {
            workflowId: `freeze-${environment}-${freezeIndex}`,
            taskQueue: QUEUES.orchestrator,
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowExecutionTimeout: FREEZE_TIMEOUT,
            args: [freezeIndex],
          })),
      ),
    resume: (environment, input) =>
      ask(
        START_WITHIN_MS,
        async () =>
          void (await client.workflow.start(RESUME_WORKFLOW, {
            workflowId: `resume-${environment}-${input.freezeIndex}`,
            taskQueue: QUEUES.orchestrator,
            workflowIdConflictPolicy: 'USE_EXISTING',
            workflowTaskTimeout: WORKFLOW_TASK_TIMEOUT,
            args: [input],
          })),
      ),
    takeSnapshot: (environment) =>
      ask(ANSWER_WITHIN_MS, () =>
        client.workflow.execute<() => Promise<TakenSnapshot>>(SNAPSHOT_WORKFLOW, {
          workflowId: `snapshot-${environment}`,
          taskQueue: QUEUES.orchestrator,
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowExecutionTimeout: SNAPSHOT_TIMEOUT,
        }),
      ),
    reconcile: (environment) =>
      ask(RECONCILED_WITHIN_MS, () =>
        client.workflow.execute<(input: ReconcileInput) => Promise<Reconciliation>>(RECONCILE_WORKFLOW, {
          workflowId: `reconcile-${environment}-asked`,
          taskQueue: QUEUES.orchestrator,
          workflowIdConflictPolicy: 'USE_EXISTING',
          workflowExecutionTimeout: RECONCILE_TIMEOUT,
          args: [{ page: false }],
        }),
      ),
    recover: (environment, input) =>
      ask(RECOVERED_WITHIN_MS, () =>
        client.workflow.execute<(input: RecoverInput) => Promise<Recovery>>(RECOVER_WORKFLOW, {
          workflowId: `recover-${environment}-${input.causeIndex}`,
          taskQueue: QUEUES.orchestrator,
          args: [input],
        }),
      ),
  };
}

const GRPC_DEADLINE_EXCEEDED = 4;

async function translate(
  client: Client,
  address: string,
  withinMs: number,
  error: unknown,
): Promise<unknown> {
  if (error instanceof WorkflowNotFoundError) {
    return new DomainError('NOT_FOUND', `The engine runs no change ${error.workflowId}, or it has ended.`, {
      next: `See \`resilience-ctl history ${error.workflowId}\` for what the log knows.`,
    });
  }
  if (error instanceof WorkflowUpdateFailedError || error instanceof WorkflowFailedError)
    return refusalOf(error);
  const grpc = error instanceof ServiceError ? error.cause : error;
  const timedOut =
    error instanceof WorkflowUpdateRPCTimeoutOrCancelledError ||
    (isGrpcServiceError(grpc) && grpc.code === GRPC_DEADLINE_EXCEEDED);
  if (error instanceof QueryNotRegisteredError || (timedOut && (await answers(client)))) {
    return new PortError(
      'ENGINE_UNAVAILABLE',
      `Temporal is there, but no orchestrator worker answered within ${withinMs / 1000} s.`,
      {
        next: 'Start the orchestrator worker. What was sent may still arrive: see the status before trying again.',
      },
      error,
    );
  }
  if (timedOut || isGrpcServiceError(grpc)) {
    const why = timedOut || !isGrpcServiceError(grpc) ? `nothing within ${withinMs / 1000} s` : grpc.details;
    return new PortError(
      'ENGINE_UNAVAILABLE',
      `Temporal at ${address} does not answer: ${why}.`,
      { next: 'Check that it runs (`resilience-ctl dev status` for the local stack) and try again.' },
      error,
    );
  }
  return error;
}

/** Tells a silent server from a silent worker. */
async function answers(client: Client): Promise<boolean> {
  return client
    .withDeadline(Date.now() + 1000, () => client.workflowService.getSystemInfo({}))
    .then(
      () => true,
      () => false,
    );
}

/** The workflow refuses with `ApplicationFailure.type = code`. */
function refusalOf(error: WorkflowUpdateFailedError | WorkflowFailedError): unknown {
  const cause = error.cause instanceof ActivityFailure ? error.cause.cause : error.cause;
  if (!(cause instanceof ApplicationFailure) || !cause.type || !isErrorCode(cause.type)) return error;
  const details = cause.details?.[0];
  return new DomainError(cause.type, cause.message, isDetails(details) ? details : {}, error);
}

function isDetails(value: unknown): value is ErrorDetails {
  return typeof value === 'object' && value !== null;
}
