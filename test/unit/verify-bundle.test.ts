import { describe, expect, it } from 'vitest';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import { type Bundle, verifyBundle, verifyRollbackBundle } from '../../domain/evidence/verify-bundle.ts';
import type { ChangeRecord } from '../../domain/log/state.ts';
import { samplePlan, sampleRecord, sampleRequest, sampleTrust } from '../support/sample-change.ts';

const INTENT = 11;

function bundle(change: Partial<ChangeRecord> = {}, rest: Partial<Bundle> = {}): Bundle {
  const request = sampleRequest();
  const plan = samplePlan(request);
  return {
    change: { ...sampleRecord(plan), ...change },
    request,
    requestDigest: digestOf(request),
    plan,
    planDigest: digestOf(plan),
    trust: sampleTrust(),
    intentIndex: INTENT,
    ended: false,
    ...rest,
  };
}

const sample = sampleRecord();
const planEntry = sample.plan;
const [first, second] = sample.intents;
const [bob, cyd] = sample.acceptances;
const [voteA, voteB, voteC] = sample.votes;
const [applied] = sample.outcomes;
const [passed] = sample.verdicts;
if (!planEntry || !first || !second || !bob || !cyd || !voteA || !voteB || !voteC || !applied || !passed) {
  throw new Error('the sample is not whole');
}

const rules = (of: Bundle) => verifyBundle(of).map((one) => `${one.code} ${one.rule}`);
const vetoed = { ...voteC, decision: 'veto' as const };
const rejected = { ...cyd, decision: 'reject' as const };
const rolledBack = { ...applied, direction: 'rollback' as const, index: 12 };

describe('verifyBundle', () => {
  it('accepts a whole proof, and the same intent again once it is applied', () => {
    expect(verifyBundle(bundle())).toEqual([]);
    const again = { ...applied, index: 12, intentIndex: INTENT, stage: '100%' };
    expect(verifyBundle(bundle({ outcomes: [applied, again] }))).toEqual([]);
  });

  it('accepts the first stage, which has nothing before it', () => {
    const change = { intents: [first], outcomes: [], verdicts: [] };
    expect(verifyBundle(bundle(change, { intentIndex: 8 }))).toEqual([]);
  });

  it('does not expire approvals: what was accepted in time holds however long the rollout takes', () => {
    const late = { ...second, at: '2027-01-01T00:00:00.000Z' };
    expect(verifyBundle(bundle({ intents: [first, late] }))).toEqual([]);
  });

  it('counts no approval without a second factor, where the class asks for one', () => {
    const trust = sampleTrust();
    trust.policy.approvals.critical = { people: 2, teams: 1, secondFactor: true };
    const mfa = { method: 'totp' as const, at: bob.at };
    const both = [bob, cyd].map((one) => ({ ...one, mfa }));
    expect(rules(bundle({ acceptances: both }, { trust }))).toEqual([]);
    const one = [{ ...bob, mfa }, cyd];
    expect(rules(bundle({ acceptances: one }, { trust }))).toEqual(['BUNDLE_INCOMPLETE approvals']);
  });

  it('asks no verdict of a stage that is not watched', () => {
    const whole = samplePlan();
    const plan = { ...whole, stages: whole.stages.map((stage) => ({ ...stage, baked: false })) };
    const change = { ...sampleRecord(plan), verdicts: [] };
    expect(verifyBundle(bundle(change, { plan, planDigest: digestOf(plan) }))).toEqual([]);
  });

  it('goes on after a rollback that did not happen', () => {
    expect(verifyBundle(bundle({ outcomes: [applied, { ...rolledBack, result: 'not-applied' }] }))).toEqual(
      [],
    );
  });

  it('accepts a stage that was ordered again after it lost a race, and took the second time', () => {
    const raced = { ...applied, result: 'not-applied' as const };
    const retry = { ...first, index: 10 };
    const change = {
      intents: [first, retry, { ...second, index: 13 }],
      outcomes: [raced, { ...applied, index: 11, intentIndex: 10 }],
      verdicts: [{ ...passed, index: 12, intentIndex: 10 }],
    };
    expect(verifyBundle(bundle(change, { intentIndex: 13 }))).toEqual([]);
  });

  it.each<[string, Bundle, string[]]>([
    ['a change that ended', bundle({}, { ended: true }), ['ALREADY_ENDED open']],
    [
      'another request than was signed',
      bundle({ request: { ...sample.request, requestDigest: digestOf('x') } }),
      ['DIGEST_MISMATCH request-as-signed'],
    ],
    [
      'an author without the role',
      bundle({ request: { ...sample.request, author: 'eve' } }),
      ['NOT_PERMITTED author-role'],
    ],
    [
      'a request of another environment',
      bundle({ request: { ...sample.request, environment: 'staging' } }),
      ['NOT_PERMITTED audience'],
    ],
    [
      'no plan in the log',
      bundle({ plan: null }),
      [
        'BUNDLE_INCOMPLETE plan-recorded',
        'BUNDLE_INCOMPLETE votes',
        'BUNDLE_INCOMPLETE approvals',
        'BUNDLE_INCOMPLETE intent-of-this-plan',
      ],
    ],
    [
      'a plan entry of another request',
      bundle({ plan: { ...planEntry, requestDigest: digestOf('x') } }),
      ['BUNDLE_INCOMPLETE plan-of-this-request'],
    ],
    [
      'a plan entry that hides a resource',
      bundle({ plan: { ...planEntry, resources: [] } }),
      ['BUNDLE_INCOMPLETE plan-as-described'],
    ],
    [
      'a plan entry with a milder class',
      bundle({ plan: { ...planEntry, riskClass: 'standard' } }),
      ['BUNDLE_INCOMPLETE plan-as-described'],
    ],
    [
      'a plan entry with another zone',
      bundle({ plan: { ...planEntry, zone: 'x' } }),
      ['BUNDLE_INCOMPLETE plan-as-described'],
    ],
    [
      'a plan before its request',
      bundle({ request: { ...sample.request, index: 2 } }),
      ['BUNDLE_INCOMPLETE order'],
    ],

    ['too few votes', bundle({ votes: [voteA, voteB] }), ['BUNDLE_INCOMPLETE votes']],
    ['a veto', bundle({ votes: [voteA, voteB, vetoed] }), ['QUORUM_DENIED votes']],
    [
      'votes over another plan',
      bundle({ votes: [voteA, voteB, { ...voteC, planDigest: digestOf('x') }] }),
      ['QUORUM_DENIED votes'],
    ],
    [
      'a vote from before the plan',
      bundle({ votes: [voteA, voteB, { ...voteC, index: 2 }] }),
      ['BUNDLE_INCOMPLETE votes'],
    ],
    [
      'a vote after the intent',
      bundle({ votes: [voteA, voteB, { ...voteC, index: 12 }] }),
      ['BUNDLE_INCOMPLETE votes'],
    ],
    [
      'a voter of another zone than it says',
      bundle({ votes: [voteA, voteB, { ...voteC, voterZone: 'd' }] }),
      ['BUNDLE_INCOMPLETE votes'],
    ],
    ['one voter three times', bundle({ votes: [voteA, voteA, voteA] }), ['BUNDLE_INCOMPLETE votes']],

    ['too few approvals', bundle({ acceptances: [bob] }), ['BUNDLE_INCOMPLETE approvals']],
    [
      'one person twice',
      bundle({ acceptances: [bob, { ...bob, nonce: 'other' }] }),
      ['BUNDLE_INCOMPLETE approvals'],
    ],
    [
      'the author among them',
      bundle({ acceptances: [bob, { ...cyd, approver: 'ada' }] }),
      ['BUNDLE_INCOMPLETE approvals'],
    ],
    [
      'an approval that was refused',
      bundle({ acceptances: [bob, { ...cyd, accepted: false }] }),
      ['BUNDLE_INCOMPLETE approvals'],
    ],
    [
      'an approval of another plan',
      bundle({ acceptances: [bob, { ...cyd, planDigest: digestOf('x') }] }),
      ['BUNDLE_INCOMPLETE approvals'],
    ],
    [
      'an approval after the intent',
      bundle({ acceptances: [bob, { ...cyd, index: 12 }] }),
      ['BUNDLE_INCOMPLETE approvals'],
    ],
    [
      'an approval from before the plan',
      bundle({ acceptances: [bob, { ...cyd, index: 2 }] }),
      ['BUNDLE_INCOMPLETE approvals'],
    ],
    [
      'a rejection',
      bundle({ acceptances: [bob, cyd, { ...rejected, nonce: 'no' }] }),
      ['APPROVAL_REJECTED no-rejection'],
    ],
    [
      'a rejection after the intent',
      bundle({ acceptances: [bob, cyd, { ...rejected, index: 12 }] }),
      ['APPROVAL_REJECTED no-rejection'],
    ],

    ['no such intent', bundle({}, { intentIndex: 99 }), ['BUNDLE_INCOMPLETE intent-in-log']],
    [
      'an intent of another plan',
      bundle({ intents: [first, { ...second, planDigest: digestOf('x') }] }),
      ['DIGEST_MISMATCH plan-as-intended', 'BUNDLE_INCOMPLETE intent-of-this-plan'],
    ],
    [
      'an intent on another zone',
      bundle({ intents: [first, { ...second, zone: 'x' }] }),
      ['BUNDLE_INCOMPLETE intent-of-this-plan'],
    ],
    [
      'an intent with another way back',
      bundle({ intents: [first, { ...second, inverseDigest: digestOf('x') }] }),
      ['BUNDLE_INCOMPLETE inverse-as-intended'],
    ],
    ['a newer intent', bundle({}, { intentIndex: 8 }), ['BUNDLE_INCOMPLETE newest-intent']],

    [
      'a stage that is not in the plan',
      bundle({ intents: [first, { ...second, stage: '75%' }] }),
      ['BUNDLE_INCOMPLETE inverse-as-intended', 'BUNDLE_INCOMPLETE stage-of-plan'],
    ],
    [
      'a stage before that is not applied',
      bundle({ outcomes: [{ ...applied, result: 'not-applied' }] }),
      ['BUNDLE_INCOMPLETE stage-order'],
    ],
    ['a stage before without a verdict', bundle({ verdicts: [] }), ['BUNDLE_INCOMPLETE stage-verdict']],
    [
      'an inconclusive verdict',
      bundle({ verdicts: [{ ...passed, verdict: 'inconclusive' }] }),
      ['BUNDLE_INCOMPLETE stage-verdict'],
    ],
    [
      'a pass that was withdrawn',
      bundle({
        verdicts: [
          { ...passed, index: 9 },
          { ...passed, verdict: 'fail' },
        ],
      }),
      ['BUNDLE_INCOMPLETE stage-verdict'],
    ],
    [
      'a verdict after the intent',
      bundle({ verdicts: [{ ...passed, index: 12 }] }),
      ['BUNDLE_INCOMPLETE stage-verdict'],
    ],
    [
      'a verdict over another intent',
      bundle({ verdicts: [{ ...passed, intentIndex: 3 }] }),
      ['BUNDLE_INCOMPLETE stage-verdict'],
    ],
    [
      'a verdict over another plan',
      bundle({ verdicts: [{ ...passed, planDigest: digestOf('x') }] }),
      ['BUNDLE_INCOMPLETE stage-verdict'],
    ],
    [
      'a stage behind what is applied',
      bundle({
        intents: [
          { ...second, index: 8 },
          { ...first, index: INTENT },
        ],
        verdicts: [],
      }),
      ['BUNDLE_INCOMPLETE stage-order'],
    ],
    [
      'a stage before that was only rolled back',
      bundle({ outcomes: [rolledBack] }),
      ['ALREADY_ENDED not-rolled-back', 'BUNDLE_INCOMPLETE stage-order'],
    ],
    [
      'a change that was rolled back',
      bundle({ outcomes: [applied, rolledBack] }),
      ['ALREADY_ENDED not-rolled-back'],
    ],
  ])('refuses %s', (_, of, expected) => {
    expect(rules(of)).toEqual(expected);
  });

  it('refuses a plan body that was edited after the votes', () => {
    const edited = samplePlan(sampleRequest(), { clock: 99 });
    const violations = rules(bundle({}, { plan: edited, planDigest: digestOf(edited) }));
    expect(violations).toContain('DIGEST_MISMATCH plan-as-recorded');
    expect(violations).toContain('DIGEST_MISMATCH plan-as-intended');
    expect(violations).toContain('QUORUM_DENIED votes');
  });

  it('refuses a plan of another change, environment or request', () => {
    for (const other of [
      { changeId: 'chg-2' },
      { environment: 'staging' },
      { requestDigest: digestOf('x') },
    ]) {
      const plan = samplePlan(sampleRequest(), other);
      const of = sampleRecord(plan);
      const entry = of.plan && { ...of.plan, requestDigest: planEntry.requestDigest };
      const change = { ...of, request: sample.request, plan: entry };
      expect(rules(bundle(change, { plan, planDigest: digestOf(plan) }))).toContain(
        'BUNDLE_INCOMPLETE plan-of-this-request',
      );
    }
  });

  it('asks for as many votes and people as the class of the plan takes', () => {
    const plan = samplePlan(sampleRequest(), { risk: { score: 1, class: 'standard', reasons: [] } });
    const whole = sampleRecord(plan);
    const change = { ...whole, votes: whole.votes.slice(1), acceptances: whole.acceptances.slice(1) };
    expect(verifyBundle(bundle(change, { plan, planDigest: digestOf(plan) }))).toEqual([]);
  });

  it('reports everything at once', () => {
    const change = { votes: [], acceptances: [rejected], verdicts: [] };
    expect(rules(bundle(change, { ended: true }))).toEqual([
      'ALREADY_ENDED open',
      'BUNDLE_INCOMPLETE votes',
      'APPROVAL_REJECTED no-rejection',
      'BUNDLE_INCOMPLETE approvals',
      'BUNDLE_INCOMPLETE stage-verdict',
    ]);
  });
});

describe('verifyRollbackBundle', () => {
  it('needs no quorum, approvals or verdicts, and any honoured intent will do', () => {
    const bare = { votes: [], acceptances: [rejected], verdicts: [], outcomes: [] };
    for (const intentIndex of [8, INTENT]) {
      expect(verifyRollbackBundle(bundle(bare, { intentIndex }))).toEqual([]);
    }
  });

  it.each<[string, Bundle, string]>([
    ['an intent that is not in the log', bundle({}, { intentIndex: 9 }), 'intent-in-log'],
    ['another plan', bundle({}, { planDigest: digestOf('x') }), 'plan-as-intended'],
    [
      'another inverse',
      bundle({ intents: [first, { ...second, inverseDigest: digestOf([]) }] }),
      'inverse-as-intended',
    ],
  ])('refuses %s', (_, of, rule) => {
    expect(verifyRollbackBundle(of).map((one) => one.rule)).toEqual([rule]);
  });
});
