import { describe, expect, it } from 'vitest';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import { emptyLogState, type LogState } from '../../../domain/log/state.ts';
import { OVERRIDABLE_GUARDS, type OverridableGuard } from '../../../domain/override/guards.ts';
import { planOverride, standingAgainst } from '../../../domain/override/judge-guards.ts';
import {
  bystanders,
  NOW_MS,
  POLICY,
  record,
  remove,
  requestOf,
  set,
  zoneOf,
} from '../../support/dns-plans.ts';
import { signedTrust } from '../../support/sample-log.ts';

const API = 'dns/example.com/api/A';
const zone = zoneOf([record('api', 'A', ['192.0.2.1']), ...bystanders(12)]);
const operations = [set('api', 'A', ['192.0.2.2'])];
const trust = { ...signedTrust(), policy: POLICY };
const ALWAYS: OverridableGuard[] = ['quorum', 'witness'];

function planned(
  input: Partial<Parameters<typeof planOverride>[0]> & { operations?: Parameters<typeof requestOf>[0] } = {},
) {
  const request = requestOf(input.operations ?? operations);
  return planOverride({
    ...{ changeId: 'chg-1', environment: 'prod', request, requestDigest: digestOf(request) },
    ...{ zone, trust, state: emptyLogState('prod', trust), nowMs: NOW_MS },
    ...input,
  });
}

const rules = (
  of: ReturnType<typeof planned>,
  guards: readonly OverridableGuard[],
  emptying: string[] = [],
) => standingAgainst(of, { guards: [...guards], emptying }).map(({ rule }) => rule);

const stateWith = (change: Partial<LogState>) => ({ state: { ...emptyLogState('prod', trust), ...change } });

describe('an override', () => {
  it('is one batch to the end and one back, and must name what it skips', () => {
    const { plan } = planned();
    expect(plan?.stages).toMatchObject([{ name: 'final', percent: 100, baked: false }]);
    expect(plan?.stages[0]?.changes).toHaveLength(2);
    expect(rules(planned(), [])).toEqual([
      'never-all-targets',
      'guard-quorum',
      'guard-witness',
      'guard-canary',
    ]);
    expect(rules(planned(), [...ALWAYS, 'canary'])).toEqual([]);
  });

  it.each<[OverridableGuard, Parameters<typeof planned>[0]]>([
    [
      'freeze',
      stateWith({
        automation: [
          {
            resumptions: [],
            state: 'frozen',
            scope: null,
            operator: 'olga',
            reason: 'x',
            at: '2026-01-01T00:00:00.000Z',
            index: 1,
          },
        ],
      }),
    ],
    ['reservation', stateWith({ reservations: { [API]: 'chg-2' } })],
    [
      'limits',
      stateWith({
        recentCommits: [
          {
            at: new Date(NOW_MS).toISOString(),
            zone: 'example.com',
            resources: ['a', 'b', 'c', 'd', 'e'].map((label) => `dns/example.com/${label}/A`),
          },
        ],
      }),
    ],
  ])('passes over %s only by that name', (guard, input) => {
    const of = planned(input);
    const others = OVERRIDABLE_GUARDS.filter((one) => one !== guard);
    expect(rules(of, others)).toHaveLength(1);
    expect(rules(of, OVERRIDABLE_GUARDS)).toEqual([]);
  });

  it('without the log must name all that nobody can ask: unreadable never passes', () => {
    const of = planned({ state: null });
    expect(rules(of, [...ALWAYS, 'canary'])).toEqual([
      'guard-log',
      'guard-freeze',
      'guard-reservation',
      'guard-causality',
      'guard-limits',
    ]);
    expect(rules(of, OVERRIDABLE_GUARDS)).toEqual([]);
  });

  it.each<[string, Parameters<typeof requestOf>[0], string]>([
    ['a CNAME beside other data', [set('api', 'CNAME', ['www.example.com'])], 'cname-alone'],
    ['a record that is none', [set('api', 'A', ['nonsense'])], 'record-syntax'],
    ['nothing to change', [set('api', 'A', ['192.0.2.1'])], 'nothing-to-change'],
  ])('of %s stands refused whatever is named', (_, operations, rule) => {
    expect(rules(planned({ operations }), OVERRIDABLE_GUARDS, [API])).toContain(rule);
  });

  it('that empties a record set must say so for it: no guard stands for that', () => {
    const of = planned({ operations: [remove('api', 'A')] });
    expect(rules(of, OVERRIDABLE_GUARDS)).toEqual(['emptying-named']);
    expect(rules(of, OVERRIDABLE_GUARDS, ['dns/example.com/web/A'])).toEqual(['emptying-named']);
    expect(rules(of, OVERRIDABLE_GUARDS, [API])).toEqual([]);
  });
});
