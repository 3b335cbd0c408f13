import { judgeCausality } from '../../domain/causality/judge-causality.ts';
import { buildPlan } from '../../domain/change/build-plan.ts';
import { type ChangeRequest, resourceOf } from '../../domain/change/request.ts';
import { judgePlan } from '../../domain/invariants/judge-plan.ts';
import type { ZoneState } from '../../domain/kinds/dns-records.ts';
import { type LogState, trustOf } from '../../domain/log/state.ts';
import { permissionsInForce } from '../../domain/permissions/in-force.ts';
import type { PlannedAtTarget, PlanningInput, PlanningPorts } from '../planned.ts';

/** Plans a request against a fresh reading of its hosted zone. */
export async function planZone(
  ports: PlanningPorts,
  change: PlanningInput,
  state: LogState,
): Promise<PlannedAtTarget> {
  const { environment } = ports;
  const trust = trustOf(state);
  const { policy } = trust;
  const zones = trust.targets.map((target) => target.zone);
  const target = targetZone(change.request, zones);
  const zone = target === null ? EMPTY_ZONE : await ports.dns.readZone(target);
  const { live } = state;
  const permissions = permissionsInForce(live, trust);
  const { plan, violations } = buildPlan({ ...change, environment, zone, live, policy, zones, permissions });
  if (plan === null || target === null) return { plan: null, violations };
  return {
    plan,
    violations,
    judgeCausality: () => judgeCausality({ ...change, plan, zone, state }),
    judgeInvariants: (nowMs) =>
      judgePlan(plan, { zone, live: state.live, recentCommits: state.recentCommits, policy, nowMs }),
    newBodies: new Map(),
    reading: zone,
  };
}

/** A request whose zone is unknown is still planned, against nothing, so that all its faults are found at once. */
const EMPTY_ZONE: ZoneState = { zone: '', fence: null, recordSets: [], opaque: [] };

function targetZone(request: ChangeRequest, zones: readonly string[]): string | null {
  for (const operation of request.spec.operations) {
    const zone = resourceOf(operation).split('/')[1];
    if (zone !== undefined && zones.includes(zone)) return zone;
  }
  return null;
}
