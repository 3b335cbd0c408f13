import { describe, expect, it } from 'vitest';
import { type ApprovalFacts, judgeApproval } from '../../domain/approval/judge-approval.ts';
import { missingApprovals } from '../../domain/approval/missing-approvals.ts';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import type { ApprovalPredicate, MfaPredicate } from '../../domain/evidence/statements.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import type { ChangeRecord } from '../../domain/log/state.ts';
import {
  CHANGE_ID,
  ENVIRONMENT,
  keyOf,
  samplePlan,
  sampleRecord,
  sampleTrust,
} from '../support/sample-change.ts';

const NOW_MS = Date.parse('2026-01-01T00:10:00.000Z');
const MINUTE_MS = 60_000;
const trust = sampleTrust();
const PLAN_2 = digestOf('plan 2');
/** Critical changes need a second factor, and bob has one. */
const strict: TrustDocument = {
  ...trust,
  people: trust.people.map((person) =>
    person.subject === 'bob'
      ? { ...person, secondFactors: [{ type: 'totp', commitment: digestOf('the factor of bob') }] }
      : person,
  ),
  services: [
    ...trust.services,
    {
      name: 'factor-verifier',
      role: 'factor-verifier',
      keys: [{ keyId: keyOf('factor-verifier'), publicKey: '' }],
    },
  ],
  policy: {
    ...trust.policy,
    approvals: { ...trust.policy.approvals, critical: { people: 2, teams: 1, secondFactor: true } },
  },
};
const at = (minutes: number) => new Date(NOW_MS + minutes * MINUTE_MS).toISOString();

/** Waiting for its first approval. */
const waiting: ChangeRecord = { ...sampleRecord(), acceptances: [], intents: [], outcomes: [], verdicts: [] };
const [byBob, byCyd] = sampleRecord().acceptances;
if (!byBob || !byCyd) throw new Error('the sample has two acceptances');

function approvalBy(approver: string, change: Partial<ApprovalPredicate> = {}): ApprovalPredicate {
  return {
    changeId: CHANGE_ID,
    environment: ENVIRONMENT,
    approver,
    decision: 'approve',
    planDigest: digestOf(samplePlan()),
    nonce: 'fresh',
    issuedAt: at(-5),
    expiresAt: at(10),
    ...change,
  };
}

function judge(approval: ApprovalPredicate, facts: Partial<ApprovalFacts> = {}): string[] {
  const keyIds = [keyOf(approval.approver)];
  const all = {
    change: waiting,
    ended: false,
    trust,
    keyIds,
    mfa: null,
    environment: ENVIRONMENT,
    nowMs: NOW_MS,
  };
  return judgeApproval(approval, { ...all, ...facts }).map((one) => `${one.code} ${one.rule}`);
}

const SELF = 'NOT_PERMITTED not-the-author';

describe('judgeApproval', () => {
  it("accepts an approver's own, fresh decision, with any key of theirs", () => {
    expect(judge(approvalBy('bob'))).toEqual([]);
    expect(judge(approvalBy('bob'), { keyIds: [keyOf('bob-2')] })).toEqual([]);
    expect(judge(approvalBy('bob', { decision: 'reject', reason: 'not today' }))).toEqual([]);
  });

  it.each([
    ['the author, an approver too', approvalBy('ada'), [keyOf('ada')], [SELF]],
    ['the author with another key', approvalBy('ada'), [keyOf('ada-2')], [SELF]],
    [
      "the author in another's name",
      approvalBy('bob'),
      [keyOf('ada-2')],
      ['SIGNATURE_INVALID own-key', SELF],
    ],
    ['who is no approver', approvalBy('dan'), [keyOf('dan')], ['NOT_PERMITTED approver-role']],
    ['somebody unknown', approvalBy('eve'), [], ['NOT_PERMITTED approver-role', 'SIGNATURE_INVALID own-key']],
    ["another approver's key", approvalBy('bob'), [keyOf('cyd')], ['SIGNATURE_INVALID own-key']],
    ["a service's key", approvalBy('bob'), [keyOf('enactor')], ['SIGNATURE_INVALID own-key']],
  ])('refuses %s', (_, approval, keyIds, reasons) => {
    expect(judge(approval, { keyIds })).toEqual(reasons);
  });

  it.each([
    ['another environment', { environment: 'staging' }, 'NOT_PERMITTED audience'],
    ['another change', { changeId: 'chg-2' }, 'NOT_PERMITTED audience'],
    ['a plan that was edited since', { planDigest: digestOf('edited') }, 'STALE_BASE same-plan'],
    ['an expired one', { expiresAt: new Date(NOW_MS - 1).toISOString() }, 'APPROVAL_EXPIRED not-expired'],
    ['a lifetime over 15 minutes', { issuedAt: at(-5), expiresAt: at(10.001) }, 'NOT_PERMITTED lifetime'],
    ['a lifetime of nothing', { issuedAt: at(0), expiresAt: at(0) }, 'NOT_PERMITTED lifetime'],
    ['one from the future', { issuedAt: at(0.501) }, 'NOT_PERMITTED not-from-the-future'],
    ['unreadable times', { expiresAt: 'never' }, 'SCHEMA_INVALID times'],
  ])('refuses %s', (_, change, reason) => {
    expect(judge(approvalBy('bob', change))).toEqual([reason]);
  });

  it('allows the last moment, and clocks half a minute apart', () => {
    expect(judge(approvalBy('bob', { issuedAt: at(-15), expiresAt: at(0) }))).toEqual([]);
    expect(judge(approvalBy('bob', { issuedAt: at(0.5) }))).toEqual([]);
  });

  it('refuses a nonce that was used, even by a decision that was refused', () => {
    const change = { ...waiting, acceptances: [{ ...byCyd, accepted: false, nonce: 'fresh' }] };
    expect(judge(approvalBy('bob'), { change })).toEqual(['NONCE_REPLAYED single-use']);
  });

  it('refuses a second approval by the same person, also with a second key', () => {
    const change = { ...waiting, acceptances: [byBob] };
    for (const key of ['bob', 'bob-2']) {
      expect(judge(approvalBy('bob'), { change, keyIds: [keyOf(key)] })).toEqual([
        'NOT_PERMITTED one-person-one-decision',
      ]);
    }
    expect(judge(approvalBy('cyd'), { change })).toEqual([]);
  });

  it('lets people approve again after an edit or a refusal, and change their mind towards no', () => {
    const edited = { ...waiting, acceptances: [{ ...byBob, planDigest: digestOf('before') }] };
    expect(judge(approvalBy('bob'), { change: edited })).toEqual([]);
    const refused = { ...waiting, acceptances: [{ ...byBob, accepted: false }] };
    expect(judge(approvalBy('bob'), { change: refused })).toEqual([]);
    const approved = { ...waiting, acceptances: [byBob] };
    expect(judge(approvalBy('bob', { decision: 'reject' }), { change: approved })).toEqual([]);
  });

  it.each([
    ['ended', { change: undefined, ended: true }, 'ALREADY_ENDED waiting'],
    ['unknown', { change: undefined }, 'NOT_FOUND waiting'],
    ['unplanned', { change: { ...waiting, plan: null } }, 'NOT_FOUND waiting'],
    ['under way', { change: { ...sampleRecord(), acceptances: [] } }, 'ALREADY_ENDED waiting'],
  ])('refuses when the change is %s', (_, facts, reason) => {
    expect(judge(approvalBy('bob'), facts)).toEqual([reason]);
  });

  describe('with a second factor', () => {
    const said = (change: Partial<MfaPredicate> = {}): MfaPredicate => ({
      changeId: CHANGE_ID,
      environment: ENVIRONMENT,
      person: 'bob',
      planDigest: digestOf(samplePlan()),
      nonce: 'fresh',
      method: 'totp',
      at: at(-1),
      expiresAt: at(4),
      ...change,
    });
    const factor = (change: Partial<MfaPredicate> = {}, keyIds = [keyOf('factor-verifier')]) => ({
      trust: strict,
      mfa: { said: said(change), keyIds },
    });

    it('accepts the one that was given for this very approval', () => {
      expect(judge(approvalBy('bob'), factor())).toEqual([]);
      expect(judge(approvalBy('bob'), factor({ method: 'recovery-code' }))).toEqual([]);
    });

    it('says that it is missing, of a yes; a no needs none', () => {
      expect(judge(approvalBy('bob'), { trust: strict })).toEqual(['NOT_PERMITTED second-factor']);
      expect(judge(approvalBy('bob', { decision: 'reject' }), { trust: strict })).toEqual([]);
    });

    it.each([
      ['of nobody', factor({}, []), ['SIGNATURE_INVALID second-factor-signed']],
      ['signed by the person', factor({}, [keyOf('bob')]), ['SIGNATURE_INVALID second-factor-signed']],
      ['of somebody else', factor({ person: 'cyd' }), ['NOT_PERMITTED second-factor-person']],
      ['for another change', factor({ changeId: 'chg-2' }), ['NOT_PERMITTED second-factor-audience']],
      ['from another environment', factor({ environment: 'dev' }), ['NOT_PERMITTED second-factor-audience']],
      ['for another statement', factor({ nonce: 'old' }), ['NOT_PERMITTED second-factor-audience']],
      ['for another plan', factor({ planDigest: PLAN_2 }), ['NOT_PERMITTED second-factor-plan']],
      ['expired', factor({ at: at(-6), expiresAt: at(-1) }), ['APPROVAL_EXPIRED second-factor-expired']],
      ['that lives too long', factor({ expiresAt: at(5) }), ['NOT_PERMITTED second-factor-lifetime']],
      [
        'that lives not at all',
        factor({ expiresAt: at(-1) }),
        ['APPROVAL_EXPIRED second-factor-expired', 'NOT_PERMITTED second-factor-lifetime'],
      ],
      [
        'from the future',
        factor({ at: at(1), expiresAt: at(2) }),
        ['NOT_PERMITTED second-factor-not-from-the-future'],
      ],
      [
        'of somebody whom the trust document lists without one',
        { ...factor(), trust: { ...strict, people: trust.people } },
        ['NOT_PERMITTED second-factor-enrolled'],
      ],
    ])('refuses one %s', (_, facts, reasons) => {
      expect(judge(approvalBy('bob'), facts)).toEqual(reasons);
    });
  });

  it('reports everything at once', () => {
    const approval = approvalBy('ada', {
      environment: 'staging',
      planDigest: digestOf('edited'),
      nonce: byBob.nonce,
      issuedAt: at(-60),
      expiresAt: at(-1),
    });
    const change = { ...sampleRecord(), acceptances: [byBob] };
    expect(judge(approval, { change, keyIds: [keyOf('cyd')] })).toEqual([
      'NOT_PERMITTED audience',
      'SIGNATURE_INVALID own-key',
      SELF,
      'APPROVAL_EXPIRED not-expired',
      'NOT_PERMITTED lifetime',
      'ALREADY_ENDED waiting',
      'STALE_BASE same-plan',
      'NONCE_REPLAYED single-use',
    ]);
  });
});

describe('missingApprovals', () => {
  const CRITICAL = { class: 'critical' as const, ownership: [] };
  const tally = (acceptances: ChangeRecord['acceptances']) =>
    missingApprovals({ ...waiting, acceptances }, CRITICAL, trust);

  it('says how many are needed, who gave theirs and who still may', () => {
    expect(tally([])).toMatchObject({ needed: 2, given: [], rejectedBy: null, eligible: ['bob', 'cyd'] });
    expect(tally([byBob])).toMatchObject({ needed: 2, given: ['bob'], rejectedBy: null, eligible: ['cyd'] });
    expect(missingApprovals(waiting, { class: 'standard', ownership: [] }, trust).needed).toBe(1);
  });

  it('counts only what came with a second factor, where the class asks for one', () => {
    const mfa = { method: 'totp' as const, at: at(0) };
    const change = { ...waiting, acceptances: [{ ...byBob, mfa }, byCyd] };
    expect(missingApprovals(change, CRITICAL, strict)).toMatchObject({
      secondFactor: true,
      given: ['bob'],
      // Cyd has none, and so could not.
      eligible: [],
    });
    // A no counts as it is.
    const rejected = { ...waiting, acceptances: [{ ...byCyd, decision: 'reject' as const }] };
    expect(missingApprovals(rejected, CRITICAL, strict).rejectedBy).toBe('cyd');
  });

  it('counts a person once, and nobody who was refused, is the author, or decided on another plan', () => {
    const acceptances = [
      byBob,
      { ...byBob, nonce: 'other', index: 8 },
      { ...byCyd, accepted: false },
      { ...byCyd, planDigest: digestOf('before') },
      { ...byCyd, approver: 'ada' },
      { ...byCyd, approver: 'eve' },
    ];
    expect(tally(acceptances)).toMatchObject({ given: ['bob'], eligible: ['cyd'] });
    expect(missingApprovals({ ...waiting, plan: null, acceptances }, CRITICAL, trust).given).toEqual([]);
  });

  it('names who rejected the current plan', () => {
    const rejection = { ...byCyd, decision: 'reject' as const };
    expect(tally([byBob, rejection])).toMatchObject({ given: ['bob'], rejectedBy: 'cyd' });
    expect(tally([{ ...rejection, accepted: false }]).rejectedBy).toBeNull();
    expect(tally([{ ...rejection, planDigest: digestOf('before') }]).rejectedBy).toBeNull();
  });
});
