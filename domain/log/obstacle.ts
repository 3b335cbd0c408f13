import { freezeOn, freezeText, type Reach } from './freeze-scope.ts';
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

/** By its recorded plan, which the enactor holds to its body; the log itself sees at least that it is of switches. */
export function engagesOnly({ plan }: ChangeRecord): boolean {
  return plan?.riskClass === 'brake' && plan.resources.every((one) => one.startsWith('switch/'));
}

/** What moves production forward is void while a freeze is in its way. */
export function obstacleOfFreeze(reach: Reach, state: LogState): Obstacle | null {
  const freeze = freezeOn(state, reach);
  return freeze === undefined ? null : notCounted('FROZEN', freezeText(freeze));
}
