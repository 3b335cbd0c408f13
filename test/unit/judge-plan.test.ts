import { describe, expect, it } from 'vitest';
import type { DnsPlan } from '../../domain/change/plan.ts';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import { judgeStage } from '../../domain/invariants/judge-plan.ts';
import {
  bystanders,
  judgeScene,
  liveVersion,
  NOW_MS,
  POLICY,
  plannedScene,
  record,
  remove,
  rulesOf,
  type Scene,
  set,
  setWeighted,
  ZONE,
  zoneOf,
} from '../support/dns-plans.ts';

const api = record('api', 'A', ['192.0.2.1']);
const toV2 = set('api', 'A', ['192.0.2.2']);

function rules(scene: Partial<Scene>, edit?: (plan: DnsPlan) => DnsPlan): string[] {
  return rulesOf(judgeScene({ zone: zoneOf([api, ...bystanders(12)]), operations: [toV2], ...scene }, edit));
}

function withRecords(...records: Parameters<typeof zoneOf>[0]): Partial<Scene> {
  return { zone: zoneOf([api, ...records, ...bystanders(12)]) };
}

describe('judgePlan', () => {
  it('lets an ordinary change pass', () => {
    expect(rules({})).toEqual([]);
    expect(rules({ zone: zoneOf([api]) })).toEqual([]);
    expect(rules({ operations: [set('new', 'A', ['192.0.2.2'])] })).toEqual([]);
  });

  it.each<[string, Partial<Scene>, string[]]>([
    ['malformed value', { operations: [set('new', 'A', ['192.0.2.256'])] }, ['record-syntax']],
    [
      'repeated value',
      { operations: [set('new', 'AAAA', ['2001:db8::1', '2001:DB8::1'])] },
      ['values-unique'],
    ],
    ['TTL below', { operations: [set('new', 'A', ['192.0.2.2'], -1)] }, ['ttl-range']],
    ['TTL above', { operations: [set('new', 'A', ['192.0.2.2'], 86_401)] }, ['ttl-range']],
    ['CNAME beside A', { operations: [set('api', 'CNAME', ['host-1.example.com'])] }, ['cname-alone']],
    ['CNAME at the apex', { operations: [set('@', 'CNAME', ['api.example.com'])] }, ['cname-not-at-apex']],
    [
      'A beside CNAME',
      { ...withRecords(record('www', 'CNAME', ['x.test'])), operations: [set('www', 'A', ['192.0.2.2'])] },
      ['cname-alone'],
    ],
    ['CNAME with two targets', { operations: [set('new', 'CNAME', ['a.test', 'b.test'])] }, ['cname-single']],
    [
      'weight 256',
      { operations: [setWeighted('new', 'A', { a: [256, '192.0.2.2'], b: [1, '192.0.2.3'] })] },
      ['weight-range'],
    ],
    [
      'weight -1',
      { operations: [setWeighted('new', 'A', { a: [-1, '192.0.2.2'], b: [1, '192.0.2.3'] })] },
      ['weight-range'],
    ],
    [
      'weights 0',
      { operations: [setWeighted('new', 'A', { a: [0, '192.0.2.2'], b: [0, '192.0.2.3'] })] },
      ['weights-not-all-zero'],
    ],
    ['weighted TXT', { operations: [setWeighted('new', 'TXT', { a: [1, 'x'] })] }, ['weightable-type']],
    [
      'long identifier',
      { operations: [setWeighted('new', 'A', { ['i'.repeat(128)]: [1, '192.0.2.2'] })] },
      [],
    ],
    [
      'arm as id',
      { operations: [setWeighted('new', 'A', { 'stable.x': [1, '192.0.2.2'] })] },
      ['arm-name-reserved'],
    ],
    [
      'dangling new CNAME',
      { operations: [set('new', 'CNAME', ['absent.example.com'])] },
      ['reference-answers'],
    ],
    ['dangling new MX', { operations: [set('new', 'MX', ['10 absent.example.com'])] }, ['reference-answers']],
    ['all replaced at once', { rollout: { stages: [100] } }, ['never-all-targets']],
  ])('refuses: %s', (_, scene, expected) => {
    expect(rules(scene)).toEqual(expected);
  });

  it('refuses an identifier that grows too long as an arm', () => {
    const long = setWeighted('api', 'A', { ['i'.repeat(128)]: [1, '192.0.2.2'] });
    expect(rules({ operations: [long] })).toEqual(['set-identifier-length']);
  });

  it('refuses two members with one id, and an opaque set of the same name and type', () => {
    const twice = {
      set: `dns/${ZONE}/new/A`,
      body: { ttl: 1, weighted: [1, 2].map((n) => ({ id: 'a', weight: 1, values: [`192.0.2.${n}`] })) },
    };
    expect(rules({ operations: [twice] })).toContain('set-identifier-unique');
    const opaque = [{ name: `api.${ZONE}`, type: 'A', setIdentifier: 'eu' }];
    expect(rules({ zone: zoneOf([api, ...bystanders(12)], { opaque }) })).toEqual([]);
    expect(rules({ zone: zoneOf(bystanders(12), { opaque }) })).toEqual(['opaque-beside']);
  });

  it('does not blame a plan for what is wrong already, and lets it be put right', () => {
    const scene = withRecords(
      record('bad', 'CNAME', ['absent.example.com'], { ttlSeconds: 999_999 }),
      record('bad', 'TXT', ['"x"']),
    );
    expect(rules(scene)).toEqual([]);
    expect(rules({ ...scene, operations: [remove('bad', 'CNAME')] })).toEqual([]);
    expect(rules({ ...scene, operations: [set('bad', 'TXT', ['y'])] })).toEqual([]);
  });

  it('reports all violations together, each with a path and a remedy', () => {
    const operations = [set('new', 'A', ['nonsense'], 100_000), set('@', 'CNAME', ['absent.example.com'])];
    const violations = judgeScene({ ...withRecords(), zone: zoneOf([api, ...bystanders(12)]), operations });
    expect(rulesOf(violations)).toEqual([
      'cname-not-at-apex',
      'record-syntax',
      'reference-answers',
      'ttl-range',
    ]);
    expect(violations.map((one) => one.path)).toContain('spec.operations[0].body.ttl');
    expect(violations.map((one) => one.path)).toContain('spec.operations[0].body.values');
    expect(violations.map((one) => one.path)).toContain('spec.operations[1]');
    expect(violations.every((one) => one.remedy.length > 10)).toBe(true);
  });
});

describe('what others depend on stays', () => {
  const operations = [remove('api', 'A')];

  it('a declared dependent, which is named', () => {
    const live = { 'flag/checkout': liveVersion({ dependsOn: [`dns/${ZONE}/api/A`] }) };
    const violations = judgeScene({ zone: zoneOf([api, ...bystanders(12)]), operations, live });
    expect(rulesOf(violations)).toEqual(['dependents-stay']);
    expect(violations[0]?.message).toContain('flag/checkout');
    expect(
      rules({
        operations,
        live: { 'flag/checkout': liveVersion({ ...live['flag/checkout'], digest: null }) },
      }),
    ).toEqual([]);
  });

  it('a dependent on the change that made it', () => {
    const live = {
      [`dns/${ZONE}/api/A`]: liveVersion({ changeId: 'chg-7' }),
      'flag/checkout': liveVersion({ dependsOn: ['change/chg-7'] }),
    };
    expect(rules({ operations, live })).toEqual(['dependents-stay']);
  });

  it.each([
    record('www', 'CNAME', ['api.example.com']),
    record('@', 'MX', ['10 api.example.com']),
    record('_sip._tcp', 'SRV', ['1 2 3 api.example.com']),
  ])('a $type of the zone', (reference) => {
    const violations = judgeScene({
      ...withRecords(reference),
      zone: zoneOf([api, reference, ...bystanders(12)]),
      operations,
    });
    expect(rulesOf(violations)).toEqual(['reference-answers']);
    expect(violations[0]?.message).toContain(`${reference.name} ${reference.type} points to api.example.com`);
    expect(violations[0]?.path).toBe('spec.operations[0]');
  });

  it('unless the reference goes too, or something else answers', () => {
    const www = record('www', 'CNAME', ['api.example.com']);
    expect(rules({ ...withRecords(www), operations: [...operations, remove('www', 'CNAME')] })).toEqual([]);
    expect(rules({ ...withRecords(www, record('api', 'AAAA', ['2001:db8::1'])), operations })).toEqual([]);
    expect(rules({ ...withRecords(www, record('*', 'A', ['192.0.2.7'])), operations })).toEqual([]);
    const hidden = [www, record('*', 'A', ['192.0.2.7']), record('api', 'TXT', ['"here"'])];
    expect(rules({ ...withRecords(...hidden), operations })).toEqual(['reference-answers']);
    const delegated = [{ name: 'sub.example.com', type: 'NS' }];
    const there = zoneOf([api, ...bystanders(12)], { opaque: delegated });
    expect(rules({ zone: there, operations: [set('new', 'CNAME', ['x.sub.example.com'])] })).toEqual([]);
  });
});

describe('how much may change', () => {
  const hosts = (count: number) =>
    Array.from({ length: count }, (_, index) => set(`host-${index}`, 'TXT', ['x']));
  const zone = zoneOf(Array.from({ length: 10 }, (_, index) => record(`host-${index}`, 'TXT', ['"old"'])));
  const commit = (index: number, hoursAgo: number, zoneName = ZONE) => ({
    at: new Date(NOW_MS - hoursAgo * 3_600_000).toISOString(),
    zone: zoneName,
    resources: [`dns/${ZONE}/host-${index}/TXT`],
  });

  it('30 % of the zone and not one more', () => {
    expect(rules({ zone, operations: hosts(3) })).toEqual([]);
    expect(rules({ zone, operations: hosts(4) })).toEqual(['zone-share']);
    const [violation] = judgeScene({ zone, operations: hosts(4) });
    expect(violation?.message).toContain('4 of the 10 record sets');
    expect(violation?.remedy).toContain('at most 3');
  });

  it('within a day, counted once each, in this zone', () => {
    expect(rules({ zone, operations: hosts(3), recentCommits: [commit(2, 1)] })).toEqual([]);
    expect(rules({ zone, operations: hosts(3), recentCommits: [commit(9, 23)] })).toEqual(['zone-share']);
    expect(
      rules({ zone, operations: hosts(3), recentCommits: [commit(9, 25), commit(8, 1, 'example.org')] }),
    ).toEqual([]);
  });

  it('creating is free', () => {
    const operations = Array.from({ length: 9 }, (_, index) => set(`new-${index}`, 'TXT', ['x']));
    expect(rules({ zone, operations })).toEqual([]);
  });

  it('in a small zone never all, and its only record set may change but not go', () => {
    const two = zoneOf([api, record('b', 'TXT', ['"x"'])]);
    expect(rules({ zone: two, operations: [toV2] })).toEqual([]);
    expect(rules({ zone: two, operations: [toV2, set('b', 'TXT', ['y'])] })).toEqual(['never-all-records']);
    expect(
      rules({
        zone: two,
        operations: [toV2],
        recentCommits: [{ ...commit(0, 2), resources: [`dns/${ZONE}/b/TXT`] }],
      }),
    ).toEqual(['never-all-records']);
    expect(rules({ zone: zoneOf([api]), operations: [remove('api', 'A')] })).toEqual(['never-all-records']);
  });
});

describe('the batch', () => {
  it('holds at most 1000 records with its fence', () => {
    const create = (count: number) =>
      Array.from({ length: count }, (_, index) =>
        set(
          `n${index}`,
          'A',
          Array.from({ length: 10 }, (__, host) => `192.0.2.${host}`),
        ),
      );
    expect(rules({ operations: create(99) })).toEqual([]);
    expect(rules({ operations: create(100) })).toEqual(['batch-size']);
    const messages = judgeScene({ zone: zoneOf([]), operations: create(100) }).map((one) => one.message);
    expect(messages[0]).toContain('1002 records');
    expect(messages).toHaveLength(2);
  });

  it('holds at most 32,000 characters with its fence', () => {
    const text = (count: number) =>
      Array.from({ length: count }, (_, index) => set(`n${index}`, 'TXT', ['x'.repeat(250)]));
    expect(rules({ operations: text(124) })).toEqual([]);
    expect(rules({ operations: text(125) })).toEqual(['batch-size']);
  });
});

describe('a plan that was tampered with', () => {
  const editStage =
    (edit: (stage: DnsPlan['stages'][number]) => Partial<DnsPlan['stages'][number]>) => (plan: DnsPlan) => ({
      ...plan,
      stages: plan.stages.map((stage) => ({ ...stage, ...edit(stage) })),
    });
  const stranger = { action: 'DELETE' as const, recordSet: record('host-1', 'A', ['192.0.2.200']) };
  const fence = { action: 'CREATE' as const, recordSet: record('_resilience-ctl', 'TXT', ['"1"']) };

  it.each<[string, (plan: DnsPlan) => DnsPlan, string[]]>([
    [
      'another record',
      editStage((stage) => ({ changes: [...stage.changes, stranger] })),
      ['changes-apply', 'own-records-only'],
    ],
    [
      'the fence',
      editStage((stage) => ({ changes: [...stage.changes, fence] })),
      ['changes-apply', 'fence-untouched'],
    ],
    [
      'another live',
      editStage((stage) => (stage.name === '10%' ? { live: [api] } : {})),
      ['stages-as-declared'],
    ],
    ['no way back', editStage(() => ({ inverse: [] })), ['stages-as-declared']],
    [
      'another record in the way back',
      editStage((stage) => ({ inverse: [...stage.inverse, stranger] })),
      ['own-records-only'],
    ],
    [
      'the last stage missing',
      (plan) => ({ ...plan, stages: plan.stages.slice(0, -1) }),
      ['stages-as-declared'],
    ],
    ['a stage skipped', (plan) => ({ ...plan, stages: plan.stages.slice(1) }), ['changes-apply']],
    [
      'another base',
      (plan) => ({
        ...plan,
        resources: plan.resources.map((one) => ({ ...one, baseDigest: digestOf('x') })),
      }),
      ['base-is-live'],
    ],
    [
      'a resource twice',
      (plan) => ({ ...plan, resources: [...plan.resources, ...plan.resources] }),
      ['one-operation-a-resource'],
    ],
  ])('%s', (_, edit, expected) => {
    expect(rules({}, edit)).toEqual(expect.arrayContaining(expected));
    expect(rules({}, edit)).not.toEqual([]);
  });

  it('mixes weighted and simple', () => {
    const mixed = editStage((stage) => ({ changes: stage.changes.filter((one) => one.action === 'CREATE') }));
    expect(rules({}, mixed)).toContain('weighted-beside-simple');
  });

  it('empties a record set', () => {
    const emptied = editStage((stage) => ({
      changes: stage.changes.map(({ action, recordSet }) => ({
        action,
        recordSet: action === 'CREATE' ? { ...recordSet, values: [] } : recordSet,
      })),
    }));
    expect(rules({}, emptied)).toContain('never-empty');
  });

  it('has two TTLs in one weighted group', () => {
    const uneven = editStage((stage) => ({
      changes: stage.changes.map(({ action, recordSet }) => ({
        action,
        recordSet: recordSet.setIdentifier === 'canary' ? { ...recordSet, ttlSeconds: 1 } : recordSet,
      })),
    }));
    expect(rules({}, uneven)).toContain('one-ttl-a-group');
  });
});

describe('judgeStage', () => {
  const zone = zoneOf([api, ...bystanders(12)]);
  const plan = plannedScene({ zone, operations: [toV2] });

  it('judges one stage on the zone as it is now', () => {
    expect(judgeStage(plan, 0, zone, POLICY)).toEqual([]);
    expect(rulesOf(judgeStage(plan, 1, zone, POLICY))).toEqual(['changes-apply']);
    const atFirst = zoneOf([...(plan.stages[0]?.live ?? []), ...bystanders(12)]);
    expect(judgeStage(plan, 1, atFirst, POLICY)).toEqual([]);
  });

  it('sees what has moved around it', () => {
    const removal = plannedScene({ zone, operations: [remove('api', 'A')] });
    const referred = zoneOf([api, record('www', 'CNAME', ['api.example.com']), ...bystanders(12)]);
    expect(judgeStage(removal, 0, zone, POLICY)).toEqual([]);
    expect(rulesOf(judgeStage(removal, 0, referred, POLICY))).toEqual(['reference-answers']);
  });

  it('has no stage beyond the last', () => {
    expect(() => judgeStage(plan, 5, zone, POLICY)).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });
});
