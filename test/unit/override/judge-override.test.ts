import { describe, expect, it } from 'vitest';
import type { MfaPredicate, OverridePredicate } from '../../../domain/evidence/statements.ts';
import { judgeOverride, type OverrideFacts } from '../../../domain/override/judge-override.ts';
import { AT, ENVIRONMENT, GLASS, PLAN, SAMPLES, signedTrust, signerOf } from '../../support/sample-log.ts';

const trust = signedTrust();
const keyOf = (holder: string) => signerOf(holder).keyId;

const factorOf = (person: string, change: Partial<MfaPredicate> = {}, holder = 'factor-verifier') => ({
  said: { ...SAMPLES.mfa, changeId: GLASS, person, nonce: 'override-1', ...change },
  keyIds: [keyOf(holder)],
});

function judge(said: Partial<OverridePredicate> = {}, facts: Partial<OverrideFacts> = {}): string[] {
  return judgeOverride(
    { ...SAMPLES.override, ...said },
    {
      environment: ENVIRONMENT,
      people: trust.people,
      services: trust.services,
      keyIds: [keyOf('bob'), keyOf('cyd')],
      factors: [factorOf('bob'), factorOf('cyd')],
      planDigest: PLAN,
      effect: {},
      used: false,
      nowMs: Date.parse(AT),
      ...facts,
    },
  ).map(({ code, rule }) => `${code} ${rule}`);
}

describe('judgeOverride', () => {
  it('accepts what two approvers signed, each with a second factor; one of them may have asked for it', () => {
    expect(judge()).toEqual([]);
    expect(judge({ author: 'dan' })).toEqual([]);
  });

  it.each<[string, Partial<OverridePredicate>, Partial<OverrideFacts>, string[]]>([
    ['one person twice', { approvers: ['bob', 'bob'] }, {}, ['NOT_PERMITTED two-people']],
    [
      'the author alone',
      { approvers: ['bob', 'cyd'] },
      { keyIds: [keyOf('bob')] },
      ['SIGNATURE_INVALID own-key'],
    ],
    [
      'somebody who is no approver',
      { approvers: ['bob', 'olga'] },
      { keyIds: [keyOf('bob'), keyOf('olga')], factors: [factorOf('bob'), factorOf('olga')] },
      ['NOT_PERMITTED approver-role', 'NOT_PERMITTED second-factor-enrolled'],
    ],
    ['one second factor for both', {}, { factors: [factorOf('bob')] }, ['NOT_PERMITTED second-factor']],
    [
      'a second factor that was given for an approval',
      {},
      { factors: [factorOf('bob'), factorOf('cyd', { nonce: 'approval-1' })] },
      ['NOT_PERMITTED second-factor-audience'],
    ],
    [
      'a second factor that nobody verified',
      {},
      { factors: [factorOf('bob'), factorOf('cyd', {}, 'cyd')] },
      ['SIGNATURE_INVALID second-factor-signed'],
    ],
    ['another plan', {}, { planDigest: 'sha256:other' }, ['STALE_BASE same-plan']],
    [
      'another environment',
      { environment: 'dev' },
      {},
      [
        'NOT_PERMITTED audience',
        'NOT_PERMITTED second-factor-audience',
        'NOT_PERMITTED second-factor-audience',
      ],
    ],
    ['a token that was used', {}, { used: true }, ['NONCE_REPLAYED single-use']],
    [
      'an expired token',
      { issuedAt: '2025-12-31T23:44:00.000Z', expiresAt: '2025-12-31T23:59:00.000Z' },
      {},
      ['APPROVAL_EXPIRED not-expired'],
    ],
    ['a token of an hour', { expiresAt: '2026-01-01T01:00:00.000Z' }, {}, ['NOT_PERMITTED lifetime']],
    ['a guard named twice', { guards: ['quorum', 'quorum'] }, {}, ['SCHEMA_INVALID named-once']],
  ])('refuses %s', (_, said, facts, reasons) => {
    expect(judge(said, facts)).toEqual(reasons);
  });

  it('says everything at once', () => {
    const facts = { keyIds: [], factors: [], planDigest: 'sha256:other', used: true };
    expect(judge({ approvers: ['bob', 'bob'] }, facts)).toEqual([
      'NOT_PERMITTED two-people',
      'SIGNATURE_INVALID own-key',
      'NOT_PERMITTED second-factor',
      'STALE_BASE same-plan',
      'NONCE_REPLAYED single-use',
    ]);
  });
});
