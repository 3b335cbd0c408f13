import { describe, expect, test } from 'vitest';
import { examine } from '../../../client/doctor/examine.ts';
import type { BucketReading, Surroundings } from '../../../client/doctor/surroundings.ts';
import { DomainError, PortError } from '../../../domain/errors.ts';
import { emptyLogState } from '../../../domain/log/state.ts';
import { signedTrust } from '../../support/sample-log.ts';

const NOW_MS = Date.parse('2026-01-01T00:00:00.000Z');
const DAY_MS = 24 * 60 * 60_000;
const BUCKET: BucketReading = {
  // In the middle of the second that an HTTP date stands for.
  dateMs: NOW_MS - 500,
  versioning: true,
  objectLock: true,
  refusesOverwrites: true,
  refusesDeletes: true,
};

function surroundings(change: Partial<Surroundings> = {}): Surroundings {
  return {
    nowMs: () => NOW_MS,
    trust: async () => signedTrust(),
    keys: async () => [{ subject: 'ada', keyId: 'sha256:1', roles: ['author'], fileMode: 0o600 }],
    bucket: async () => BUCKET,
    log: async () => ({ ...emptyLogState('prod', signedTrust()), size: 10 }),
    checkpoint: async () => ({ size: 10 }),
    fence: async () => '9',
    pollers: async (queue) => [{ identity: `${queue}@1 0.1.0+aaa`, lastSeenMs: NOW_MS - 1000 }],
    ...change,
  };
}

const expiringIn = (ms: number) => async () => {
  const trust = signedTrust();
  return { ...trust, root: { ...trust.root, expiresAt: new Date(NOW_MS + ms).toISOString() } };
};
const keyOf = (change: object) => async () => [
  { subject: 'ada', keyId: 'sha256:1', roles: ['author'], fileMode: 0o600, ...change },
];
const down = async (): Promise<never> => {
  throw new PortError('STORE_UNAVAILABLE', 'The store is down.', { next: 'Start it.' });
};

test('finds all well where all is well', async () => {
  const findings = await examine(surroundings());
  expect(findings.filter(({ state }) => state !== 'well')).toEqual([]);
  expect(new Set(findings.map(({ check }) => check))).toEqual(
    new Set(['trust', 'keys', 'clock', 'bucket', 'log', 'checkpoint', 'zones', 'engine', 'workers']),
  );
});

describe('finds, and says what to do', () => {
  test.each<[string, Partial<Surroundings>, string[]]>([
    ['an expired trust document', { trust: expiringIn(0) }, ['trust wrong']],
    ['one that expires soon', { trust: expiringIn(29 * DAY_MS) }, ['trust note']],
    [
      'one that is not the pinned one',
      {
        trust: async () => {
          throw new DomainError('DIGEST_MISMATCH', 'Another digest.', { next: 'Get it again.' });
        },
      },
      ['trust wrong', 'zones wrong', 'workers wrong'],
    ],
    ['a key that others can read', { keys: keyOf({ fileMode: 0o640 }) }, ['keys wrong']],
    ['a key that is not enrolled', { keys: keyOf({ roles: [] }) }, ['keys note']],
    ['nobody here', { keys: async () => [] }, ['keys note']],
    [
      'a clock that is 31 s ahead',
      { bucket: async () => ({ ...BUCKET, dateMs: NOW_MS - 31_500 }) },
      ['clock wrong'],
    ],
    [
      'a clock that is 31 s behind',
      { bucket: async () => ({ ...BUCKET, dateMs: NOW_MS + 30_500 }) },
      ['clock wrong'],
    ],
    [
      'a bucket that forgets',
      { bucket: async () => ({ ...BUCKET, versioning: false, objectLock: false }) },
      ['bucket wrong', 'bucket wrong'],
    ],
    [
      'a bucket whose policy was taken away',
      { bucket: async () => ({ ...BUCKET, refusesOverwrites: false, refusesDeletes: null }) },
      ['bucket wrong', 'bucket unknown'],
    ],
    [
      'the store down',
      { bucket: down, log: down, checkpoint: down },
      ['bucket missing', 'log missing', 'checkpoint missing'],
    ],
    ['no checkpoint', { checkpoint: async () => null }, ['checkpoint missing']],
    [
      'a checkpoint that stays behind',
      { log: async () => ({ ...emptyLogState('prod', signedTrust()), size: 200 }) },
      ['checkpoint wrong'],
    ],
    [
      'the engine down',
      {
        pollers: async () => {
          throw new PortError('ENGINE_UNAVAILABLE', 'Temporal is down.', { next: 'Start it.' });
        },
      },
      ['engine missing'],
    ],
    [
      'a role without a worker, and one whose worker is gone',
      {
        pollers: async (queue) =>
          queue === 'enactor'
            ? []
            : [
                {
                  identity: `${queue}@1 0.1.0+aaa`,
                  lastSeenMs: queue === 'analysis' ? NOW_MS - 90_001 : NOW_MS,
                },
              ],
      },
      ['workers missing', 'workers missing'],
    ],
    [
      'two builds at work',
      {
        pollers: async (queue) => [
          { identity: `${queue}@1 0.1.0+${queue === 'enactor' ? 'bbb' : 'aaa'}`, lastSeenMs: NOW_MS },
        ],
      },
      ['workers note'],
    ],
  ])('%s', async (_, change, expected) => {
    const bad = (await examine(surroundings(change))).filter(({ state }) => state !== 'well');
    expect(bad.map(({ check, state }) => `${check} ${state}`)).toEqual(expected);
    for (const { next } of bad) expect(next).toBeTruthy();
  });
});
