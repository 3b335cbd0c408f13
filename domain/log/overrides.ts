import { openEnvelope } from '../evidence/statement-codec.ts';
import type {
  CommitPredicate,
  OverrideIntentPredicate,
  OverrideOutcomePredicate,
  ReviewPredicate,
} from '../evidence/statements.ts';
import { inert, notCounted, type Obstacle, obstacleOfFreeze } from './obstacle.ts';
import { saidIn } from './override-authority.ts';
import type { LogState, OverrideRecord } from './state.ts';

/**
 * What must hold at the index of an override's intent. One from a spool has happened already, whatever stands against
 * it now, so it is only asked whether it is new.
 */
export function obstacleToOverride(intent: OverrideIntentPredicate, state: LogState): Obstacle | null {
  const { changeId, zone, fence } = intent;
  const said = saidIn(intent);
  const [used] = Object.entries(state.overrides).filter(([, one]) => one.said.nonce === said.nonce);
  if (used) return inert(`its override was used for change ${used[0]}`);
  if (Object.hasOwn(state.changes, changeId) || Object.hasOwn(state.ended, changeId)) {
    return notCounted('ALREADY_ENDED', `change ${changeId} is in the log already`);
  }
  if (fence !== null) return null;
  const resources = intent.resources.map(({ resource }) => resource);
  const frozen = obstacleOfFreeze({ zone, azs: null, resources, engages: false }, state);
  if (frozen !== null && !said.guards.includes('freeze')) return frozen;
  const held = intent.resources.find(({ resource }) => Object.hasOwn(state.reservations, resource));
  return held === undefined || said.guards.includes('reservation')
    ? null
    : notCounted('RESERVED', `${held.resource} is reserved by change ${state.reservations[held.resource]}`);
}

export function obstacleAfterOverride(
  { changeId }: OverrideOutcomePredicate | ReviewPredicate,
  state: LogState,
): Obstacle | null {
  return Object.hasOwn(state.overrides, changeId)
    ? null
    : notCounted('ALREADY_ENDED', `the log has no override of change ${changeId}`);
}

export function recordOverride(
  { override, factors, ...intent }: OverrideIntentPredicate,
  state: LogState,
  index: number,
): void {
  state.overrides[intent.changeId] = {
    intent: { ...intent, index },
    said: saidIn({ override }),
    factors: factors.flatMap((envelope) => {
      const opened = openEnvelope(envelope);
      if (opened.type !== 'mfa') return [];
      const { person, method, at } = opened.predicate;
      return [{ person, method, at }];
    }),
    outcome: null,
    review: null,
  };
  if (intent.fence === null) state.fenceChain[index] = intent.expectedFence;
}

export function recordReview(review: ReviewPredicate, state: LogState, index: number): void {
  const override = state.overrides[review.changeId];
  if (override) override.review = { ...review, index };
}

/** What an applied override has moved: from whatever is live by the log, which may not have been readable. */
export function commitOfOverride(
  { intent }: OverrideRecord,
  { at }: OverrideOutcomePredicate,
  { live, clock }: LogState,
): CommitPredicate {
  const { changeId, environment, planDigest, zone, resources } = intent;
  return {
    ...{ changeId, environment, planDigest, zone, at, rollout: null },
    moves: resources.map(({ resource, to }) => {
      const before = Object.hasOwn(live, resource) ? live[resource] : undefined;
      return {
        resource,
        from: before?.digest ?? null,
        to,
        version: null,
        versionDigest: null,
        clock: (before?.clock ?? 0) + 1,
        vector: clock,
        dependsOn: before?.dependsOn ?? [],
      };
    }),
  };
}
