import type { Logger } from 'pino';
import type { ChangeLog } from '../activities/ports/change-log.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import { trustOf } from '../domain/log/state.ts';
import type { RememberingFactorStore } from '../infra/files/remembering-factor-store.ts';

/** What was used elsewhere within so long before the store went down, a verifier that is alone may not know. */
const INTERVAL_MS = 60_000;

/**
 * Remembers every second factor that the trust document in force lists, now and each minute. Resolves after the first
 * round, and never rejects; what fails is logged, and tried again. All at once, so that a store that is down delays a
 * start by one time-out, not by one for each person.
 */
export async function rememberFactors(
  factors: Pick<RememberingFactorStore, 'remember'>,
  log: Pick<ChangeLog, 'lastKnown'>,
  logger: Pick<Logger, 'warn'>,
): Promise<void> {
  const remember = async (person: string, commitment: string): Promise<void> => {
    try {
      await factors.remember(person, commitment as Digest);
    } catch (err) {
      logger.warn({ err, person }, 'a second factor is not remembered');
    }
  };
  let isBusy = false;
  const round = async (): Promise<void> => {
    if (isBusy) return;
    isBusy = true;
    await Promise.all(
      trustOf(log.lastKnown()).people.flatMap(({ subject, secondFactors }) =>
        secondFactors.map(({ commitment }) => remember(subject, commitment)),
      ),
    );
    isBusy = false;
  };
  setInterval(() => void round(), INTERVAL_MS).unref();
  await round();
}
