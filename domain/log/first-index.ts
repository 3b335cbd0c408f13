import { digestOf } from '../evidence/canonical-json.ts';
import type { Said } from '../evidence/statement-codec.ts';
import type { StatementType } from '../evidence/statements.ts';
import { own } from './authority.ts';
import { entryKey, type Keyed } from './entry.ts';
import type { LogState } from './state.ts';

/**
 * The index at which an entry of the same idempotency key already counts, or null. The state itself is the memory:
 * what it no longer holds (an ended change's votes) can no longer count either.
 */
export function firstIndexOf(state: LogState, said: Said): number | null {
  switch (said.type) {
    case 'trust':
      return digestOf(said.predicate.document) === state.trustInForce.digest
        ? state.trustInForce.index
        : null;
    case 'snapshot':
      return sameKey(said.type, said.predicate, state.snapshot ? [state.snapshot] : []);
    case 'freeze':
      return own(state.freezeNonces, said.predicate.nonce) ?? null;
    case 'fence':
      return sameKey(said.type, said.predicate, state.raisedFences);
    case 'recovery':
      return own(state.freezeNonces, said.predicate.nonce) ?? null;
    case 'resumption': {
      const { freezeIndex } = said.predicate;
      const earlier = state.automation.find(({ index }) => index === freezeIndex)?.resumptions ?? [];
      return sameKey(said.type, said.predicate, earlier);
    }
    case 'approval':
    case 'mfa':
    case 'factor-lock':
    case 'override':
    case 'command':
    case 'version':
      return null;
    case 'override-intent':
    case 'override-commit':
      return own(state.overrides, said.predicate.changeId)?.intent.index ?? null;
    case 'override-outcome':
      return own(state.overrides, said.predicate.changeId)?.outcome?.index ?? null;
    case 'review':
      return own(state.overrides, said.predicate.changeId)?.review?.index ?? null;
    case 'request':
    case 'plan':
    case 'vote':
    case 'acceptance':
    case 'ruling':
    case 'stage-verdict':
    case 'intent':
    case 'outcome':
    case 'commit':
    case 'end':
      return firstIndexInChange(state, said);
  }
}

type SaidOfChange = Exclude<
  Said,
  {
    type:
      | 'trust'
      | 'snapshot'
      | 'freeze'
      | 'fence'
      | 'recovery'
      | 'resumption'
      | 'approval'
      | 'mfa'
      | 'factor-lock'
      | 'override'
      | 'override-intent'
      | 'override-outcome'
      | 'override-commit'
      | 'review'
      | 'command'
      | 'version';
  }
>;

function firstIndexInChange(state: LogState, { type, predicate }: SaidOfChange): number | null {
  const change = own(state.changes, predicate.changeId);
  if (!change) {
    const ended = own(state.ended, predicate.changeId);
    const committed = ended?.status === 'committed';
    const again =
      (type === 'commit' && predicate.rollout === null && committed) || (type === 'end' && !committed);
    return ended && again ? ended.index : null;
  }
  switch (type) {
    case 'request':
      return change.request.index;
    case 'plan':
      return sameKey(type, predicate, change.plan ? [change.plan] : []);
    case 'vote':
      return sameKey(type, predicate, change.votes);
    case 'acceptance':
      return sameKey(type, predicate, change.acceptances);
    case 'ruling':
      return sameKey(type, predicate, change.rulings);
    case 'stage-verdict':
      return sameKey(type, predicate, change.verdicts);
    case 'intent':
      return sameKey(type, predicate, change.intents);
    case 'outcome':
      return sameKey(type, predicate, change.outcomes);
    case 'commit':
      return sameKey(type, predicate, change.exposures);
    case 'end':
      return null;
  }
}

function sameKey<T extends StatementType>(
  type: T,
  predicate: Keyed[T],
  earlier: readonly (Keyed[T] & { index: number })[],
): number | null {
  const key = entryKey(type, predicate);
  return earlier.find((one) => entryKey(type, one) === key)?.index ?? null;
}
