import { buildPlan } from '../domain/change/build-plan.ts';
import type { Plan } from '../domain/change/plan.ts';
import type { ChangeRequest } from '../domain/change/request.ts';
import type { Violation } from '../domain/errors.ts';
import { type Digest, digestOf } from '../domain/evidence/canonical-json.ts';
import type { TrustDocument } from '../domain/evidence/trust.ts';
import type { ZoneState } from '../domain/kinds/dns-records.ts';
import type { LogState } from '../domain/log/state.ts';
import type { DnsZones } from './ports/dns-zones.ts';
import { readStableZone } from './stable-zone.ts';

/** A plan made here and now, with the readings that it was made from. */
export type Planned =
  | { plan: Plan; zone: ZoneState; violations: Violation[] }
  | { plan: null; zone: null; violations: Violation[] };

/** Reads the target and plans the request against it: the same for the orchestrator and for each voter. */
export async function planHere(
  ports: { dns: DnsZones; trust: TrustDocument; environment: string },
  change: { changeId: string; request: ChangeRequest; requestDigest: Digest },
  state: LogState,
): Promise<Planned> {
  const zones = ports.trust.targets.map((target) => target.zone);
  const target = targetZone(change.request, zones);
  const zone = target === null ? EMPTY_ZONE : await readStableZone(ports.dns, target);
  const built = buildPlan({
    ...change,
    environment: ports.environment,
    zone,
    live: state.live,
    policy: ports.trust.policy,
    zones,
  });
  if (built.plan === null || target === null) return { plan: null, zone: null, violations: built.violations };
  return { plan: built.plan, zone, violations: built.violations };
}

/** A request whose zone is unknown is still planned, against nothing, so that all its faults are found at once. */
const EMPTY_ZONE: ZoneState = { zone: '', fence: null, recordSets: [], opaque: [] };

function targetZone(request: ChangeRequest, zones: readonly string[]): string | null {
  for (const operation of request.spec.operations) {
    const zone = ('set' in operation ? operation.set : operation.remove).split('/')[1];
    if (zone !== undefined && zones.includes(zone)) return zone;
  }
  return null;
}

/** What votes are compared on: the digests of the plan's bases, as the one who planned saw them. */
export function baseDigestOf(plan: Plan): Digest {
  return digestOf(plan.resources.map((resource) => [resource.resource, resource.baseDigest]));
}
