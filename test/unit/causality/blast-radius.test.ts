import { describe, expect, test } from 'vitest';
import {
  affectedServices,
  blastRadius,
  longestPath,
  recoverySeconds,
} from '../../../domain/causality/blast-radius.ts';

/** Who needs what is on the left. */
const dependents = new Map([
  ['schema/timeouts', ['config/checkout/timeouts', 'config/payments/timeouts']],
  ['config/payments/timeouts', ['config/checkout/timeouts', 'switch/trading']],
  ['switch/trading', ['config/risk/limits']],
]);

describe('blast radius', () => {
  test('is everything reachable backwards, without the resources themselves', () => {
    expect(blastRadius(['schema/timeouts'], dependents)).toEqual([
      'config/checkout/timeouts',
      'config/payments/timeouts',
      'config/risk/limits',
      'switch/trading',
    ]);
    expect(blastRadius(['switch/trading', 'config/payments/timeouts'], dependents)).toEqual([
      'config/checkout/timeouts',
      'config/risk/limits',
    ]);
    expect(blastRadius(['config/risk/limits', 'switch/new'], dependents)).toEqual([]);
  });

  test('ends where the dependencies go in a circle', () => {
    const circle = new Map([
      ['a/a', ['b/b']],
      ['b/b', ['a/a']],
    ]);
    expect(blastRadius(['a/a'], circle)).toEqual(['b/b']);
    expect(longestPath(['a/a'], circle)).toEqual(['a/a', 'b/b']);
  });
});

describe('the longest path', () => {
  test('starts at a resource that changes and goes from dependent to dependent', () => {
    expect(longestPath(['schema/timeouts'], dependents)).toEqual([
      'schema/timeouts',
      'config/payments/timeouts',
      'switch/trading',
      'config/risk/limits',
    ]);
    expect(longestPath(['switch/trading', 'schema/timeouts'], dependents)).toHaveLength(4);
    expect(longestPath(['switch/alone'], dependents)).toEqual(['switch/alone']);
    expect(longestPath([], dependents)).toEqual([]);
  });

  test('is the first by name where several are as long', () => {
    expect(longestPath(['b/b', 'a/a'], new Map())).toEqual(['a/a']);
  });

  test('does not recurse', () => {
    const chain = new Map(Array.from({ length: 20_000 }, (_, i) => [`n/${i}`, [`n/${i + 1}`]]));
    expect(longestPath(['n/0'], chain)).toHaveLength(20_001);
  });
});

test('affected services are those that own configuration; layers are no services', () => {
  const resources = [
    'config/payments/a',
    'config/checkout/a',
    'config/payments/b',
    'config/_global/a',
    'switch/x',
  ];
  expect(affectedServices(resources)).toEqual(['checkout', 'payments']);
});

test('recovery takes one bake, where there is one, and the time for which readers keep what they have', () => {
  const stages = [{ baked: true }, { baked: true }, { baked: false }];
  expect(recoverySeconds({ stages, bakeMs: 60_000, ttlSeconds: 5 })).toBe(65);
  expect(recoverySeconds({ stages, bakeMs: 1, ttlSeconds: 0 })).toBe(1);
  expect(recoverySeconds({ stages: [{ baked: false }], bakeMs: 60_000, ttlSeconds: 5 })).toBe(5);
});
