import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { FreezeScope } from '../../domain/evidence/statements.ts';
import { freezeOn, type Reach } from '../../domain/log/freeze-scope.ts';
import { type Automation, emptyLogState } from '../../domain/log/state.ts';
import { AT, ENVIRONMENT, signedTrust } from '../support/sample-log.ts';

const AZS = ['a', 'b', 'c'];
const RESOURCES = [
  'dns/example.com/api/A',
  'dns/example.org/web/A',
  'config/payments/timeouts',
  'switch/trading',
];

const scope: fc.Arbitrary<FreezeScope | null> = fc.oneof(
  fc.constant(null),
  fc.record({ zone: fc.constantFrom('example.com', 'example.org') }),
  fc.record({ az: fc.constantFrom(...AZS) }),
  fc.record({ resource: fc.constantFrom(...RESOURCES) }),
  fc.record({ kind: fc.constantFrom('dns', 'config', 'switch') }),
);

const reach: fc.Arbitrary<Reach> = fc.record({
  zone: fc.constantFrom(null, 'example.com', 'example.org'),
  azs: fc.option(fc.subarray(AZS, { minLength: 1 })),
  resources: fc.subarray(RESOURCES, { minLength: 1 }),
  engages: fc.boolean(),
});

const automation: fc.Arbitrary<Automation> = fc
  .tuple(scope, fc.constantFrom('active', 'frozen', 'resuming'), fc.nat(AZS.length))
  .map(([of, state, released]) => ({
    ...{ scope: of, state, operator: 'olga', reason: 'a property', at: AT, index: 0 },
    gradual: { order: AZS, watchMs: 0 },
    resumptions: AZS.slice(0, released).map((az, index) => ({
      ...{
        environment: ENVIRONMENT,
        freezeIndex: 0,
        az,
        verdict: 'pass' as const,
        reasons: [],
        at: AT,
        index,
      },
    })),
  }));

const trust = signedTrust();
const frozen = (all: Automation[], about: Reach) =>
  freezeOn({ ...emptyLogState(ENVIRONMENT, trust), automation: all }, about) !== undefined;

test('one more freeze never lets anything through', () => {
  fc.assert(
    fc.property(fc.array(automation), automation, reach, (all, one, about) => {
      if (frozen(all, about)) expect(frozen([...all, one], about)).toBe(true);
    }),
  );
});

test('what reaches more is never stopped less', () => {
  fc.assert(
    fc.property(fc.array(automation), reach, reach, (all, less, other) => {
      const more: Reach = {
        zone: less.zone,
        azs: less.azs === null || other.azs === null ? null : [...less.azs, ...other.azs],
        resources: [...less.resources, ...other.resources],
        engages: less.engages && other.engages,
      };
      if (frozen(all, less)) expect(frozen(all, more)).toBe(true);
    }),
  );
});

test('resuming lets through no more than active, and no less than frozen', () => {
  fc.assert(
    fc.property(automation, reach, (one, about) => {
      const [active, resuming, whole] = (['active', 'resuming', 'frozen'] as const).map((state) =>
        frozen([{ ...one, state }], about),
      );
      expect(active).toBe(false);
      if (resuming) expect(whole).toBe(true);
    }),
  );
});
