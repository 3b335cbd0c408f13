import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { Integrator } from '../activities/integrate.ts';
import { DomainError } from '../domain/errors.ts';

const INTERVAL_MS = 1_000;

/**
 * The orchestrator's other job: within about a second every entry is covered by a cosigned checkpoint, and an idle
 * log's cosignatures stay fresh. Never rejects, and ends with `signal`; a failure is told once, until it works again.
 */
export async function integratePeriodically(
  integrator: Integrator,
  logger: Logger,
  signal?: AbortSignal,
): Promise<void> {
  let told: string | null = null;
  while (!signal?.aborted) {
    try {
      await integrator.integrate();
      if (told !== null) logger.info('the log is integrated again');
      told = null;
    } catch (err) {
      const code = err instanceof DomainError ? err.code : 'BUG';
      if (told !== code) logger[code === 'LOG_FORKED' ? 'error' : 'warn']({ err }, 'integration failed');
      told = code;
    }
    await sleep(INTERVAL_MS, undefined, { ref: false, ...(signal && { signal }) }).catch(() => {});
  }
}
