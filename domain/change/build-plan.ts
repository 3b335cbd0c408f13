import { dependencyTarget } from '../causality/dependency.ts';
import { DomainError, type Violation, violationsOf } from '../errors.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import type { Policy } from '../evidence/trust.ts';
import {
  compareRecordSets,
  type DnsResource,
  desiredGroup,
  diffGroups,
  groupDigest,
  groupIn,
  parseDnsResource,
} from '../kinds/dns.ts';
import { type RecordGroup, WEIGHTABLE_TYPES, type ZoneState } from '../kinds/dns-records.ts';
import { liveTargets, stageArms } from '../kinds/dns-weights.ts';
import type { LogState } from '../log/state.ts';
import type { PermissionsVersion } from '../permissions/in-force.ts';
import { assessRisk } from './assess-risk.ts';
import type { DnsPlan, PlannedResource, Stage } from './plan.ts';
import { judgeProbe } from './probe-targets.ts';
import { type ChangeRequest, isSetDns, resourceOf } from './request.ts';

export interface PlanInput {
  changeId: string;
  environment: string;
  request: ChangeRequest;
  requestDigest: Digest;
  zone: ZoneState;
  live: LogState['live'];
  policy: Policy;
  /** Zones of the environment, from the trust document. */
  zones: readonly string[];
  permissions: PermissionsVersion;
}

/** How one resource travels: by weight through the stages, in the first of them, or in the last. */
interface Move extends PlannedResource {
  path: string;
  when: 'by-weight' | 'first' | 'last';
}

/**
 * Plans a request against one reading of its zone: a pure function, equal for everyone who sees the same, so that a
 * voter who plans again gets the same digest. The order in which the zone was listed does not matter.
 *
 * A, AAAA and CNAME records that exist before and after with other targets move by weight through the request's
 * stages. What else the batch holds is made before it is broken: new records appear in the first stage, since the
 * canary may need them; edits and removals wait for `final`, so that a failed canary never touched them. A new
 * record that takes a name over from a removed one must arrive with the removal. With nothing to move by weight
 * there is one stage, `final`.
 *
 * The plan is null when the resources themselves are not usable; otherwise it comes beside its violations, so that
 * `judgePlan` can add its own and the author sees all at once.
 */
export function buildPlan(input: PlanInput): { plan: DnsPlan | null; violations: Violation[] } {
  const { request, zone, live } = input;
  const { resources, violations } = readResources(request, input.zones);
  const target = resources[0];
  if (violations.length > 0 || target === undefined) return { plan: null, violations };

  const moves = planMoves(input, resources);
  const weighted = moves.filter((move) => move.when === 'by-weight');
  const { rollout } = request.spec;
  const { stages, inexpressible } = planStages(moves, weighted, rollout);
  const plan: DnsPlan = {
    apiVersion: 'resilience-ctl/plan/v1',
    changeId: input.changeId,
    requestDigest: input.requestDigest,
    environment: input.environment,
    kind: 'dns',
    zone: target.zone,
    resources: moves.map(({ path: _path, when: _when, ...planned }) => planned),
    dependsOn: [...new Set(request.spec.dependsOn)].sort(),
    stages,
    rollout: {
      bakeMs: Math.ceil(Math.max(rollout.bakeSeconds, ...weighted.flatMap(ttlsOf)) * 1000),
      minimumSamples: rollout.minimumSamples,
      probe: rollout.probe ?? null,
    },
    risk: assessRisk({
      resources: moves,
      weighted: weighted.map((move) => move.resource),
      zone,
      live,
      emergency: request.metadata.emergency,
    }),
    clock: nextClock(moves, request.spec.dependsOn, live),
    permissions: input.permissions,
  };
  return {
    plan,
    violations: [
      ...nothingToChange(moves),
      ...inexpressible,
      ...judgeProbe(rollout.probe, weighted, zone, input.policy),
    ],
  };
}

function readResources(
  request: ChangeRequest,
  zones: readonly string[],
): { resources: DnsResource[]; violations: Violation[] } {
  const resources: DnsResource[] = [];
  const violations: Violation[] = [];
  for (const [position, operation] of request.spec.operations.entries()) {
    const path = `spec.operations[${position}].${'set' in operation ? 'set' : 'remove'}`;
    try {
      const resource = parseDnsResource(resourceOf(operation), zones);
      const zone = resources[0]?.zone ?? resource.zone;
      resources.push(resource);
      if (resource.zone !== zone) violations.push(otherZone(resource, zone, path));
    } catch (error) {
      if (!(error instanceof DomainError)) throw error;
      violations.push(...violationsOf(error).map((violation) => ({ ...violation, path })));
    }
  }
  return { resources, violations };
}

function otherZone({ resource, zone }: DnsResource, first: string, path: string): Violation {
  return {
    code: 'SCHEMA_INVALID',
    rule: 'one-zone',
    path,
    message: `${resource} is in ${zone}, earlier operations are in ${first}: no batch spans two zones.`,
    remedy: `Make a request of its own for ${zone} and let one declare dependsOn the other's resources.`,
  };
}

function planMoves({ request, zone, live }: PlanInput, resources: readonly DnsResource[]): Move[] {
  const planned = resources.map((resource, position): Omit<Move, 'when'> & { name: string } => {
    const operation = request.spec.operations[position];
    const before = groupIn(zone, resource);
    const after =
      operation !== undefined && isSetDns(operation) ? desiredGroup(resource, operation.body) : [];
    return {
      path: `spec.operations[${position}]`,
      name: resource.name,
      resource: resource.resource,
      before,
      after,
      baseDigest: groupDigest(before),
      targetDigest: groupDigest(after),
      committedDigest: live[resource.resource]?.digest ?? null,
    };
  });
  const vacated = new Set(planned.filter((one) => one.after.length === 0).map((one) => one.name));
  return planned.map(({ name, ...one }) => {
    if (movesByWeight(one)) return { ...one, when: 'by-weight' };
    return { ...one, when: one.before.length === 0 && !vacated.has(name) ? 'first' : 'last' };
  });
}

function movesByWeight({ before, after }: Pick<PlannedResource, 'before' | 'after'>): boolean {
  const [old, next] = [before[0], after[0]];
  if (old === undefined || next === undefined || !WEIGHTABLE_TYPES.includes(next.type)) return false;
  const [from, to] = [liveTargets(before), liveTargets(after)];
  return from.size !== to.size || [...from].some((target) => !to.has(target));
}

function planStages(
  moves: readonly Move[],
  weighted: readonly Move[],
  rollout: ChangeRequest['spec']['rollout'],
): { stages: Stage[]; inexpressible: Violation[] } {
  const base = inOrder(moves.map((move) => move.before));
  const inexpressible: Violation[] = [];
  const stages: Stage[] = [];
  const add = (name: string, percent: number, groups: RecordGroup[], baked: boolean) => {
    const live = inOrder(groups);
    const before = stages.at(-1)?.live ?? base;
    stages.push({
      name,
      percent,
      live,
      changes: diffGroups(before, live),
      inverse: diffGroups(live, base),
      baked,
    });
  };
  for (const [position, percent] of (weighted.length > 0 ? rollout.stages : []).entries()) {
    const groups = moves.map((move) => groupAt(move, percent));
    const stuck = moves.filter((_, index) => groups[index] === null);
    inexpressible.push(
      ...stuck.map((move) => noSuchShare(move, percent, `spec.rollout.stages[${position}]`)),
    );
    if (stuck.length > 0) continue;
    add(
      `${percent}%`,
      percent,
      groups.filter((group) => group !== null),
      rollout.probe !== undefined,
    );
  }
  add(
    'final',
    100,
    moves.map((move) => move.after),
    false,
  );
  return { stages, inexpressible };
}

function groupAt({ when, before, after }: Move, percent: number): RecordGroup | null {
  switch (when) {
    case 'by-weight':
      return stageArms(before, after, percent);
    case 'first':
      return after;
    case 'last':
      return before;
  }
}

function noSuchShare({ resource, before, after }: Move, percent: number, path: string): Violation {
  const nearest = Array.from({ length: 100 }, (_, index) => index + 1)
    .filter((one) => stageArms(before, after, one) !== null)
    .sort((a, b) => Math.abs(a - percent) - Math.abs(b - percent))
    .slice(0, 4);
  return {
    code: 'INVARIANT_VIOLATED',
    rule: 'share-is-exact',
    path,
    message: `Integer weights from 0 to 255 cannot give the new version of ${resource} exactly ${percent} %.`,
    remedy:
      nearest.length === 0
        ? 'Use smaller weights, whose sums are not zero before and after.'
        : `Use a share that they can express, such as ${nearest.join(', ')}, or simpler weights.`,
  };
}

function nothingToChange(moves: readonly Move[]): Violation[] {
  if (moves.some((move) => move.baseDigest !== move.targetDigest)) return [];
  return [
    {
      code: 'INVARIANT_VIOLATED',
      rule: 'nothing-to-change',
      path: 'spec.operations',
      message: 'Everything that the request asks for is already live.',
      remedy: 'Nothing is left to do; withdraw the request, or correct what it asks for.',
    },
  ];
}

/** Lamport: above the clocks of every version that a plan replaces or declares to depend on. */
export function nextClock(
  moves: readonly { resource: string }[],
  dependsOn: readonly string[],
  live: LogState['live'],
): number {
  const named = [...moves.map((move) => move.resource), ...dependsOn.map(dependencyTarget)];
  const seen = Object.entries(live).filter(
    ([resource, version]) => named.includes(resource) || named.includes(`change/${version.changeId}`),
  );
  return 1 + Math.max(0, ...seen.map(([, version]) => version.clock));
}

function ttlsOf({ before, after }: Move): number[] {
  return [...before, ...after].map((set) => set.ttlSeconds);
}

function inOrder(groups: readonly RecordGroup[]): RecordGroup {
  return groups.flat().sort(compareRecordSets);
}
