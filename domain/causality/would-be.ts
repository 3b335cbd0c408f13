import type { DocumentPlan, PlannedDocument } from '../change/document-plan.ts';
import { DomainError } from '../errors.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import { own } from '../log/authority.ts';
import type { LogState } from '../log/state.ts';
import { type Dependency, dependencyTarget, parseDependency, satisfies } from './dependency.ts';
import { findCycle } from './dependency-graph.ts';

/** What a batch makes of one resource. */
export interface Moved {
  resource: string;
  /** Null: it is removed. */
  digest: Digest | null;
  version: string | null;
  dependsOn: readonly string[];
}

/**
 * The state that would exist after a batch. The causal phase asks it ahead of time, and the fold at the commit's own
 * index: two changes that each were fine by themselves may not be fine together.
 */
export interface WouldBe {
  state: Pick<LogState, 'live' | 'changes' | 'ended'>;
  moves: ReadonlyMap<string, Moved>;
  /** The live resources that depend on this one, before the batch. */
  dependentsOf(resource: string): Iterable<string>;
}

const CHANGE_PREFIX = 'change/';

/**
 * What one document of a batch depends on, for its commit and for the graph: what its new body needs, and what the
 * author declared for the whole request. Of the latter not the batch itself, which goes live at once; a document that is
 * alone can mean only itself by its name.
 */
export function dependenciesOf(
  plan: Pick<DocumentPlan, 'dependsOn' | 'resources'>,
  document: PlannedDocument,
): string[] {
  const batch = new Set(plan.resources.map((one) => one.resource));
  const declared = plan.dependsOn.filter((one) => batch.size === 1 || !batch.has(dependencyTarget(one)));
  const extracted = document.targetDigest === null ? [] : document.dependsOn;
  return [...new Set([...extracted, ...declared])].sort();
}

/** Why a dependency would not hold: nothing is there, or in a version that will not do. */
export interface Lack {
  rule: 'dependency-exists' | 'dependency-in-range';
  /** Follows the dependency's name: `does not exist`. */
  text: string;
}

/**
 * What a dependency would lack; null when it would hold. Records that were there before this system governed them are
 * unknown to the log: the causal phase and the voters of a DNS change saw them in the zone.
 */
export function lackOf(text: string, { state, moves }: Pick<WouldBe, 'state' | 'moves'>): Lack | null {
  const dependency = readable(text);
  if (dependency === null) return missing('cannot be read as a dependency');
  const { resource, range } = dependency;
  if (resource.startsWith(CHANGE_PREFIX)) return lackOfChange(resource.slice(CHANGE_PREFIX.length), state);
  const moved = moves.get(resource);
  const known = moved ?? own(state.live, resource);
  if (known === undefined) return resource.startsWith('dns/') ? null : missing('does not exist');
  if (known.digest === null) return missing(moved ? 'is removed by this very request' : 'does not exist');
  if (satisfies(known.version, range)) return null;
  const version = known.version ?? 'without a version';
  return {
    rule: 'dependency-in-range',
    text: `is not satisfied: ${resource} ${moved ? 'would be' : 'is live as'} ${version}`,
  };
}

/** Only a committed change has a result. */
function lackOfChange(changeId: string, { changes, ended }: WouldBe['state']): Lack | null {
  const status = own(ended, changeId)?.status;
  if (status === 'committed') return null;
  if (status !== undefined) return missing(`ended as ${status}, so it is not live`);
  return missing(own(changes, changeId) ? 'is still under way' : 'is not a change of this environment');
}

function missing(text: string): Lack {
  return { rule: 'dependency-exists', text };
}

function readable(text: string): Dependency | null {
  try {
    return parseDependency(text);
  } catch (error) {
    if (error instanceof DomainError) return null;
    throw error;
  }
}

export interface BrokenDependent {
  resource: string;
  dependent: string;
  /** As the dependent names it, with its range. */
  dependency: string;
  lack: Lack;
}

/** Live resources outside of the batch that would lose something they need, by the resource that they lose. */
export function brokenDependents(world: WouldBe): BrokenDependent[] {
  return [...world.moves.keys()].flatMap((resource) =>
    [...world.dependentsOf(resource)]
      .filter((dependent) => !world.moves.has(dependent))
      .flatMap((dependent) =>
        (own(world.state.live, dependent)?.dependsOn ?? [])
          .filter((dependency) => dependencyTarget(dependency) === resource)
          .flatMap((dependency) => {
            const lack = lackOf(dependency, world);
            return lack === null ? [] : { resource, dependent, dependency, lack };
          }),
      ),
  );
}

/** A cycle that can be reached from the batch, as a closed walk, or null. Takes as long as what is reachable is large. */
export function cycleFrom(world: WouldBe): string[] | null {
  return findCycle(world.moves.keys(), (resource) => edgesOf(resource, world));
}

function edgesOf(resource: string, { state, moves }: WouldBe): string[] {
  const moved = moves.get(resource);
  const live = own(state.live, resource);
  const node = moved ?? live;
  if (node === undefined || node.digest === null) return [];
  const targets = node.dependsOn.map(dependencyTarget).filter((one) => !one.startsWith(CHANGE_PREFIX));
  if (!resource.startsWith('dns/')) return targets;
  // Each record of a DNS batch repeats what the whole request declared, its neighbours and itself included.
  const inBatch = (one: string) =>
    moved ? moves.has(one) : own(state.live, one)?.changeId === live?.changeId;
  return targets.filter((one) => !inBatch(one));
}
