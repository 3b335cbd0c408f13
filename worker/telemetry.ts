import { createHash } from 'node:crypto';
import { DefaultLogger, Runtime, type Logger as TemporalLogger } from '@temporalio/worker';
import pino, { type Logger } from 'pino';
import type { WorkerConfig } from './config.ts';

/** One JSON line an event; whatever could be a secret is cut out by path, not by hope. */
export function createLogger(config: WorkerConfig): Logger {
  return pino({
    level: config.logLevel,
    base: {
      role: config.role,
      ...(config.voterZone ? { voterZone: config.voterZone } : {}),
      pid: process.pid,
    },
    timestamp: pino.stdTimeFunctions.isoTime,
    // The engine's own lines call it `error`, which would be printed as {}.
    serializers: { error: pino.stdSerializers.err },
    redact: ['*.credentials', '*.secretAccessKey', '*.privateKey', '*.headers.authorization'],
  });
}

/** One trace a change, over all roles and runs: derived, so that nobody has to carry it. W3C trace-id, 32 hex. */
export function traceIdOf(changeId: string): string {
  return createHash('sha256').update(changeId).digest('hex').slice(0, 32);
}

/** Sends the engine's own log lines, workflow code's included, through the same logger. */
export function installRuntime(logger: Logger): void {
  const toPino: TemporalLogger = new DefaultLogger('INFO', ({ level, message, meta }) => {
    const { workflowId, ...rest } = meta ?? {};
    const change =
      typeof workflowId === 'string' ? { changeId: workflowId, traceId: traceIdOf(workflowId) } : {};
    logger[PINO_LEVEL[level]]({ ...rest, ...change }, message);
  });
  Runtime.install({ logger: toPino, shutdownSignals: [] });
}

const PINO_LEVEL = { TRACE: 'trace', DEBUG: 'debug', INFO: 'info', WARN: 'warn', ERROR: 'error' } as const;
