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

  const spare = record('old', 'A', ['192.0.2.9']);
  const note = record('www', 'TXT', ['"a note"']);
  it.each<[string, Parameters<typeof requestOf>[0], string]>([
    ['a CNAME beside other data', [set('api', 'CNAME', ['www.example.com'])], 'cname-alone'],
    ['a record that is none', [set('api', 'A', ['nonsense'])], 'record-syntax'],
    ['nothing to change', [set('api', 'A', ['192.0.2.1'])], 'nothing-to-change'],
    ['a reference to nothing', [set('ref', 'CNAME', ['nowhere.example.com'])], 'reference-answers'],
    [
      'a reference to nothing, beside a removal',
      [set('ref', 'CNAME', ['nowhere.example.com']), remove('old', 'A')],
      'reference-answers',
    ],
    [
      'a reference to nothing, beside a removal at its own name',
      [set('www', 'CNAME', ['nowhere.example.com']), remove('www', 'TXT')],
      'reference-answers',
    ],
    [
      'a reference to a name that loses no address',
      [set('ref', 'CNAME', ['www.example.com']), remove('www', 'TXT')],
      'reference-answers',
    ],
  ])('of %s stands refused whatever is named', (_, operations, rule) => {
    const around = zoneOf([record('api', 'A', ['192.0.2.1']), spare, note, ...bystanders(12)]);
    const everyName = [API, 'dns/example.com/old/A', 'dns/example.com/www/TXT'];
    expect(rules(planned({ zone: around, operations }), OVERRIDABLE_GUARDS, everyName)).toContain(rule);
  });

  it('may leave what points to a record set that goes, if that is named, and nothing else that points nowhere', () => {
    const referred = zoneOf([
      record('api', 'A', ['192.0.2.1']),
      record('www', 'CNAME', ['api.example.com']),
      record('@', 'MX', ['10 api.example.com']),
      spare,
      ...bystanders(12),
    ]);
    const operations = [remove('api', 'A'), set('ref', 'CNAME', ['nowhere.example.com']), remove('old', 'A')];
    const of = planned({ zone: referred, operations });
    const old = 'dns/example.com/old/A';
    expect(rules(of, OVERRIDABLE_GUARDS, [API, old])).toEqual(['reference-answers']);
    expect(rules(of, OVERRIDABLE_GUARDS, [old])).toEqual([
      ...['reference-answers', 'reference-answers', 'reference-answers', 'emptying-named'],
    ]);
    const alone = planned({ zone: referred, operations: [remove('api', 'A')] });
    expect(rules(alone, OVERRIDABLE_GUARDS, [API])).toEqual([]);
  });

  it('that empties a record set must say so for it: no guard stands for that', () => {
    const of = planned({ operations: [remove('api', 'A')] });
    expect(rules(of, OVERRIDABLE_GUARDS)).toEqual(['emptying-named']);
    expect(rules(of, OVERRIDABLE_GUARDS, ['dns/example.com/web/A'])).toEqual(['emptying-named']);
    expect(rules(of, OVERRIDABLE_GUARDS, [API])).toEqual([]);
  });
});
