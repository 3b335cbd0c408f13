import type { Dependents } from '../causality/dependency-graph.ts';
import { countOf } from '../causality/vector-clock.ts';
import { brokenDependents, cycleFrom, lackOf, type WouldBe } from '../causality/would-be.ts';
import type { CommitPredicate } from '../evidence/statements.ts';
import { own } from './authority.ts';
import { isWithdrawal } from './entry.ts';
import { azsOf } from './freeze-scope.ts';
import {
  engagesOnly,
  inert,
  notCounted,
  type Obstacle,
  obstacleOfFreeze,
  obstacleOfPlan,
} from './obstacle.ts';
import type { ChangeRecord, LogState } from './state.ts';

/**
 * What must hold at a commit's own index (DESIGN §6): it moves all of its plan and nothing else, no freeze is in its
 * way, every resource is as it was when the plan was made, and the state that would exist has what it depends on.
 * Documents have no target that could refuse a second writer, so only the change that holds their reservation moves
 * them. A withdrawal is the way back: it needs none of the rest.
 */
export function obstacleToCommit(
  commit: CommitPredicate,
  change: ChangeRecord,
  state: LogState,
  dependents: Dependents,
): Obstacle | null {
  const { rollout, moves, zone } = commit;
  const ofPlan = obstacleOfPlan(commit, change);
  if (ofPlan) return ofPlan;
  const moved = moves.map(({ resource }) => resource);
  if (!sameMembers(moved, change.plan?.resources ?? []))
    return inert('it moves other resources than its plan');
  if (rollout !== null && zone !== null)
    return inert('records are exposed by their weights, not by a commit');
  if (rollout !== null && isWithdrawal(rollout)) return null;
  return (
    obstacleToHolder(commit, change, state) ??
    obstacleOfFreeze(
      { zone, azs: rollout && azsOf(rollout), resources: moved, engages: engagesOnly(change) },
      state,
    ) ??
    obstacleToBases(commit, state) ??
    obstacleToGraph(commit, state, dependents)
  );
}

function obstacleToHolder(commit: CommitPredicate, change: ChangeRecord, state: LogState): Obstacle | null {
  const { changeId, exposures } = change;
  const withdrawn = exposures.find(({ rollout }) => isWithdrawal(rollout));
  if (withdrawn) {
    return notCounted('ALREADY_ENDED', `change ${changeId} was withdrawn at entry ${withdrawn.index}`);
  }
  if (commit.zone !== null) return null;
  const free = commit.moves.find(({ resource }) => own(state.reservations, resource) !== changeId);
  return free
    ? notCounted('RESERVED', `${free.resource} is not reserved by an intent of change ${changeId}`)
    : null;
}

/** Every document is still what was to be replaced: the log's own compare-and-swap. */
export function obstacleToBases(
  { moves, environment }: Pick<CommitPredicate, 'moves' | 'environment'>,
  state: LogState,
): Obstacle | null {
  for (const { resource, from, clock, vector } of moves) {
    const base = own(state.live, resource);
    const live = base?.digest ?? null;
    if (live !== from) {
      return notCounted(
        'STALE_BASE',
        `${resource} is live as ${live ?? 'nothing'}, not as ${from ?? 'nothing'}`,
      );
    }
    // Whoever made it from this very base has seen its clock.
    if (clock < (base?.clock ?? 0)) {
      return inert(`its clock goes back: ${resource} is live with ${base?.clock}, and it says ${clock}`);
    }
    const [claimed, known] = [countOf(vector, environment), countOf(state.clock, environment)];
    if (claimed > known) return inert(`its author cannot have seen commit ${claimed}: there are ${known}`);
  }
  return null;
}

/** What the moves need is there, what needs them goes on, and nothing goes in a circle. */
export function obstacleToGraph(
  commit: Pick<CommitPredicate, 'moves'>,
  state: LogState,
  dependents: Dependents,
): Obstacle | null {
  const world: WouldBe = {
    state,
    moves: new Map(commit.moves.map((move) => [move.resource, { ...move, digest: move.to }])),
    dependentsOf: (resource) => dependents.get(resource) ?? [],
  };
  for (const dependency of commit.moves.flatMap(({ dependsOn }) => dependsOn)) {
    const lack = lackOf(dependency, world);
    if (lack !== null) return notCounted('DEPENDENCY_MISSING', `${dependency} ${lack.text}`);
  }
  const [broken] = brokenDependents(world);
  if (broken) {
    return notCounted(
      'DEPENDENCY_MISSING',
      `${broken.dependent} needs ${broken.dependency}, which ${broken.lack.text}`,
    );
  }
  const cycle = cycleFrom(world);
  return cycle ? notCounted('CYCLE', `the dependencies would go in a circle: ${cycle.join(' → ')}`) : null;
}

function sameMembers(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && [...a].sort().join('\n') === [...b].sort().join('\n');
}
