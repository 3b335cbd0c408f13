import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import type { VotePredicate } from '../../domain/evidence/statements.ts';
import { tallyVotes, type VoteRule } from '../../domain/quorum/tally.ts';
import { sampleVote } from '../support/sample-change.ts';

const planDigest = digestOf('plan');
const VOTERS = ['voter.a', 'voter.b', 'voter.c'];
const rule = (change: Partial<VoteRule> = {}): VoteRule => ({
  needed: 2,
  planDigest,
  voters: VOTERS,
  open: 0,
  ...change,
});
const yes = (zone: string, change: Partial<VotePredicate> = {}) => sampleVote(zone, planDigest, change);
const no = (zone: string) => yes(zone, { decision: 'no' });
const on = (base: string) => ({ observation: { ...yes('a').observation, baseDigest: digestOf(base) } });

const vote = fc
  .record({
    zone: fc.constantFrom('a', 'b', 'c', 'd'),
    voter: fc.constantFrom(undefined, 'voter.a', 'voter.b'),
    decision: fc.constantFrom('yes' as const, 'yes' as const, 'yes' as const, 'no' as const, 'veto' as const),
    plan: fc.constantFrom('plan', 'plan', 'plan', 'other'),
    base: fc.constantFrom('base', 'base', 'moved'),
    round: fc.constantFrom(1, 1, 2),
  })
  .map(({ zone, voter, decision, plan, base, round }) =>
    yes(zone, {
      ...on(base),
      decision,
      round,
      planDigest: digestOf(plan),
      ...(voter === undefined ? {} : { voter }),
    }),
  );
const votes = fc.array(vote, { maxLength: 7 });
const needed = fc.constantFrom(1, 2, 3);

describe('properties', () => {
  it('does not depend on the order of arrival', () => {
    const shuffled = votes.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
    );
    fc.assert(
      fc.property(shuffled, needed, ([all, other], count) => {
        const [one, two] = [all, other].map((order) => tallyVotes(order, rule({ needed: count })));
        expect(two?.decision).toBe(one?.decision);
        expect(two?.counted).toEqual(one?.counted);
        expect(two?.reasons.map((reason) => reason.rule).sort()).toEqual(
          one?.reasons.map((reason) => reason.rule).sort(),
        );
      }),
      { numRuns: 1000 },
    );
  });

  it('never grants because of a no', () => {
    fc.assert(
      fc.property(votes, vote, needed, (all, one, count) => {
        const against = { ...one, decision: 'no' as const };
        if (tallyVotes(all, rule({ needed: count })).decision === 'granted') return;
        expect(tallyVotes([...all, against], rule({ needed: count })).decision).not.toBe('granted');
      }),
      { numRuns: 1000 },
    );
  });

  it('counts nothing twice', () => {
    fc.assert(
      fc.property(votes, needed, (all, count) => {
        const once = tallyVotes(all, rule({ needed: count }));
        const twice = tallyVotes([...all, ...all], rule({ needed: count }));
        expect([twice.decision, twice.counted]).toEqual([once.decision, once.counted]);
        expect(once.counted.length).toBe(new Set(once.counted).size);
      }),
      { numRuns: 1000 },
    );
  });

  it('is not changed by later answers once it is granted, unless by a veto', () => {
    fc.assert(
      fc.property(
        fc.shuffledSubarray(['a', 'b', 'c']),
        fc.constantFrom('yes' as const, 'no' as const),
        (zones, last) => {
          const [one, two, three] = zones;
          if (!one || !two || !three) return;
          expect(tallyVotes([yes(one), yes(two)], rule({ open: 1 })).decision).toBe('granted');
          expect(tallyVotes([yes(one), yes(two), yes(three, { decision: last })], rule()).decision).toBe(
            'granted',
          );
        },
      ),
    );
  });
});

describe('cases', () => {
  it.each<[string, VotePredicate[], Partial<VoteRule>, string]>([
    ['2 of 3 say yes, the third is dead', [yes('a'), yes('b')], { open: 1 }, 'granted'],
    ['2 of 3 say yes and one no', [yes('a'), no('b'), yes('c')], {}, 'granted'],
    ['1 yes and two to come', [yes('a')], { open: 2 }, 'undecided'],
    ['1 yes, 1 no and one to come', [yes('a'), no('b')], { open: 1 }, 'undecided'],
    ['2 no', [no('a'), no('b')], { open: 1 }, 'denied'],
    ['1 no where all are needed', [no('a')], { needed: 3, open: 2 }, 'denied'],
    ['a veto against two yes', [yes('a'), yes('b'), yes('c', { decision: 'veto' })], {}, 'denied'],
    [
      'a veto over another plan',
      [yes('a'), yes('b'), yes('c', { decision: 'veto', planDigest: digestOf('x') })],
      {},
      'denied',
    ],
    ['too few answers', [yes('a')], {}, 'lost'],
    ['no answer at all', [], {}, 'lost'],
    [
      'yes to other plans',
      [yes('a', { planDigest: digestOf('x') }), yes('b', { planDigest: digestOf('x') })],
      {},
      'denied',
    ],
    ['yes over different bases', [yes('a', on('x')), yes('b', on('y'))], {}, 'lost'],
    [
      'yes over different bases by all',
      [yes('a', on('x')), yes('b', on('y')), yes('c', on('z'))],
      {},
      'denied',
    ],
    [
      'two that agree against one, x',
      [yes('a', on('x')), yes('b', on('y')), yes('c', on('y'))],
      {},
      'granted',
    ],
    [
      'two that agree against one, y',
      [yes('a', on('y')), yes('b', on('x')), yes('c', on('x'))],
      {},
      'granted',
    ],
    ['the same voter twice', [yes('a'), yes('a')], {}, 'lost'],
    ['two voters of one zone', [yes('a'), yes('a', { voter: 'voter.b' })], {}, 'lost'],
    ['a stranger', [yes('a'), yes('d')], {}, 'lost'],
    ['a voter that said yes and no', [yes('a'), yes('b'), no('c'), yes('c')], {}, 'denied'],
    ['a voter that saw two bases', [yes('a'), yes('b'), yes('c', on('x')), yes('c', on('y'))], {}, 'denied'],
    [
      'a voter that was asked again and only saw more',
      [yes('a'), yes('b'), { ...yes('b'), at: 'later' }],
      {},
      'granted',
    ],
    ['a newer round without enough', [yes('a'), yes('b'), yes('a', { round: 2 })], {}, 'lost'],
    [
      'a newer round that heals the older',
      [no('a'), no('b'), yes('a', { round: 2 }), yes('b', { round: 2 })],
      {},
      'granted',
    ],
  ])('%s', (_, all, change, decision) => {
    expect(tallyVotes(all, rule(change)).decision).toBe(decision);
  });

  it('says who counts and why the others do not', () => {
    const reasons = [
      { code: 'STALE_BASE', rule: 'base-moved', message: 'The base moved.', remedy: '' } as const,
    ];
    const tally = tallyVotes(
      [yes('d'), yes('b'), yes('c', { decision: 'veto', reasons }), yes('a', { planDigest: digestOf('x') })],
      rule(),
    );
    expect(tally.counted).toEqual(['voter.b']);
    expect(tally.reasons.map((reason) => `${reason.code} ${reason.rule}`)).toEqual([
      'QUORUM_DENIED quorum',
      'QUORUM_DENIED unknown-voter',
      'QUORUM_DENIED other-plan',
      'QUORUM_DENIED voter-veto',
    ]);
    expect(tally.reasons[3]?.message).toBe('voter.c vetoed: The base moved.');
    expect(tallyVotes([yes('a', { voter: 'voter.b' }), yes('a')], rule()).counted).toEqual(['voter.a']);
    expect(tallyVotes([yes('a')], rule()).reasons).toMatchObject([
      { code: 'QUORUM_LOST', message: '1 of 2 needed yes votes; 1 of 3 voters answered.' },
    ]);
    expect(tallyVotes([yes('a'), yes('b')], rule()).reasons).toEqual([]);
  });
});
