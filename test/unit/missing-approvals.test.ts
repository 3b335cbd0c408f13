import { describe, expect, it, test } from 'vitest';
import {
  type ApprovalNeeds,
  approvalNeeds,
  judgeOwners,
  missingApprovals,
  missingInWords,
} from '../../domain/approval/missing-approvals.ts';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import { verifyBundle } from '../../domain/evidence/verify-bundle.ts';
import { aSwitch, plannedDocuments } from '../support/document-plans.ts';
import { samplePlan, sampleRecord, sampleRequest, sampleTrust } from '../support/sample-change.ts';

const SWITCH = 'switch/trading';

/** Approvers by team, beside the author ada; a change of the class critical. */
function trustWith(
  approvers: Record<string, string[]>,
  rule: { people: number; teams: number },
): TrustDocument {
  const trust = sampleTrust();
  const [ada] = trust.people;
  if (!ada) throw new Error('the sample has an author');
  const people = Object.entries(approvers).map(([subject, teams]) => ({
    ...ada,
    subject,
    teams,
    roles: ['approver' as const],
  }));
  const approvals = { ...trust.policy.approvals, critical: { ...rule, secondFactor: false } };
  return { ...trust, people: [ada, ...people], policy: { ...trust.policy, approvals } };
}

function tally(trust: TrustDocument, given: string[], ownership: ApprovalNeeds['ownership'] = []) {
  const record = sampleRecord();
  const [sample] = record.acceptances;
  if (!sample) throw new Error('the sample has acceptances');
  const acceptances = given.map((approver, i) => ({ ...sample, approver, nonce: approver, index: 6 + i }));
  return missingApprovals({ ...record, acceptances }, { class: 'critical', ownership }, trust);
}

const words = (...args: Parameters<typeof tally>) =>
  tally(...args).missing.map(({ what, who }) => `${what}: ${who.map(({ subject }) => subject).join(', ')}`);

describe('who is still needed', () => {
  const approvers = { bob: ['payments'], cyd: ['payments'], eva: ['reliability'] };

  it('is named, with their teams', () => {
    const trust = trustWith(approvers, { people: 2, teams: 2 });
    expect(words(trust, [])).toEqual([
      '2 more approvals: bob, cyd, eva',
      '2 of other teams (payments, reliability): bob, cyd, eva',
    ]);
    expect(words(trust, ['bob'])).toEqual(['1 more approval: cyd, eva', 'one of team reliability: eva']);
    expect(words(trust, ['bob', 'cyd'])).toEqual(['one of team reliability: eva']);
    expect(words(trust, ['bob', 'eva'])).toEqual([]);
    expect(tally(trust, ['bob', 'cyd']).missing[0]?.who).toEqual([
      { subject: 'eva', teams: ['reliability'] },
    ]);
    expect(missingInWords(tally(trust, ['bob']).missing)).toBe('1 more approval; one of team reliability');
  });

  test.each<[string, Record<string, string[]>, number, string[], boolean]>([
    ['two of one team are one team', { bob: ['a'], cyd: ['a'] }, 2, ['bob', 'cyd'], false],
    ['one person in two teams is one', { bob: ['a', 'b'], cyd: ['a'] }, 2, ['bob'], false],
    ['with another of either they are two', { bob: ['a', 'b'], cyd: ['a'] }, 2, ['bob', 'cyd'], true],
    [
      'who stands for a team may make place',
      { bob: ['a', 'b'], cyd: ['a'], eva: ['b', 'c'] },
      3,
      ['bob', 'cyd', 'eva'],
      true,
    ],
    [
      'three teams of one person are not three',
      { bob: ['a', 'b', 'c'], cyd: ['a'], eva: ['a'] },
      3,
      ['bob', 'cyd', 'eva'],
      false,
    ],
  ])('%s', (_, people, teams, given, enough) => {
    expect(tally(trustWith(people, { people: 1, teams }), given).missing.length === 0).toBe(enough);
  });

  it('includes an owner of each resource that names one, as a person or as a team', () => {
    const trust = trustWith(approvers, { people: 1, teams: 1 });
    const owned = (...owners: string[]) => [{ resource: SWITCH, owners }];
    expect(words(trust, ['bob'], owned('reliability'))).toEqual([`an owner of ${SWITCH} (reliability): eva`]);
    expect(words(trust, ['eva'], owned('reliability'))).toEqual([]);
    expect(words(trust, ['bob'], owned('bob'))).toEqual([]);
    const two = [...owned('reliability'), { resource: 'switch/search', owners: ['payments'] }];
    expect(words(trust, ['eva'], two)).toEqual(['an owner of switch/search (payments): bob, cyd']);
  });
});

describe('a plan', () => {
  const live = { [SWITCH]: aSwitch({ owner: 'payments' }) };
  const planOf = (body: object) =>
    plannedDocuments({ live, operations: [{ set: SWITCH, body: aSwitch(body) }] });

  it('belongs to the owners who are live: naming another takes their consent', () => {
    expect(approvalNeeds(planOf({ owner: 'mallory', reason: 'mine now' })).ownership).toMatchObject([
      { resource: SWITCH, owners: ['payments'] },
    ]);
    const fresh = plannedDocuments({ operations: [{ set: SWITCH, body: aSwitch({ owner: 'risk' }) }] });
    expect(approvalNeeds(fresh).ownership).toMatchObject([{ owners: ['risk'] }]);
  });

  it('that only stops something waits for no owner', () => {
    const engage = planOf({ owner: 'payments', engaged: true });
    expect([engage.risk.class, approvalNeeds(engage).ownership]).toEqual(['brake', []]);
  });

  it('is refused where no owner could ever approve it', () => {
    const plan = planOf({ owner: 'payments', reason: 'an edit' });
    expect(judgeOwners(plan, 'ada', trustWith({ bob: ['payments'] }, { people: 1, teams: 1 }))).toEqual([]);
    const alone = judgeOwners(plan, 'ada', trustWith({ bob: ['risk'] }, { people: 1, teams: 1 }));
    expect(alone).toMatchObject([
      { rule: 'owner-can-approve', message: expect.stringContaining('no approver but ada') },
    ]);
  });
});

describe('the bundle', () => {
  const request = sampleRequest();
  const plan = samplePlan(request);
  const of = (trust: TrustDocument) =>
    verifyBundle({
      ...{
        change: sampleRecord(plan),
        request,
        requestDigest: digestOf(request),
        plan,
        planDigest: digestOf(plan),
      },
      ...{ trust, intentIndex: 11, ended: false },
    });

  it('of too few teams is not whole, without any policy engine', () => {
    const trust = sampleTrust();
    expect(of(trust)).toEqual([]);
    const critical = { people: 2, teams: 2, secondFactor: false };
    const strict = {
      ...trust,
      policy: { ...trust.policy, approvals: { ...trust.policy.approvals, critical } },
    };
    expect(of(strict)).toMatchObject([
      { rule: 'approvals', message: expect.stringContaining('other teams') },
    ]);
  });
});
