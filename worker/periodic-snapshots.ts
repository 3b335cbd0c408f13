import type { Logger } from 'pino';
import type { OpenedPorts } from './role-ports.ts';

const CHECK_MS = 30_000;
/** A cold start then folds at most about this many entries behind the newest snapshot. */
const ENTRIES_BETWEEN = 1_000;

/**
 * The orchestrator's spare-time job: a snapshot whenever enough entries have come since the last. Failing is no harm,
 * the next check tries again.
 */
export function startPeriodicSnapshots(ports: OpenedPorts, logger: Logger): void {
  let busy = false;
  const check = async (): Promise<void> => {
    const { size, snapshot } = ports.log.lastKnown();
    if (busy || size - (snapshot?.size ?? 0) < ENTRIES_BETWEEN) return;
    busy = true;
    try {
      await ports.takeSnapshot();
      logger.info({ size }, 'snapshot written');
    } catch (error) {
      logger.warn({ err: error, size }, 'snapshot failed');
    }
    busy = false;
  };
  setInterval(() => void check(), CHECK_MS).unref();
}
