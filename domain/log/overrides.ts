import type { Envelope } from '../evidence/dsse.ts';
import { openEnvelope } from '../evidence/statement-codec.ts';
import type {
  CommitPredicate,
  OverrideIntentPredicate,
  OverrideOutcomePredicate,
  OverridePredicate,
  ReviewPredicate,
} from '../evidence/statements.ts';
import { GUARDS_OF_THE_LOG } from '../override/guards.ts';
import { own } from './authority.ts';
import { inert, notCounted, type Obstacle, obstacleOfFreeze } from './obstacle.ts';
import { saidIn } from './override-authority.ts';
import type { LogState, OverrideRecord } from './state.ts';

/**
 * What must hold at the index of an override's intent. One from a spool has happened already, whatever stands against
 * it now, so it is only asked whether it is new, and whether the two people knew that the log would not be asked: that it
 * was down is the role's word alone.
 */
export function obstacleToOverride(intent: OverrideIntentPredicate, state: LogState): Obstacle | null {
  const said = saidIn(intent);
  const used = obstacleToUse(said, state);
  if (used !== null) return used;
  if (intent.fence !== null) {
    const unnamed = GUARDS_OF_THE_LOG.find((guard) => !said.guards.includes(guard));
    return unnamed ? inert(`it was carried out without the log, and does not name ${unnamed}`) : null;
  }
  const resources = intent.resources.map(({ resource }) => resource);
  return obstacleUnlessNamed(said, { zone: intent.zone, resources }, state);
}

/** A token counts once, and for a change that the log does not know yet. */
export function obstacleToUse({ changeId, nonce }: OverridePredicate, state: LogState): Obstacle | null {
  const [used] = Object.entries(state.overrides).filter(([, one]) => one.said.nonce === nonce);
  if (used) return inert(`its override was used for change ${used[0]}`);
  return Object.hasOwn(state.changes, changeId) || Object.hasOwn(state.ended, changeId)
    ? notCounted('ALREADY_ENDED', `change ${changeId} is in the log already`)
    : null;
}

/** What the log itself asks, and an override passes over only by name. */
export function obstacleUnlessNamed(
  { guards }: Pick<OverridePredicate, 'guards'>,
  { zone, resources }: { zone: string | null; resources: string[] },
  state: LogState,
): Obstacle | null {
  const frozen = obstacleOfFreeze({ zone, azs: null, resources, engages: false }, state);
  if (frozen !== null && !guards.includes('freeze')) return frozen;
  const held = resources.find((resource) => Object.hasOwn(state.reservations, resource));
  return held === undefined || guards.includes('reservation')
    ? null
    : notCounted('RESERVED', `${held} is reserved by change ${state.reservations[held]}`);
}

export function obstacleAfterOverride(
  said: OverrideOutcomePredicate | ReviewPredicate,
  state: LogState,
): Obstacle | null {
  const override = own(state.overrides, said.changeId);
  if (!override) return notCounted('ALREADY_ENDED', `the log has no override of change ${said.changeId}`);
  return 'planDigest' in said && said.planDigest !== override.intent.planDigest
    ? inert(`the override of change ${said.changeId} is of another plan`)
    : null;
}

export function recordOverride(
  { override, factors, ...intent }: OverrideIntentPredicate,
  state: LogState,
  index: number,
): void {
  state.overrides[intent.changeId] = {
    intent: { ...intent, index },
    said: saidIn({ override }),
    factors: factorsIn(factors),
    outcome: null,
    review: null,
  };
  if (intent.fence === null) state.fenceChain[index] = intent.expectedFence;
}

/** What the second factors prove, which `judgeCarriedOverride` has verified. */
export function factorsIn(factors: readonly Envelope[]): OverrideRecord['factors'] {
  return factors.flatMap((envelope) => {
    const opened = openEnvelope(envelope);
    if (opened.type !== 'mfa') return [];
    const { person, method, at } = opened.predicate;
    return [{ person, method, at }];
  });
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
      const before = own(live, resource);
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
