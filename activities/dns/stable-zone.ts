import { DomainError } from '../../domain/errors.ts';
import type { ZoneState } from '../../domain/kinds/dns-records.ts';
import type { DnsZones } from '../ports/dns-zones.ts';

const ATTEMPTS = 5;

/**
 * A reading of the whole zone that no governed write crossed: fence, zone, fence, all three equal. A listing is
 * paged and so no snapshot by itself.
 */
export async function readStableZone(dns: DnsZones, zone: string): Promise<ZoneState> {
  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const before = await dns.readFence(zone);
    const state = await dns.readZone(zone);
    const after = await dns.readFence(zone);
    if (before === state.fence && state.fence === after) return state;
  }
  throw new DomainError(
    'DNS_UNAVAILABLE',
    `The fence of ${zone} moved during each of ${ATTEMPTS} readings.`,
    {
      next: 'Nothing was changed; it is read again by itself.',
    },
  );
}
