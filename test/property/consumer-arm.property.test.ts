import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { armFor } from '../../domain/canary/consumer-arm.ts';

const name = fc.string({ minLength: 1, maxLength: 30 });
const zone = fc.constantFrom('a', 'b', 'c', 'd');
const zones = fc.uniqueArray(zone);
const percent = fc.integer({ min: 0, max: 100 });
const consumer = fc.record({ instanceId: name, zone });

describe('the arm of a consumer', () => {
  it('is kept while the share grows', () => {
    fc.assert(
      fc.property(consumer, name, percent, percent, (who, changeId, one, other) => {
        const arms = [Math.min(one, other), Math.max(one, other)].map((share) =>
          armFor(who, { changeId, percent: share, zones: [] }),
        );
        expect(arms).not.toEqual(['canary', 'stable']);
      }),
    );
  });

  it('is kept while zones are added, up to everybody', () => {
    fc.assert(
      fc.property(consumer, name, zones, zones, (who, changeId, first, more) => {
        if (armFor(who, { changeId, percent: 30, zones: first }) === 'stable') return;
        const grown = [...new Set([...first, ...more])];
        expect(armFor(who, { changeId, percent: 60, zones: first.length > 0 ? grown : [] })).toBe('canary');
        expect(armFor(who, { changeId, percent: 100, zones: grown })).toBe('canary');
      }),
    );
  });

  it('is stable for all at 0 % and the canary for all at 100 %', () => {
    fc.assert(
      fc.property(consumer, name, (who, changeId) => {
        expect(armFor(who, { changeId, percent: 0, zones: [] })).toBe('stable');
        expect(armFor(who, { changeId, percent: 100, zones: [] })).toBe('canary');
      }),
    );
  });

  it('is decided by the zones alone where zones are listed', () => {
    fc.assert(
      fc.property(consumer, name, fc.uniqueArray(zone, { minLength: 1 }), (who, changeId, listed) => {
        const arm = armFor(who, { changeId, percent: 99, zones: listed });
        expect(arm).toBe(listed.includes(who.zone) ? 'canary' : 'stable');
      }),
    );
  });

  it('falls to the canary in the share that is asked for, independently from change to change', () => {
    const COUNT = 10_000;
    const onCanary = (changeId: string, share: number) =>
      Array.from({ length: COUNT }, (_, i) => `pod-${i}`).filter(
        (instanceId) =>
          armFor({ instanceId, zone: 'a' }, { changeId, percent: share, zones: [] }) === 'canary',
      );
    for (const share of [1, 10, 50, 90]) {
      const expected = (COUNT * share) / 100;
      // Five standard deviations of the binomial distribution.
      const bound = 5 * Math.sqrt((expected * (100 - share)) / 100);
      expect(Math.abs(onCanary('chg-1', share).length - expected)).toBeLessThan(bound);
    }
    const [one, other] = [onCanary('chg-1', 10), new Set(onCanary('chg-2', 10))];
    const both = one.filter((instanceId) => other.has(instanceId)).length;
    expect(Math.abs(both - COUNT / 100)).toBeLessThan(5 * Math.sqrt(COUNT / 100));
  });

  it('never changes for a name that is known', () => {
    // Frozen: consumers of another build must come to the same arm.
    const arms = Array.from({ length: 12 }, (_, i) =>
      armFor({ instanceId: `pod-${i}`, zone: 'a' }, { changeId: 'chg-1', percent: 50, zones: [] }),
    );
    expect(arms.map((arm) => arm[0]).join('')).toBe('ssssscsccsss');
  });
});
