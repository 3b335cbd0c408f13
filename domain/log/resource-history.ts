import type { Said } from '../evidence/statement-codec.ts';
import type { CommitPredicate, Move } from '../evidence/statements.ts';
import { isWithdrawal } from './entry.ts';

/** One commit that moved a resource, the way `log RESOURCE` and `blame` read it. */
export interface ResourceMove extends Move {
  index: number;
  changeId: string;
  at: string;
  /** `live`: committed; `exposed`: to a canary arm; `withdrawn`: the arm is gone again. */
  effect: 'live' | 'exposed' | 'withdrawn';
  rollout: CommitPredicate['rollout'];
}

/** Every move of one resource, oldest first. The caller passes honoured entries only: the fold says which. */
export function resourceHistory(
  entries: Iterable<{ index: number; said: Said }>,
  resource: string,
): ResourceMove[] {
  const history: ResourceMove[] = [];
  for (const { index, said } of entries) {
    if (said.type !== 'commit') continue;
    const { changeId, at, moves, rollout } = said.predicate;
    const move = moves.find((one) => one.resource === resource);
    if (move) history.push({ ...move, index, changeId, at, effect: effectOf(rollout), rollout });
  }
  return history;
}

function effectOf(rollout: CommitPredicate['rollout']): ResourceMove['effect'] {
  if (rollout === null) return 'live';
  return isWithdrawal(rollout) ? 'withdrawn' : 'exposed';
}
