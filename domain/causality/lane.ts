import type { ChangeRecord, LogState } from '../log/state.ts';
import { dependencyTarget } from './dependency.ts';

export interface LanePlace {
  /** The changes that go first, the oldest first; with none it is this change's turn. */
  ahead: string[];
  /** 1: its turn. */
  position: number;
}

/**
 * Where an open change stands in the queue of those that it cannot run beside. Ahead of it are those that hold one of
 * its resources by an intent, and those that were requested earlier and touch one of its resources or make what it
 * declares to depend on. An emergency waits only for those that have an intent, and a change that has one itself for
 * nobody. So nobody waits in a circle: whoever is waited for has an intent, or the lower request index.
 * What documents need by their bodies is not known before the plan, so it does not queue.
 */
export function laneOf(change: ChangeRecord, state: LogState): LanePlace {
  const ahead = Object.values(state.changes)
    .filter((other) => other.changeId !== change.changeId && goesFirst(other, change))
    .sort((a, b) => a.request.index - b.request.index)
    .map(({ changeId }) => changeId);
  return { ahead, position: ahead.length + 1 };
}

function goesFirst(other: ChangeRecord, change: ChangeRecord): boolean {
  if (change.intents.length > 0) return false;
  const shared = other.request.resources.some((one) => change.request.resources.includes(one));
  if (other.intents.length > 0 && shared) return true;
  if (other.request.index > change.request.index) return false;
  if (change.request.emergency && other.intents.length === 0) return false;
  return shared || needsResultOf(other, change);
}

function needsResultOf(other: ChangeRecord, change: ChangeRecord): boolean {
  return change.request.dependsOn
    .map(dependencyTarget)
    .some((one) => one === `change/${other.changeId}` || other.request.resources.includes(one));
}
