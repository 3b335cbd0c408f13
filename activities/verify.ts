import type { Plan } from '../domain/change/plan.ts';
import type { Violation } from '../domain/errors.ts';
import { canonicalText, type Digest } from '../domain/evidence/canonical-json.ts';
import { groupIn, parseDnsResource } from '../domain/kinds/dns.ts';
import type { ZoneState } from '../domain/kinds/dns-records.ts';
import { loadPlan } from './recorded-change.ts';
import type { OrchestratorPorts } from './role-ports.ts';
import { readStableZone } from './stable-zone.ts';

/** Phase `verify`, and the end of a rollback: what is live, read back, is what the plan says. */
export async function verifyLive(
  ports: OrchestratorPorts,
  input: { planDigest: Digest; expect: 'after' | 'before' },
): Promise<{ violations: Violation[] }> {
  const plan = await loadPlan(ports.bodies, input.planDigest);
  return { violations: differencesTo(plan, await readStableZone(ports.dns, plan.zone), input.expect) };
}

/** Every resource of the plan that is not live as the plan's `before` or `after` says. */
export function differencesTo(plan: Plan, zone: ZoneState, expect: 'after' | 'before'): Violation[] {
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
