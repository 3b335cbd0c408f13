import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ChangeLog } from '../activities/ports/change-log.ts';

const INTERVAL_MS = 1_000;

/**
 * Folds the log as it grows, so that whoever asks a voter does not wait for all that happened since
 * the last time: after a busy hour that would be longer than a vote's time-out. Never rejects; what fails here fails
 * again, and is told, where the log is needed.
 */
export async function followLog(log: ChangeLog, logger: Logger): Promise<void> {
  for (;;) {
    try {
      await log.sync();
    } catch (err) {
      logger.debug({ err }, 'the log does not answer');
    }
    await sleep(INTERVAL_MS, undefined, { ref: false });
  }
}
