import { describe, expect, it } from 'vitest';
import { isAllowed } from '../../domain/change/probe-targets.ts';
import {
  liveVersion,
  plannedScene,
  planScene,
  record,
  remove,
  rulesOf,
  set,
  setWeighted,
  zoneOf,
} from '../support/dns-plans.ts';

const api = record('api', 'A', ['192.0.2.1'], { ttlSeconds: 300 });
const toV2 = set('api', 'A', ['192.0.2.2']);

describe('buildPlan', () => {
  it('moves new targets by weight and collapses to the declared form', () => {
    const plan = plannedScene({ zone: zoneOf([api]), operations: [toV2] });
    expect(plan.stages.map(({ name, percent, baked }) => [name, percent, baked])).toEqual([
      ['1%', 1, true],
      ['10%', 10, true],
      ['50%', 50, true],
      ['100%', 100, true],
      ['final', 100, false],
    ]);
    const [first, second] = plan.stages;
    const arm = (setIdentifier: string, weight: number, value: string) =>
      record('api', 'A', [value], { setIdentifier, weight, ttlSeconds: 60 });
    expect(first?.changes).toEqual([
      { action: 'DELETE', recordSet: api },
      { action: 'CREATE', recordSet: arm('canary', 1, '192.0.2.2') },
      { action: 'CREATE', recordSet: arm('stable', 99, '192.0.2.1') },
    ]);
    expect(
      second?.changes.map(({ action, recordSet }) => [action, recordSet.setIdentifier, recordSet.weight]),
    ).toEqual([
      ['DELETE', 'canary', 1],
      ['DELETE', 'stable', 99],
      ['CREATE', 'canary', 10],
      ['CREATE', 'stable', 90],
    ]);
    expect(second?.inverse.at(-1)).toEqual({ action: 'CREATE', recordSet: api });
    expect(plan.stages.at(-1)?.live).toEqual([record('api', 'A', ['192.0.2.2'])]);
  });

  it('bakes at least as long as the largest TTL of either arm', () => {
    const bakeMs = (bakeSeconds: number) =>
      plannedScene({ zone: zoneOf([api]), operations: [toV2], rollout: { bakeSeconds } }).rollout.bakeMs;
    expect(bakeMs(0)).toBe(300_000);
    expect(bakeMs(400.5)).toBe(400_500);
  });

  it('changes everything else in the one stage final', () => {
    const zone = zoneOf([api, record('api', 'TXT', ['"old"'])]);
    const operations = [set('api', 'A', ['192.0.2.1'], 30), set('api', 'TXT', ['new'])];
    const plan = plannedScene({ zone, operations, rollout: { probe: undefined } });
    expect(plan.stages.map(({ name, baked }) => [name, baked])).toEqual([['final', false]]);
    expect(planScene({ zone, operations, rollout: { probe: undefined } }).violations).toEqual([]);
  });

  it('makes before it breaks: creations come first, edits and removals last', () => {
    const zone = zoneOf([api, record('api', 'TXT', ['"old"']), record('gone', 'A', ['192.0.2.3'])]);
    const operations = [
      toV2,
      set('api', 'TXT', ['new']),
      remove('gone', 'A'),
      set('gone', 'CNAME', ['api.example.com']),
      set('fresh', 'A', ['192.0.2.4']),
    ];
    const plan = plannedScene({ zone, operations });
    const touched = plan.stages.map(({ changes }) =>
      changes
        .filter((one) => one.recordSet.weight === undefined)
        .map((one) => `${one.action} ${one.recordSet.name} ${one.recordSet.type}`),
    );
    expect(touched).toEqual([
      ['DELETE api.example.com A', 'CREATE fresh.example.com A'],
      [],
      [],
      [],
      [
        'DELETE api.example.com TXT',
        'DELETE gone.example.com A',
        'CREATE api.example.com A',
        'CREATE api.example.com TXT',
        'CREATE gone.example.com CNAME',
      ],
    ]);
  });

  it('asserts the causal facts of each resource, in the order of the operations', () => {
    const live = {
      'dns/example.com/api/A': liveVersion({ clock: 4 }),
      'config/payments': liveVersion({ clock: 9, changeId: 'chg-dep' }),
      'flag/other': liveVersion({ clock: 50 }),
    };
    const zone = zoneOf([api]);
    const operations = [set('new', 'A', ['192.0.2.9']), toV2];
    const plan = plannedScene({ zone, operations, live, dependsOn: ['config/payments', 'change/chg-dep'] });
    expect(plan.resources.map((one) => one.resource)).toEqual([
      'dns/example.com/new/A',
      'dns/example.com/api/A',
    ]);
    expect(plan.resources[0]).toMatchObject({ before: [], baseDigest: null, committedDigest: null });
    expect(plan.resources[1]).toMatchObject({
      before: [api],
      committedDigest: live['dns/example.com/api/A'].digest,
    });
    expect(plan.clock).toBe(10);
    expect(plannedScene({ zone, operations, live, dependsOn: ['change/chg-dep'] }).clock).toBe(10);
    expect(plannedScene({ zone, operations }).clock).toBe(1);
    expect(plan.dependsOn).toEqual(['change/chg-dep', 'config/payments']);
  });
});

describe('buildPlan refuses', () => {
  it('what names no resource of the environment, all at once, and has no plan then', () => {
    const { plan, violations } = planScene({
      zone: zoneOf([api]),
      operations: [
        toV2,
        { remove: 'dns/example.net/x/A' },
        { remove: 'flag/x' },
        remove('_resilience-ctl', 'TXT'),
      ],
    });
    expect(plan).toBeNull();
    expect(violations.map(({ code, path }) => [code, path])).toEqual([
      ['NOT_FOUND', 'spec.operations[1].remove'],
      ['SCHEMA_INVALID', 'spec.operations[2].remove'],
      ['SCHEMA_INVALID', 'spec.operations[3].remove'],
    ]);
  });

  it('two zones', () => {
    const { plan, violations } = planScene({
      zone: zoneOf([api]),
      operations: [toV2, { remove: 'dns/example.org/x/A' }],
    });
    expect(plan).toBeNull();
    expect(rulesOf(violations)).toEqual(['one-zone']);
    expect(violations[0]?.remedy).toContain('dependsOn');
  });

  it('a request that changes nothing', () => {
    const operations = [set('api', 'A', ['192.0.2.1'], 300), remove('absent', 'TXT')];
    expect(rulesOf(planScene({ zone: zoneOf([api]), operations }).violations)).toEqual(['nothing-to-change']);
  });

  it('a rollout that nothing could ever show to work', () => {
    const { violations } = planScene({
      zone: zoneOf([api]),
      operations: [toV2],
      rollout: { probe: undefined },
    });
    expect(rulesOf(violations)).toEqual(['probe-missing']);
  });

  it('a share that integer weights cannot express, and names those that they can', () => {
    const pair = [
      record('api', 'A', ['192.0.2.1'], { setIdentifier: 'a', weight: 3 }),
      record('api', 'A', ['192.0.2.3'], { setIdentifier: 'b', weight: 1 }),
    ];
    const { plan, violations } = planScene({
      zone: zoneOf(pair),
      operations: [toV2],
      rollout: { stages: [1, 50, 100] },
    });
    expect(violations.map(({ rule, path }) => [rule, path])).toEqual([
      ['share-is-exact', 'spec.rollout.stages[0]'],
    ]);
    expect(violations[0]?.remedy).toContain('2, 4, 5, 6');
    expect(plan?.stages.map((stage) => stage.name)).toEqual(['50%', '100%', 'final']);
  });

  it('probe addresses outside the allow-list, of either arm and through a CNAME inside the zone', () => {
    const zone = zoneOf([
      record('api', 'A', ['203.0.113.1']),
      record('www', 'CNAME', ['api.example.com']),
      record('new', 'A', ['198.51.100.1']),
      record('hop', 'CNAME', ['new.example.com']),
    ]);
    const violations = (operation: object) =>
      planScene({ zone, operations: [operation] }).violations.map(
        (one) => `${one.rule}: ${one.message.split(' ')[4]}`,
      );
    expect(violations(set('api', 'A', ['192.0.2.2', '203.0.113.9']))).toEqual([
      'probe-allow-list: 203.0.113.1,',
      'probe-allow-list: 203.0.113.9,',
    ]);
    expect(violations(set('www', 'CNAME', ['hop.example.com']))).toEqual([
      'probe-allow-list: 198.51.100.1,',
      'probe-allow-list: 203.0.113.1,',
    ]);
  });
});

it('isAllowed matches CIDR ranges of the same family only', () => {
  expect(isAllowed('192.0.2.255', ['192.0.2.0/24'])).toBe(true);
  expect(isAllowed('192.0.3.0', ['192.0.2.0/24', 'nonsense'])).toBe(false);
  expect(isAllowed('2001:db8::1', ['0.0.0.0/0'])).toBe(false);
  expect(isAllowed('localhost', ['0.0.0.0/0'])).toBe(false);
});

it('a weighted declaration is the final form', () => {
  const final = setWeighted('api', 'A', { b: [1, '192.0.2.5'], a: [3, '192.0.2.4'] });
  const plan = plannedScene({ zone: zoneOf([api]), operations: [final], rollout: { stages: [20, 100] } });
  expect(plan.stages.map((stage) => stage.live.map((one) => [one.setIdentifier, one.weight]))).toEqual([
    [
      ['canary.a', 15],
      ['canary.b', 5],
      ['stable', 80],
    ],
    [
      ['canary.a', 75],
      ['canary.b', 25],
      ['stable', 0],
    ],
    [
      ['a', 3],
      ['b', 1],
    ],
  ]);
});
