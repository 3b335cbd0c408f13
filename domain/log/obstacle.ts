import type { ChangeRecord, EntryFate, LogState } from './state.ts';

/** Why a well-signed entry does not count at its place in the log. */
export type Obstacle =
  | Omit<Extract<EntryFate, { fate: 'void' }>, 'index'>
  | { fate: 'inert'; reason: string };

type VoidCode = Extract<EntryFate, { fate: 'void' }>['code'];

export function inert(reason: string): Obstacle {
  return { fate: 'inert', reason };
}

export function notCounted(code: VoidCode, reason: string): Obstacle {
  return { fate: 'void', code, reason };
}

/**
 * Forward motion in a zone is frozen unless both the environment and the zone are `active`, or were never frozen.
 * Zone null asks about the environment alone: where documents live.
 */
export function isFrozen(state: LogState, zone: string | null): boolean {
  return state.automation.some(
    (automation) =>
      automation.state !== 'active' && (automation.scope === null || automation.scope.zone === zone),
  );
}

/** What an intent and a commit share: both are about the current plan and its target. */
export function obstacleOfPlan(
  { planDigest, zone }: { planDigest: string; zone: string | null },
  change: ChangeRecord,
): Obstacle | null {
  if (change.plan?.planDigest !== planDigest) {
    return notCounted('STALE_BASE', `${planDigest} is not the current plan of change ${change.changeId}`);
  }
  return change.plan.zone === zone ? null : inert(`the plan is about ${change.plan.zone}, not ${zone}`);
}

/** What moves production forward needs every zone that it reaches. */
export function obstacleOfFreeze(zones: readonly (string | null)[], state: LogState): Obstacle | null {
  const frozen = zones.find((zone) => isFrozen(state, zone));
  return frozen === undefined ? null : notCounted('FROZEN', `${frozen ?? 'the environment'} is frozen`);
}
