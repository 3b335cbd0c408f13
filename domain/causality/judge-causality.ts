import type { DnsPlan, PlannedResource } from '../change/plan.ts';
import type { ChangeRequest } from '../change/request.ts';
import { DomainError, type Violation } from '../errors.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import { groupDigest, groupIn, parseDnsResource } from '../kinds/dns.ts';
import type { ZoneState } from '../kinds/dns-records.ts';
import type { LiveVersion, LogState } from '../log/state.ts';
import { dependencyTarget } from './dependency.ts';
import { dependentsOf, findCycle } from './dependency-graph.ts';
import { lackOf } from './would-be.ts';

export interface CausalityInput {
  changeId: string;
  request: ChangeRequest;
  /** Made from `request` and `zone`. */
  plan: DnsPlan;
  zone: ZoneState;
  state: LogState;
}

const CHANGE_PREFIX = 'change/';

/**
 * Phase `causal`: what the author looked at is what is live, what the change needs is there, nothing that stays
 * needs what it removes, and no cycle comes of it. Clocks are Lamport's (CACM 21:7, 1978): a version's clock is
 * above those of everything it was made from, so a base above the author's clock is one that the author never saw.
 * Returns every violation; never throws.
 */
export function judgeCausality(input: CausalityInput): Violation[] {
  return [
    ...staleBases(input),
    ...missingDependencies(input),
    ...movedSince(input),
    ...cycles(input),
    ...orphans(input),
  ];
}

function planned({ plan }: CausalityInput, resource: string): PlannedResource | undefined {
  return plan.resources.find((one) => one.resource === resource);
}

/** What a resource is now: in the target, and for what is not in this target, in the log. */
function liveDigest(input: CausalityInput, resource: string): Digest | null {
  const own = planned(input, resource);
  if (own) return own.baseDigest;
  return inZone(input.zone, resource) ?? input.state.live[resource]?.digest ?? null;
}

function inZone(zone: ZoneState, resource: string): Digest | null {
  try {
    return groupDigest(groupIn(zone, parseDnsResource(resource, [zone.zone])));
  } catch (error) {
    if (error instanceof DomainError) return null;
    throw error;
  }
}

function staleBases(input: CausalityInput): Violation[] {
  return Object.entries(input.request.spec.base).flatMap(([resource, expected]): Violation[] => {
    const live = liveDigest(input, resource);
    if (live === expected) return [];
    return [
      {
        code: 'STALE_BASE',
        rule: 'base-is-live',
        path: `spec.base["${resource}"]`,
        message: `${resource} was expected to be ${inWords(expected)}; live is ${inWords(live)}.`,
        remedy: 'Look at what is live now, correct the change and its base, and submit it again.',
      },
    ];
  });
}

function inWords(digest: Digest | null): string {
  return digest ?? 'absent';
}

function missingDependencies(input: CausalityInput): Violation[] {
  return input.request.spec.dependsOn.flatMap((dependency, i): Violation[] => {
    const lack = lackOfDependency(input, dependency);
    if (lack === null) return [];
    return [
      {
        code: 'DEPENDENCY_MISSING',
        rule: 'dependency-exists',
        path: `spec.dependsOn[${i}]`,
        message: `${dependency} ${lack}.`,
        remedy: 'Make it live first, or remove it from dependsOn.',
      },
    ];
  });
}

function lackOfDependency(input: CausalityInput, dependency: string): string | null {
  if (dependency.startsWith('dns/') && !planned(input, dependency)) {
    return liveDigest(input, dependency) === null ? 'does not exist' : null;
  }
  const moves = input.plan.resources.map(
    ({ resource, targetDigest }) =>
      [resource, { resource, digest: targetDigest, version: null, dependsOn: [] }] as const,
  );
  return lackOf(dependency, { state: input.state, moves: new Map(moves) })?.text ?? null;
}

function movedSince(input: CausalityInput): Violation[] {
  const { clock, dependsOn } = input.request.spec;
  if (clock === undefined) return [];
  const seen = new Set([
    ...input.plan.resources.map((one) => one.resource),
    ...dependsOn.map(dependencyTarget),
  ]);
  return [...seen]
    .flatMap((name) => versionsOf(input.state, name))
    .filter(([, version]) => version.clock > clock)
    .map(([resource, version]) => ({
      code: 'STALE_BASE',
      rule: 'clock-not-behind',
      path: 'spec.clock',
      message: `${resource} is at clock ${version.clock}, moved by change ${version.changeId}; the request was made at clock ${clock}.`,
      remedy: 'Look at what is live now and submit the change again; submit fills in the clock.',
    }));
}

/** The versions that a name stands for: one resource, or all that a change made and that are still live. */
function versionsOf({ live }: LogState, name: string): [string, LiveVersion][] {
  return Object.entries(live).filter(
    ([resource, version]) => resource === name || `${CHANGE_PREFIX}${version.changeId}` === name,
  );
}

/** The graph as it would be after this change. A batch goes live at once, so there is no order within it. */
function cycles(input: CausalityInput): Violation[] {
  const { plan, request, state } = input;
  const own = plan.resources.map((one) => one.resource);
  const edges = new Map<string, string[]>();
  for (const [resource, { digest, dependsOn, changeId }] of Object.entries(state.live)) {
    if (digest === null) continue;
    edges.set(
      resource,
      dependsOn
        .map(dependencyTarget)
        .filter((one) => one !== resource && state.live[one]?.changeId !== changeId),
    );
  }
  // Only where nothing else is in the batch can a name of its own not be meant for a neighbour.
  const outside = request.spec.dependsOn
    .map(dependencyTarget)
    .filter((one) => own.length === 1 || !own.includes(one));
  for (const { resource, targetDigest } of plan.resources) {
    edges.set(resource, targetDigest === null ? [] : outside);
  }
  const cycle = findCycle(edges.keys(), (resource) => edges.get(resource) ?? []);
  if (cycle === null) return [];
  return [
    {
      code: 'CYCLE',
      rule: 'no-cycle',
      path: 'spec.dependsOn',
      message: `The dependencies would go in a circle: ${cycle.join(' → ')}.`,
      remedy: 'Remove one of these dependencies.',
    },
  ];
}

function orphans(input: CausalityInput): Violation[] {
  return input.plan.resources
    .filter((one) => one.targetDigest === null)
    .flatMap(({ resource }): Violation[] => {
      const dependents = dependentsOf(resource, input.state.live).filter((one) => !planned(input, one));
      if (dependents.length === 0) return [];
      return [
        {
          code: 'DEPENDENCY_MISSING',
          rule: 'still-needed',
          path: operationPath(input.request, resource),
          message: `${resource} cannot be removed: ${dependents.join(', ')} depend${dependents.length === 1 ? 's' : ''} on it.`,
          remedy: 'First change or remove what depends on it, or do so in the same request.',
        },
      ];
    });
}

function operationPath({ spec }: ChangeRequest, resource: string): string {
  const i = spec.operations.findIndex((one) => 'remove' in one && one.remove === resource);
  return `spec.operations[${Math.max(i, 0)}].remove`;
}
