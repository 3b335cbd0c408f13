import fc from 'fast-check';
import { expect, test } from 'vitest';
import { advance, compare, merge, type VectorClock } from '../../domain/causality/vector-clock.ts';

/** `constructor` is a component that every object seems to have. */
const component = fc.constantFrom('prod', 'prod/us-east-1', 'staging', 'constructor');
const clock: fc.Arbitrary<VectorClock> = fc.dictionary(component, fc.nat(3), { noNullPrototype: true });
const isUpTo = (a: VectorClock, b: VectorClock) => ['before', 'equal'].includes(compare(a, b));

test('before is a partial order: reflexive, antisymmetric, transitive', () => {
  fc.assert(
    fc.property(clock, clock, clock, (a, b, c) => {
      expect(compare(a, a)).toBe('equal');
      const mirror = { before: 'after', after: 'before', equal: 'equal', concurrent: 'concurrent' };
      expect(compare(b, a)).toBe(mirror[compare(a, b)]);
      if (isUpTo(a, b) && isUpTo(b, c)) expect(isUpTo(a, c)).toBe(true);
    }),
    { numRuns: 2000 },
  );
});

test('an absent component is 0', () => {
  fc.assert(
    fc.property(clock, component, (a, absent) => {
      const { [absent]: _, ...rest } = a;
      expect(compare(rest, { ...rest, [absent]: 0 })).toBe('equal');
    }),
  );
});

test('merge is the least clock above both', () => {
  fc.assert(
    fc.property(clock, clock, clock, (a, b, c) => {
      const both = merge(a, b);
      expect(isUpTo(a, both) && isUpTo(b, both)).toBe(true);
      if (isUpTo(a, c) && isUpTo(b, c)) expect(isUpTo(both, c)).toBe(true);
      expect(compare(both, merge(b, a))).toBe('equal');
    }),
    { numRuns: 1000 },
  );
});

test('a commit is after all that it has seen, and beside a commit that has not seen it', () => {
  fc.assert(
    fc.property(clock, component, component, (a, one, other) => {
      expect(compare(a, advance(a, one))).toBe('before');
      if (one !== other) expect(compare(advance(a, one), advance(a, other))).toBe('concurrent');
    }),
  );
});
