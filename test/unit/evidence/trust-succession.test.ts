import { expect, test } from 'vitest';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import { trustChanges } from '../../../domain/evidence/trust-changes.ts';
import { holdersWho, judgeExpiry, judgeSuccession } from '../../../domain/evidence/trust-succession.ts';
import { ENVIRONMENT, signedTrust, trustedKeys } from '../../support/sample-log.ts';
import { FIRST, nextOf, rootOf } from '../../support/trust-update.ts';

const EXPIRY_MS = Date.parse(FIRST.root.expiresAt);

test('a document is good until the instant at which it expires, and not from it on', () => {
  expect(judgeExpiry(FIRST, EXPIRY_MS - 1)).toEqual([]);
  expect(judgeExpiry(FIRST, EXPIRY_MS)).toMatchObject([{ code: 'TRUST_EXPIRED', rule: 'trust-in-date' }]);
});

test('everything that is wrong with an update is said at once', () => {
  const document = nextOf(FIRST, {
    version: 9,
    environment: 'staging',
    people: [...FIRST.people, ...FIRST.people],
    transparency: signedTrust('staging').transparency,
    root: rootOf(['gus'], 1),
  });
  const next = { environment: ENVIRONMENT, previousDigest: digestOf('another'), document };
  const rules = judgeSuccession(FIRST, next, []).map(({ rule }) => rule);
  expect([...new Set(rules)]).toEqual([
    'next-version',
    'replaces-the-one-in-force',
    'audience',
    'sensible',
    'same-log',
    'previous-root',
    'own-root',
  ]);
});

test('two keys of one holder are one holder, and who could still sign is named', () => {
  const of = (...seeds: string[]) =>
    trustedKeys(...seeds.map((seed) => `root-${seed}`)).map(({ keyId }) => keyId);
  expect(holdersWho(FIRST.root, of('dora', 'dora-2'))).toEqual({
    signed: ['dora'],
    missing: ['erin', 'finn'],
  });
  expect(holdersWho(FIRST.root, of('eve', 'finn'))).toEqual({ signed: ['finn'], missing: ['dora', 'erin'] });
});

test('what an update changes is told by name', () => {
  const next = nextOf(FIRST, {
    people: FIRST.people
      .filter(({ subject }) => subject !== 'olga')
      .map((person) => (person.subject === 'bob' ? { ...person, roles: ['operator' as const] } : person)),
    services: FIRST.services.map((one) =>
      one.name === 'enactor' ? { ...one, keys: trustedKeys('enactor-2') } : one,
    ),
    root: { ...FIRST.root, threshold: 1 },
    policy: { ...FIRST.policy, votes: { ...FIRST.policy.votes, critical: 1 } },
  });
  const [old, fresh, olga] = trustedKeys('enactor', 'enactor-2', 'olga').map(({ keyId }) => keyId);
  expect(trustChanges(FIRST, next)).toEqual([
    expect.stringMatching(/^~ person bob, roles: \[.*"approver".*\] → \["operator"\]$/),
    '- person olga',
    `- key of person olga: ${olga}`,
    `- key of service enactor: ${old}`,
    `+ key of service enactor: ${fresh}`,
    '~ policy.votes.critical: 3 → 1',
    '~ root.threshold: 2 → 1',
  ]);
  expect(trustChanges(FIRST, nextOf(FIRST))).toEqual([]);
});
