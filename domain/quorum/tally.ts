import type { Violation } from '../errors.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import type { VotePredicate } from '../evidence/statements.ts';

export interface VoteRule {
  /** Yes votes that a grant takes. */
  needed: number;
  planDigest: Digest;
  /** Names of the voters of the trust document. */
  voters: readonly string[];
  /** Voters that were asked and may still answer. */
  open: number;
}

export interface Tally {
  decision: 'granted' | 'denied' | 'undecided' | 'lost';
  /** Voters whose yes counts, sorted. */
  counted: string[];
  /** Why each of the others does not, and what keeps the rule from being met. */
  reasons: Violation[];
}

export function tallyVotes(_votes: readonly VotePredicate[], _rule: VoteRule): Tally {
  throw new Error('not written yet');
}
