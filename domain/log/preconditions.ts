import type { Said } from '../evidence/statement-codec.ts';
import type {
  CommitPredicate,
  IntentPredicate,
  OutcomePredicate,
  PlanPredicate,
} from '../evidence/statements.ts';
import { own } from './authority.ts';
import type { ChangeRecord, EntryFate, Indexed, LogState } from './state.ts';

/** Why a well-signed entry does not count at its place in the log. */
export type Obstacle =
  | Omit<Extract<EntryFate, { fate: 'void' }>, 'index'>
  | { fate: 'inert'; reason: string };

type VoidCode = Extract<EntryFate, { fate: 'void' }>['code'];

/**
 * The preconditions of DESIGN §6 at the log's head: null when all hold. They ride in the log itself, so that a check
 * made before the append cannot be stale by the time of the append.
 */
export function obstacleTo(said: Said, state: LogState): Obstacle | null {
  switch (said.type) {
    case 'trust':
    case 'freeze':
    case 'approval':
      return null;
    case 'snapshot':
      return said.predicate.size <= state.size ? null : inert('it is about entries that do not exist yet');
    case 'request':
      return own(state.ended, said.predicate.changeId)
        ? notCounted('ALREADY_ENDED', `change ${said.predicate.changeId} has ended`)
        : null;
    case 'plan':
    case 'vote':
    case 'acceptance':
    case 'stage-verdict':
    case 'intent':
    case 'outcome':
    case 'commit':
    case 'end':
      break;
  }
  const change = own(state.changes, said.predicate.changeId);
  if (!change) {
    const ended = own(state.ended, said.predicate.changeId)?.status;
    return notCounted(
      'ALREADY_ENDED',
      `change ${said.predicate.changeId} ${ended ? `is ${ended}` : 'is not in the log'}`,
    );
  }
  switch (said.type) {
    case 'vote':
    case 'acceptance':
    case 'stage-verdict':
      return null;
    case 'plan':
      return obstacleToPlan(said.predicate, change);
    case 'intent':
      return obstacleToIntent(said.predicate, change, state);
    case 'outcome':
      return obstacleToOutcome(said.predicate, change);
    case 'commit':
      return obstacleToCommit(said.predicate, change, state);
    case 'end':
      return obstacleToEnd(change);
  }
}

/** Forward motion in a zone is frozen unless both the environment and the zone are `active`, or were never frozen. */
export function isFrozen(state: LogState, zone: string): boolean {
  return state.automation.some(
    (automation) =>
      automation.state !== 'active' && (automation.scope === null || automation.scope.zone === zone),
  );
}

function obstacleToPlan(plan: PlanPredicate, change: ChangeRecord): Obstacle | null {
  if (plan.requestDigest !== change.request.requestDigest) return inert('it is a plan for another request');
  // Once records were written for one plan, its inverse is what was approved for the way back.
  return change.intents.length > 0
    ? notCounted(
        'RESERVED',
        `change ${change.changeId} already writes under its plan ${change.plan?.planDigest}`,
      )
    : null;
}

function obstacleToIntent(intent: IntentPredicate, change: ChangeRecord, state: LogState): Obstacle | null {
  const obstacle = obstacleToForward(intent, change, state);
  if (obstacle) return obstacle;
  for (const resource of change.plan?.resources ?? []) {
    const holder = own(state.reservations, resource);
    if (holder !== undefined && holder !== change.changeId) {
      return notCounted('RESERVED', `${resource} is reserved by change ${holder} until that ends`);
    }
  }
  return null;
}

/** What an intent and a commit share: both move production forward under the current plan. */
function obstacleToForward(
  { planDigest, zone }: { planDigest: string; zone: string },
  change: ChangeRecord,
  state: LogState,
): Obstacle | null {
  if (change.plan?.planDigest !== planDigest) {
    return notCounted('STALE_BASE', `${planDigest} is not the current plan of change ${change.changeId}`);
  }
  if (change.plan.zone !== zone) return inert(`the plan is about ${change.plan.zone}, not ${zone}`);
  return isFrozen(state, zone) ? notCounted('FROZEN', `${zone} is frozen`) : null;
}

function obstacleToOutcome(outcome: OutcomePredicate, change: ChangeRecord): Obstacle | null {
  const intent = change.intents.find(({ index }) => index === outcome.intentIndex);
  return intent?.planDigest === outcome.planDigest && intent.stage === outcome.stage
    ? null
    : inert(`entry ${outcome.intentIndex} is no such intent of change ${change.changeId}`);
}

function obstacleToCommit(commit: CommitPredicate, change: ChangeRecord, state: LogState): Obstacle | null {
  const obstacle = obstacleToForward(commit, change, state);
  if (obstacle) return obstacle;
  const moved = commit.moves.map(({ resource }) => resource);
  if (!sameMembers(moved, change.plan?.resources ?? []))
    return inert('it moves other resources than its plan');
  for (const { resource, from } of commit.moves) {
    const live = own(state.live, resource)?.digest ?? null;
    if (live !== from) {
      return notCounted(
        'STALE_BASE',
        `${resource} is live as ${live ?? 'nothing'}, not as ${from ?? 'nothing'}`,
      );
    }
  }
  const missing = commit.moves.flatMap(({ dependsOn }) => dependsOn).find((it) => !isLive(it, commit, state));
  return missing === undefined ? null : notCounted('DEPENDENCY_MISSING', `${missing} is not live`);
}

/**
 * A dependency is a resource, live already or made by the same commit, or `change/<id>`, committed. Records that were
 * there before this system governed them are unknown to the log; the causal phase and the voters saw them in the zone.
 */
function isLive(dependency: string, commit: CommitPredicate, state: LogState): boolean {
  if (dependency.startsWith('change/')) {
    return own(state.ended, dependency.slice('change/'.length))?.status === 'committed';
  }
  const move = commit.moves.find(({ resource }) => resource === dependency);
  if (move) return move.to !== null;
  const known = own(state.live, dependency);
  return known === undefined ? dependency.startsWith('dns/') : known.digest !== null;
}

/**
 * A change that did not commit ends only when production is as before. What an intent may have written stays
 * undone-for until a rollback of it, or of a later one, has landed: each inverse leads straight back to the base.
 * An intent without an outcome may have landed.
 */
function obstacleToEnd(change: ChangeRecord): Obstacle | null {
  const written = change.intents.findLast(
    ({ index }) => !hasOutcome(change, index, 'forward', 'not-applied'),
  );
  if (!written) return null;
  const undone = change.outcomes.some(
    ({ direction, result, intentIndex }) =>
      direction === 'rollback' && result === 'applied' && intentIndex >= written.index,
  );
  if (undone) return null;
  const why = hasOutcome(change, written.index, 'forward', 'applied')
    ? 'is not rolled back'
    : 'has no outcome';
  return notCounted('ROLLBACK_INCOMPLETE', `intent ${written.index} (${written.stage}) ${why}`);
}

function hasOutcome(
  change: ChangeRecord,
  intentIndex: number,
  direction: OutcomePredicate['direction'],
  result: OutcomePredicate['result'],
): boolean {
  return change.outcomes.some(
    (one: Indexed<OutcomePredicate>) =>
      one.intentIndex === intentIndex && one.direction === direction && one.result === result,
  );
}

function sameMembers(a: readonly string[], b: readonly string[]): boolean {
  return a.length === b.length && [...a].sort().join('\n') === [...b].sort().join('\n');
}

function inert(reason: string): Obstacle {
  return { fate: 'inert', reason };
}

function notCounted(code: VoidCode, reason: string): Obstacle {
  return { fate: 'void', code, reason };
}
