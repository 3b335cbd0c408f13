import type { Violation } from '../errors.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import type { VotePredicate } from '../evidence/statements.ts';

export interface VoteRule {
  /** Yes votes that a grant takes. */
  needed: number;
  planDigest: Digest;
  /** Names of the voters that exist; a vote by anybody else is nothing. */
  voters: readonly string[];
  /** Voters that were asked and may still answer. */
  open: number;
}

export interface Tally {
  /** `denied`: no answer still to come could grant it. `lost`: nobody refused enough, too few answered. */
  decision: 'granted' | 'denied' | 'undecided' | 'lost';
  /** The voters whose yes counts together, sorted. */
  counted: string[];
  /** Every answer that does not count as a yes, and, unless it is granted or undecided, what that amounts to. */
  reasons: Violation[];
}

/**
 * Counts the votes of the newest round among them (DESIGN §6, Votes). Yes votes count together only over
 * `rule.planDigest` and an equal observed base, one for each voter and each availability zone. A veto denies
 * whatever digest it is over, because a voter whose base moved arrives at another plan. A voter that signed two
 * different votes in one round cannot be believed either way, and vetoes.
 *
 * The result depends on the set of votes, never on their order. Pure, and free of heavy imports: it runs inside
 * the workflow as well as in the enactor. Never throws.
 */
export function tallyVotes(votes: readonly VotePredicate[], rule: VoteRule): Tally {
  const round = Math.max(...votes.map((vote) => vote.round));
  const newest = votes.filter((vote) => vote.round === round);
  const strangers = newest.filter((vote) => !rule.voters.includes(vote.voter));
  const answers = answersByVoter(newest.filter((vote) => rule.voters.includes(vote.voter)));

  const counted = largestAgreement(answers, rule.planDigest);
  const reasons = [
    ...strangers.map((vote) => no('unknown-voter', `${vote.voter} is no voter of this environment.`)),
    ...answers.filter(({ vote }) => !counted.includes(vote.voter)).map((answer) => doubtOf(answer, rule)),
  ];
  const decision = decide(answers, counted.length, rule);
  const amount = summary(decision, counted.length, answers.length, rule);
  return { decision, counted, reasons: amount === null ? reasons : [amount, ...reasons] };
}

interface Answer {
  vote: VotePredicate;
  equivocal: boolean;
}

function answersByVoter(votes: readonly VotePredicate[]): Answer[] {
  const answers = new Map<string, Answer>();
  for (const vote of votes) {
    const first = answers.get(vote.voter)?.vote ?? vote;
    const equivocal = answers.get(vote.voter)?.equivocal || !saysTheSame(first, vote);
    answers.set(vote.voter, { vote: first, equivocal });
  }
  return [...answers.values()].sort((a, b) => (a.vote.voter < b.vote.voter ? -1 : 1));
}

/** A voter that was asked twice may see a longer log or another clock; what it decided must be the same. */
function saysTheSame(a: VotePredicate, b: VotePredicate): boolean {
  return (
    a.decision === b.decision &&
    a.planDigest === b.planDigest &&
    a.voterZone === b.voterZone &&
    a.observation.baseDigest === b.observation.baseDigest
  );
}

function isVeto({ vote, equivocal }: Answer): boolean {
  return equivocal || vote.decision === 'veto';
}

/** The most voters, each of another zone, that say yes over one base. A zone with a no in it says no. */
function largestAgreement(answers: readonly Answer[], planDigest: Digest): string[] {
  const believed = answers.filter((answer) => !answer.equivocal).map((answer) => answer.vote);
  const refusing = new Set(believed.filter((vote) => vote.decision !== 'yes').map((vote) => vote.voterZone));
  const byBase = new Map<Digest, Map<string, string>>();
  for (const vote of believed) {
    if (vote.planDigest !== planDigest || refusing.has(vote.voterZone)) continue;
    const { baseDigest } = vote.observation;
    const voterOfZone = byBase.get(baseDigest) ?? new Map<string, string>();
    if (!voterOfZone.has(vote.voterZone)) voterOfZone.set(vote.voterZone, vote.voter);
    byBase.set(baseDigest, voterOfZone);
  }
  const groups = [...byBase.entries()].sort(
    ([baseA, a], [baseB, b]) => b.size - a.size || (baseA < baseB ? -1 : 1),
  );
  return [...(groups[0]?.[1].values() ?? [])].sort();
}

function decide(answers: readonly Answer[], counted: number, rule: VoteRule): Tally['decision'] {
  if (answers.some(isVeto)) return 'denied';
  if (counted >= rule.needed) return 'granted';
  const silent = rule.voters.length - answers.length;
  if (counted + silent < rule.needed) return 'denied';
  return rule.open === 0 ? 'lost' : 'undecided';
}

function doubtOf({ vote, equivocal }: Answer, rule: VoteRule): Violation {
  const why = vote.reasons.map((reason) => reason.message).join('; ') || 'it gave no reason';
  if (equivocal) {
    return {
      code: 'QUORUM_DENIED',
      rule: 'equivocation',
      message: `${vote.voter} signed two different votes in round ${vote.round}.`,
      remedy: 'Its key or its worker is not under control: look at that zone before anything else.',
    };
  }
  if (vote.decision === 'veto') return no('voter-veto', `${vote.voter} vetoed: ${why}`);
  if (vote.decision === 'no') return no('voter-no', `${vote.voter} said no: ${why}`);
  if (vote.planDigest !== rule.planDigest) {
    return no('other-plan', `${vote.voter} voted over ${vote.planDigest}, the plan is ${rule.planDigest}.`);
  }
  return no(
    'no-agreement',
    `${vote.voter} saw another base, or its zone ${vote.voterZone} has voted already.`,
  );
}

function no(rule: string, message: string): Violation {
  return {
    code: 'QUORUM_DENIED',
    rule,
    message,
    remedy: 'Remove what the voter objects to, then submit the change again.',
  };
}

function summary(
  decision: Tally['decision'],
  counted: number,
  answered: number,
  { needed, voters }: VoteRule,
): Violation | null {
  const facts = `${counted} of ${needed} needed yes votes; ${answered} of ${voters.length} voters answered.`;
  if (decision === 'denied') return no('quorum', facts);
  if (decision !== 'lost') return null;
  return {
    code: 'QUORUM_LOST',
    rule: 'quorum',
    message: facts,
    remedy: 'Bring the silent voters back; nothing goes ahead on fewer.',
  };
}
