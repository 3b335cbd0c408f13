import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import { raiseFences } from '../activities/dns/raise-fence.ts';
import type { OpenedPorts } from './role-ports.ts';

const INTERVAL_MS = 1_000;

/**
 * Follows the log for the enactor and makes every freeze that it finds effective, whoever else hurries: a freeze needs
 * neither Temporal nor the orchestrator. Never rejects, and ends with `signal`; what fails is tried again each second.
 */
export async function enforceFreezes(ports: OpenedPorts, logger: Logger, signal: AbortSignal): Promise<void> {
  const enforced = new Set<number>();
  const pause = (ms: number) => sleep(ms);
  while (!signal.aborted) {
    try {
      const { automation } = await ports.log.sync();
      for (const { index, state } of automation) {
        if (state !== 'frozen' || enforced.has(index)) continue;
        const raised = await raiseFences({ ...ports, pause }, { causeIndex: index });
        enforced.add(index);
        logger.info({ freeze: index, raised }, 'the freeze is effective');
      }
    } catch (err) {
      logger.debug({ err }, 'a freeze cannot be enforced yet, or the log does not answer');
    }
    await sleep(INTERVAL_MS, undefined, { ref: false, signal }).catch(() => {});
  }
}
