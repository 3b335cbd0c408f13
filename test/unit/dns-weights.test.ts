import { describe, expect, it } from 'vitest';
import { armOf, liveTargets, stageArms } from '../../domain/kinds/dns-weights.ts';
import { record } from '../support/dns-plans.ts';

const v1 = [record('api', 'A', ['192.0.2.1'], { ttlSeconds: 300 })];
const v2 = [record('api', 'A', ['192.0.2.2'], { ttlSeconds: 60 })];
const pair = [
  record('api', 'A', ['192.0.2.3'], { setIdentifier: 'a', weight: 3 }),
  record('api', 'A', ['192.0.2.4'], { setIdentifier: 'b', weight: 1 }),
];

function weights(base: typeof v1, final: typeof v1, percent: number) {
  return stageArms(base, final, percent)?.map((one) => [one.setIdentifier, one.weight]) ?? null;
}

describe('stageArms', () => {
  it.each([1, 10, 50, 99])('two simple sets at %i %%: weights read as percent', (percent) => {
    expect(weights(v1, v2, percent)).toEqual([
      ['canary', percent],
      ['stable', 100 - percent],
    ]);
  });

  it('keeps the stable arm at 100 %, with weight 0', () => {
    expect(weights(v1, v2, 100)).toEqual([
      ['canary', 100],
      ['stable', 0],
    ]);
  });

  it('keeps the ratio within each arm', () => {
    expect(weights(pair, v2, 50)).toEqual([
      ['canary', 4],
      ['stable.a', 3],
      ['stable.b', 1],
    ]);
    expect(weights(v1, pair, 20)).toEqual([
      ['canary.a', 15],
      ['canary.b', 5],
      ['stable', 80],
    ]);
  });

  it('refuses what integers up to 255 cannot express, and never rounds', () => {
    expect(weights(pair, v2, 1)).toBeNull();
    expect(weights(pair, v2, 4)).toEqual([
      ['canary', 4],
      ['stable.a', 72],
      ['stable.b', 24],
    ]);
    const zero = pair.map((one) => ({ ...one, weight: 0 }));
    expect(weights(zero, v2, 50)).toBeNull();
    expect(weights(v1, zero, 50)).toBeNull();
  });

  it('uses the smaller TTL in both arms', () => {
    expect(stageArms(v1, v2, 10)?.map((one) => one.ttlSeconds)).toEqual([60, 60]);
  });
});

it('armOf reads the arm of an identifier', () => {
  expect(
    ['stable', 'canary', 'stable.a', 'canary.b', 'stables', 'a', ''].map((id) =>
      armOf({ setIdentifier: id }),
    ),
  ).toEqual(['stable', 'canary', 'stable', 'canary', null, null, null]);
  expect(armOf({})).toBeNull();
});

it('liveTargets leaves out what has no weight', () => {
  expect([
    ...liveTargets([...v1, { ...record('api', 'A', ['192.0.2.9']), setIdentifier: 'x', weight: 0 }]),
  ]).toEqual(['192.0.2.1']);
});
