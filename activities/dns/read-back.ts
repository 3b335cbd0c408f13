import type { DnsPlan } from '../../domain/change/plan.ts';
import type { Violation } from '../../domain/errors.ts';
import { canonicalText } from '../../domain/evidence/canonical-json.ts';
import { groupIn, parseDnsResource } from '../../domain/kinds/dns.ts';
import type { DnsZones } from '../ports/dns-zones.ts';

/** Every resource of the plan that is not live as the plan's `before` or `after` says. */
export async function zoneDifferences(
  dns: DnsZones,
  plan: DnsPlan,
  expect: 'after' | 'before',
): Promise<Violation[]> {
  const zone = await dns.readZone(plan.zone);
  return plan.resources.flatMap((resource): Violation[] => {
    const live = groupIn(zone, parseDnsResource(resource.resource, [plan.zone]));
    if (canonicalText(live) === canonicalText(resource[expect])) return [];
    return [
      {
        code: 'VERIFY_MISMATCH',
        rule: 'read-back',
        message: `${resource.resource} is live as ${canonicalText(live)}, expected ${canonicalText(resource[expect])}.`,
        remedy: 'Somebody wrote to the zone outside of this system; find out who before trying again.',
      },
    ];
  });
}
