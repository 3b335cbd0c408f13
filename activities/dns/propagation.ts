import { DomainError } from '../../domain/errors.ts';
import type { DnsZones } from '../ports/dns-zones.ts';
import type { PacedWait } from '../ports/paced-wait.ts';

const FIRST_POLL_MS = 1;
const LONGEST_POLL_MS = 2_000;
const GIVE_UP_MS = 10 * 60_000;

/**
 * Waits until the provider has the batch on all its servers. Where the reference was lost with the answer, it waits
 * as long as the provider may take at worst.
 */
export async function awaitInSync(
  ports: PacedWait & { dns: DnsZones },
  changeRef: string | null,
): Promise<void> {
  if (changeRef === null) return ports.pause(ports.dns.worstPropagationMs);
  let waitedMs = 0;
  for (let pollMs = FIRST_POLL_MS; !(await ports.dns.isInSync(changeRef)); pollMs *= 2) {
    if (waitedMs > GIVE_UP_MS) {
      throw new DomainError('DNS_UNAVAILABLE', `Batch ${changeRef} is not in sync after ${waitedMs} ms.`, {
        next: "Look at the provider's status; the change holds until the batch is everywhere.",
      });
    }
    const waitMs = Math.min(pollMs, LONGEST_POLL_MS);
    await ports.pause(waitMs);
    waitedMs += waitMs;
  }
}
