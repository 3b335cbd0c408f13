import { type Dependents, dependentsIn } from '../causality/dependency-graph.ts';
import type { Said } from '../evidence/statement-codec.ts';
import type {
  FencePredicate,
  IntentPredicate,
  OutcomePredicate,
  PlanPredicate,
  ResumptionPredicate,
  TrustPredicate,
} from '../evidence/statements.ts';
import { judgePlace } from '../evidence/trust-succession.ts';
import { own } from './authority.ts';
import { obstacleToCommit } from './commit-preconditions.ts';
import { isWithdrawal } from './entry.ts';
import { nextAz } from './freeze-scope.ts';
import {
  engagesOnly,
  inert,
  notCounted,
  type Obstacle,
  obstacleOfFreeze,
  obstacleOfPlan,
} from './obstacle.ts';
import { obstacleToOverrideCommit } from './override-commits.ts';
import { obstacleAfterOverride, obstacleToOverride } from './overrides.ts';
import { type ChangeRecord, type Indexed, type LogState, trustOf } from './state.ts';

export type { Obstacle } from './obstacle.ts';

/**
 * The preconditions of DESIGN §6 at the log's head: null when all hold. They ride in the log itself, so that a check
 * made before the append cannot be stale by the time of the append. `dependents` follows `state.live`: whoever folds
 * has it at hand.
 */
export function obstacleTo(
  said: Said,
  state: LogState,
  dependents: Dependents = dependentsIn(state.live),
): Obstacle | null {
  switch (said.type) {
    case 'trust':
      return obstacleToTrust(said.predicate, state);
    case 'freeze':
    case 'recovery':
    case 'approval':
    case 'mfa':
    case 'factor-lock':
    case 'override':
    case 'command':
    case 'version':
      return null;
    case 'override-intent':
      return obstacleToOverride(said.predicate, state);
    case 'override-commit':
      return obstacleToOverrideCommit(said.predicate, state, dependents);
    case 'override-outcome':
    case 'review':
      return obstacleAfterOverride(said.predicate, state);
    case 'fence':
      return obstacleToFence(said.predicate, state);
    case 'resumption':
      return obstacleToResumption(said.predicate, state);
    case 'snapshot':
      return said.predicate.size <= state.size ? null : inert('it is about entries that do not exist yet');
    case 'request':
      return own(state.ended, said.predicate.changeId)
        ? notCounted('ALREADY_ENDED', `change ${said.predicate.changeId} has ended`)
        : null;
    case 'plan':
    case 'vote':
    case 'acceptance':
    case 'ruling':
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
    case 'stage-verdict':
      return null;
    case 'acceptance':
      return obstacleToUsedNonce(said.predicate, change.acceptances);
    case 'ruling':
      return obstacleToUsedNonce(said.predicate, change.rulings);
    case 'plan':
      return obstacleToPlan(said.predicate, change);
    case 'intent':
      return obstacleToIntent(said.predicate, change, state);
    case 'outcome':
      return obstacleToOutcome(said.predicate, change);
    case 'commit':
      return obstacleToCommit(said.predicate, change, state, dependents);
    case 'end':
      return obstacleToEnd(change);
  }
}

/** Of two updates that were signed for the same place, the log's order says which one counts. */
function obstacleToTrust(next: TrustPredicate, state: LogState): Obstacle | null {
  if (next.previousDigest === null) return null;
  const [stale] = judgePlace(trustOf(state), next);
  return stale ? notCounted('STALE_BASE', stale.message) : null;
}

/** A fence is raised for a freeze or recovery that is in force; for any other it would only get in the way. */
function obstacleToFence({ cause }: FencePredicate, state: LogState): Obstacle | null {
  const inForce =
    cause.type === 'recovery'
      ? state.recovery?.index === cause.index
      : state.automation.some(({ index, state: now }) => index === cause.index && now !== 'active');
  return inForce ? null : inert(`entry ${cause.index} is no ${cause.type} that is in force`);
}

/** Nobody releases what the operator did not name, or before its turn. */
function obstacleToResumption({ freezeIndex, az }: ResumptionPredicate, state: LogState): Obstacle | null {
  const automation = state.automation.find(({ index }) => index === freezeIndex);
  const next = automation && nextAz(automation);
  if (next === undefined) return inert(`entry ${freezeIndex} is no gradual resumption that is under way`);
  return next === az ? null : inert(`${next} comes next, not ${az}`);
}

/** Single use (G6): what is refused for its nonce is recorded, what counts has one that nobody used. */
function obstacleToUsedNonce(
  { accepted, nonce }: { accepted: boolean; nonce: string },
  earlier: readonly { nonce: string; index: number }[],
): Obstacle | null {
  const used = accepted ? earlier.find((one) => one.nonce === nonce) : undefined;
  return used === undefined ? null : inert(`its nonce was used at entry ${used.index}`);
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
  const resources = change.plan?.resources ?? [];
  // An intent on documents reaches nobody: its exposure does, and says whom.
  const reach = {
    ...{ zone: intent.zone, azs: intent.zone === null ? [] : null, resources },
    engages: engagesOnly(change),
  };
  const obstacle = obstacleOfPlan(intent, change) ?? obstacleOfFreeze(reach, state);
  if (obstacle) return obstacle;
  for (const resource of resources) {
    const holder = own(state.reservations, resource);
    if (holder !== undefined && holder !== change.changeId) {
      return notCounted('RESERVED', `${resource} is reserved by change ${holder} until that ends`);
    }
  }
  return null;
}

function obstacleToOutcome(outcome: OutcomePredicate, change: ChangeRecord): Obstacle | null {
  const intent = change.intents.find(({ index }) => index === outcome.intentIndex);
  return intent?.planDigest === outcome.planDigest && intent.stage === outcome.stage
    ? null
    : inert(`entry ${outcome.intentIndex} is no such intent of change ${change.changeId}`);
}

/**
 * A change that did not commit ends only when production is as before. What an intent may have written stays
 * undone-for until a rollback of it, or of a later one, has landed: each inverse leads straight back to the base.
 * An intent without an outcome may have landed.
 */
function obstacleToEnd(change: ChangeRecord): Obstacle | null {
  const exposure = change.exposures.at(-1);
  if (exposure && !isWithdrawal(exposure.rollout)) {
    const { index, rollout } = exposure;
    return notCounted('ROLLBACK_INCOMPLETE', `exposure ${index} (${rollout.stage}) is not withdrawn`);
  }
  // An intent on documents writes nothing by itself: its effect is the exposure.
  const written = change.intents.findLast(
    ({ index, zone }) => zone !== null && !hasOutcome(change, index, 'forward', 'not-applied'),
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
