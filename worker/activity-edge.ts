import { Context } from '@temporalio/activity';
import { ApplicationFailure } from '@temporalio/common';
import type { ActivityInterceptorsFactory } from '@temporalio/worker';
import type { Logger } from 'pino';
import { DomainError, ERROR_KINDS } from '../domain/errors.ts';
import { traceIdOf } from './telemetry.ts';

const HEARTBEAT_MS = 1_000;

/**
 * Around every activity: one log line with its change and trace, a heartbeat while it lives (so that it can be
 * cancelled, and taken over soon after its process is gone), and our errors in the engine's words.
 */
export function activityEdge(logger: Logger): ActivityInterceptorsFactory {
  return (context) => ({
    inbound: {
      async execute(input, next) {
        const { activityType, attempt, workflowExecution } = context.info;
        const changeId = workflowExecution?.workflowId ?? 'none';
        const facts = { activity: activityType, attempt, changeId, traceId: traceIdOf(changeId) };
        const beat = setInterval(() => context.heartbeat(), HEARTBEAT_MS);
        const startedMs = performance.now();
        const durationMs = () => Math.round(performance.now() - startedMs);
        try {
          const output = await next(input);
          logger.info({ ...facts, durationMs: durationMs() }, 'done');
          return output;
        } catch (error) {
          logger.warn({ ...facts, durationMs: durationMs(), err: error }, 'failed');
          throw toFailure(error);
        } finally {
          clearInterval(beat);
        }
      },
    },
  });
}

/** `ApplicationFailure.type` is the code, its first detail our details; only some kinds are worth a retry. */
export function toFailure(error: unknown): unknown {
  if (!(error instanceof DomainError)) return error;
  return ApplicationFailure.create({
    message: error.message,
    type: error.code,
    nonRetryable: !ERROR_KINDS[error.kind].retryable,
    details: [error.details],
    cause: error,
  });
}

/** Cancellable, because the engine can cancel it: see `PacedWait`. */
export function pause(ms: number): Promise<void> {
  return Context.current().sleep(ms);
}
