import type { Dependents } from '../causality/dependency-graph.ts';
import type { CommitPredicate, OverrideCommitPredicate, OverridePredicate } from '../evidence/statements.ts';
import { mayOverride } from '../override/override-moves.ts';
import { obstacleToBases, obstacleToGraph } from './commit-preconditions.ts';
import { inert, type Obstacle } from './obstacle.ts';
import { saidIn } from './override-authority.ts';
import { factorsIn, obstacleToUse, obstacleUnlessNamed } from './overrides.ts';
import type { LogState } from './state.ts';

/**
 * What must hold where two people commit documents: all that an ordinary commit needs there. Freeze and reservation they
 * may pass over by name. What is live, dependencies, dependents and cycles nobody passes over: the state that would exist
 * must be one that the next commit can build on.
 */
export function obstacleToOverrideCommit(
  carrier: OverrideCommitPredicate,
  state: LogState,
  dependents: Dependents,
): Obstacle | null {
  const said = saidIn(carrier);
  const commit = commitOf(carrier, said);
  const resources = commit.moves.map(({ resource }) => resource);
  return (
    obstacleToUse(said, state) ??
    obstacleToTarget(said) ??
    obstacleUnlessNamed(said, { zone: null, resources }, state) ??
    obstacleToBases(commit, state) ??
    obstacleToGraph(commit, state, dependents)
  );
}

function obstacleToTarget({ moves = [], emptying }: OverridePredicate): Obstacle | null {
  const resources = moves.map(({ resource }) => resource);
  const stray = resources.find((resource) => !mayOverride(resource));
  if (stray !== undefined) return inert(`break-glass does not move ${stray}`);
  if (new Set(resources).size < resources.length) return inert('it moves a document twice');
  const unnamed = moves.find(({ resource, to }) => to === null && !emptying.includes(resource));
  return unnamed ? inert(`it would remove ${unnamed.resource}, which the override does not name`) : null;
}

/** What it moves. Its one entry is the intent and the outcome in one, and opens the review. */
export function recordOverrideCommit(
  carrier: OverrideCommitPredicate,
  state: LogState,
  index: number,
): CommitPredicate {
  const said = saidIn(carrier);
  const { override: _, factors, requestDigest, ...about } = carrier;
  const commit = commitOf(carrier, said);
  const resources = commit.moves.map(({ resource, to }) => ({ resource, to }));
  const noFence = { zone: null, expectedFence: null, fence: null };
  state.overrides[about.changeId] = {
    intent: { ...about, requestDigest, resources, ...noFence, index },
    said,
    factors: factorsIn(factors),
    outcome: { ...about, result: 'applied', fence: null, reason: 'live with its entry', index },
    review: null,
  };
  return commit;
}

/** The commit that an override stands for, at once and for everybody. */
export function commitOf(
  { changeId, environment, planDigest, at }: OverrideCommitPredicate,
  { moves = [] }: Pick<OverridePredicate, 'moves'>,
): CommitPredicate {
  return {
    ...{ changeId, environment, planDigest, at, zone: null, rollout: null },
    moves: moves.map((move) => ({ ...move, versionDigest: null })),
  };
}
