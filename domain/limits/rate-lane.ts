import type { ChangeRequest } from '../change/request.ts';
import type { CommandAction } from '../evidence/statements.ts';

/**
 * What is counted apart, so that a person who is throttled in one is not in another: what only stops something
 * (`brake`) never waits behind what moves something. A freeze is in none of them: nothing counts freezes.
 */
export type RateLane = 'submit' | 'decide' | 'brake';

/** A request that asks for engaged switches and nothing else may stop only more (see `directionOf`). */
export function laneOfRequest({ spec }: ChangeRequest): RateLane {
  const onlyEngages = spec.operations.every(
    (operation) =>
      'set' in operation &&
      operation.set.startsWith('switch/') &&
      'engaged' in operation.body &&
      operation.body.engaged === true,
  );
  return onlyEngages ? 'brake' : 'submit';
}

export function laneOfDecision(decision: 'approve' | 'reject'): RateLane {
  return decision === 'approve' ? 'decide' : 'brake';
}

export function laneOfCommand(action: CommandAction): RateLane {
  return action === 'continue' ? 'decide' : 'brake';
}
