import { describe, expect, it } from 'vitest';
import { targetBodies } from '../../domain/change/build-document-plan.ts';
import { DomainError } from '../../domain/errors.ts';
import { judgeDocumentPlan } from '../../domain/invariants/judge-document-plan.ts';
import { NOW_MS, POLICY } from '../support/dns-plans.ts';
import {
  aSwitch,
  config,
  type DocumentScene,
  faults,
  judgeDocuments,
  liveDocuments,
  PAYMENTS,
  plannedDocuments,
  requestFor,
  SCHEMA,
  TIMEOUTS_SCHEMA,
} from '../support/document-plans.ts';

const live = { [SCHEMA]: TIMEOUTS_SCHEMA, [PAYMENTS]: config({ readMs: 100 }) };
const GLOBAL = 'config/_global/timeouts';
const setConfig = (value: object, schema?: string, resource = PAYMENTS) => ({
  set: resource,
  body: config(value, schema),
});
const editing = (value: object, rest: Partial<DocumentScene> = {}): DocumentScene => ({
  live,
  operations: [setConfig(value)],
  ...rest,
});

describe('a config', () => {
  it('that is sound passes', () => {
    expect(faults(editing({ readMs: 200 }))).toEqual([]);
    expect(faults(editing({ readMs: 200, owner: 'x' }))).toEqual([]);
    expect(faults({ live, operations: [{ remove: PAYMENTS }] })).toEqual([]);
  });

  it('hears of every fault at once, each at its place in the file', () => {
    const value = { readMs: 'soon', owner: 7, tags: ['a', 'a'], more: 1 };
    const at = 'spec.operations[0].body.value';
    expect(faults(editing(value)).sort()).toEqual([
      `entries-unique ${at}.tags[1]`,
      `matches-schema ${at}`,
      `matches-schema ${at}.owner`,
      `matches-schema ${at}.readMs`,
    ]);
    const found = judgeDocuments(editing(value));
    expect(found.every((one) => one.remedy.endsWith('.') && one.message.endsWith('.'))).toBe(true);
  });

  it('has what its schema requires, and not blank', () => {
    expect(faults(editing({}))).toEqual(['required-present spec.operations[0].body.value']);
    const named = { ...TIMEOUTS_SCHEMA, required: ['owner'] };
    expect(faults(editing({ owner: ' ' }, { live: { [SCHEMA]: named } }))).toEqual([
      'required-not-blank spec.operations[0].body.value.owner',
    ]);
  });

  it.each([['schema/none@^1'], ['schema/timeouts@^2']])('needs its schema: %s', (schema) => {
    expect(faults({ live, operations: [setConfig({ readMs: 1 }, schema)] })).toEqual([
      'schema-in-range spec.operations[0].body.schema',
    ]);
  });

  it('may bring its schema along, whatever the order', () => {
    const operations = [
      setConfig({ x: 1 }, 'schema/new@^1'),
      { set: 'schema/new', body: { type: 'object' } },
    ];
    expect(faults({ operations })).toEqual([]);
  });

  it('is refused when the secret that it names is due', () => {
    const secrets = { ...live, [SCHEMA]: { type: 'object' } };
    const password = { secretRef: 'db', rotateBy: '2026-03-02' };
    const scene = editing({ readMs: 100, password }, { live: secrets });
    expect(faults(scene)).toEqual([]);
    expect(faults(scene, NOW_MS + 86_400_000)).toEqual([
      'secret-rotated spec.operations[0].body.value.password.rotateBy',
    ]);
  });

  it('does not more than double', () => {
    const tags = (count: number) => ({ readMs: 1, tags: Array.from({ length: count }, (_, i) => i) });
    const held = { ...live, [PAYMENTS]: config(tags(30)) };
    expect(faults(editing(tags(60), { live: held }))).toEqual([]);
    expect(faults(editing(tags(70), { live: held }))).toEqual([
      'config-growth spec.operations[0].body.value',
    ]);
  });
});

describe('layers', () => {
  const layered = { ...live, [GLOBAL]: config({ owner: 'all' }) };

  it('need not have what is required, and no service may lack it', () => {
    expect(faults({ live: layered, operations: [setConfig({ owner: 'us' }, undefined, GLOBAL)] })).toEqual(
      [],
    );
    expect(faults({ live, operations: [setConfig({ readMs: 1 }, undefined, GLOBAL)] })).toEqual([]);
    expect(
      faults({
        live: { ...layered, [GLOBAL]: config({ readMs: 1 }), [PAYMENTS]: config({ owner: 'x' }) },
        operations: [{ remove: GLOBAL }],
      }),
    ).toEqual(['required-present spec.operations']);
  });

  it('are judged by what every service reads through them', () => {
    const strict = { ...TIMEOUTS_SCHEMA, properties: { readMs: { type: 'integer' } } };
    const found = judgeDocuments({
      live: { ...layered, 'schema/loose': {}, [SCHEMA]: strict, [GLOBAL]: config({}, 'schema/loose@^1') },
      operations: [setConfig({ writeMs: 1 }, 'schema/loose@^1', GLOBAL)],
      rollout: {},
    });
    expect(found.map((one) => `${one.rule} ${one.path}`)).toEqual([
      'matches-schema spec.operations[0].body.value',
    ]);
    expect(found[0]?.message).toContain(`${PAYMENTS} (through ${GLOBAL})`);
  });

  it('of a tenant are judged with every service', () => {
    const tenant = 'config/_tenant.acme/timeouts';
    const found = judgeDocuments({
      live: { ...live, 'schema/loose': {}, [PAYMENTS]: config({ owner: 'x', readMs: 1 }) },
      operations: [setConfig({ tags: 7 }, 'schema/loose@^1', tenant)],
    });
    expect(found.map((one) => `${one.rule} ${one.path}`)).toEqual([
      'matches-schema spec.operations[0].body.value.tags',
    ]);
    expect(found[0]?.message).toContain('for the tenant acme');
  });
});

describe('a fault', () => {
  it('is reported once, however many read it, and where it is written', () => {
    const operations = [setConfig({ owner: 'us' }, undefined, GLOBAL), setConfig({ readMs: 0 })];
    const tenants = {
      'config/_tenant.acme/timeouts': config({}),
      'config/_tenant.bolt/timeouts': config({}),
    };
    expect(faults({ live: { ...live, ...tenants }, operations })).toEqual([
      'matches-schema spec.operations[1].body.value.readMs',
    ]);
  });
});

describe('a schema', () => {
  const setSchema = (body: object) => ({ set: SCHEMA, body });

  it('that stays compatible passes by itself', () => {
    expect(faults({ live, operations: [setSchema({ ...TIMEOUTS_SCHEMA, required: [] })] })).toEqual([]);
  });

  it('that breaks takes its dependents along, and names those that it does not', () => {
    const breaking = setSchema({ ...TIMEOUTS_SCHEMA, required: ['readMs', 'owner'] });
    const found = judgeDocuments({ live, operations: [breaking] });
    expect(found.map((one) => `${one.rule} ${one.path}`)).toEqual([
      'schema-in-range spec.operations[0]',
      'breaking-moves-dependents spec.operations[0].body',
    ]);
    expect(found[1]?.message).toContain(PAYMENTS);
    expect(found[1]?.message).toContain('"owner" is newly required');
    const along = setConfig({ readMs: 100, owner: 'us' }, 'schema/timeouts@^2');
    expect(faults({ live, operations: [breaking, along] })).toEqual([]);
  });

  it('that breaks leaves alone what only wants it to be there', () => {
    const scene = {
      live: { ...live, 'schema/other': {}, 'config/a/b': config({}, 'schema/other@^1') },
      operations: [
        setSchema({ ...TIMEOUTS_SCHEMA, required: ['owner'] }),
        setConfig({ owner: 'us' }, 'schema/timeouts@^2'),
      ],
    };
    const request = requestFor(scene);
    const before = liveDocuments(scene.live);
    const wanting = before.live['config/a/b'];
    if (wanting === undefined) throw new Error('the scene has no config/a/b');
    const facts = {
      live: { ...before.live, 'config/a/b': { ...wanting, dependsOn: [...wanting.dependsOn, SCHEMA] } },
      bodies: new Map([...before.bodies, ...targetBodies(request)]),
    };
    const plan = plannedDocuments(scene);
    expect(judgeDocumentPlan(plan, { ...facts, request, policy: POLICY, nowMs: NOW_MS })).toEqual([]);
  });

  it('is held against what is live, even where it looks compatible', () => {
    const broken = { ...live, [PAYMENTS]: config({ readMs: 0 }) };
    expect(faults({ live: broken, operations: [setSchema({ ...TIMEOUTS_SCHEMA, required: [] })] })).toEqual([
      'matches-schema spec.operations',
    ]);
  });

  it('is not removed under a config', () => {
    expect(faults({ live, operations: [{ remove: SCHEMA }] })).toEqual([
      'schema-in-range spec.operations[0]',
    ]);
    expect(faults({ live, operations: [{ remove: SCHEMA }, { remove: PAYMENTS }] })).toEqual([]);
  });

  it('is a schema', () => {
    expect(faults({ operations: [setSchema({ type: 'objekt' })] })).toContain(
      'schema-is-one spec.operations[0].body.type',
    );
  });
});

describe('a switch', () => {
  const setSwitch = (rest: object) => ({ operations: [{ set: 'switch/trading', body: aSwitch(rest) }] });

  it('is not expired when it goes live', () => {
    expect(faults(setSwitch({ expiresAt: '2026-03-01T12:00:00.001Z' }))).toEqual([]);
    expect(faults(setSwitch({ expiresAt: '2026-03-01T12:00:00Z' }))).toEqual([
      'switch-not-expired spec.operations[0].body.expiresAt',
    ]);
  });
});

describe('the rollout', () => {
  const flip = { set: 'switch/trading', body: aSwitch({ engaged: true }) };
  const edit = setConfig({ readMs: 200 });
  const create = setConfig({ readMs: 1 }, undefined, 'config/new/timeouts');
  const schema = { set: SCHEMA, body: { ...TIMEOUTS_SCHEMA, required: [] } };
  const zones = ['a', 'b'];

  it.each<[string, object[], object, boolean, string[]]>([
    ['config at once', [edit], { strategy: 'at-once' }, false, ['strategy-of-kind spec.rollout.strategy']],
    ['config at once in an emergency', [edit], { strategy: 'at-once' }, true, []],
    ['new config at once', [create], { strategy: 'at-once' }, false, []],
    [
      'new and old config at once',
      [create, edit],
      { strategy: 'at-once' },
      false,
      ['strategy-of-kind spec.rollout.strategy'],
    ],
    ['config by zones', [edit], { strategy: 'zones', zones }, false, []],
    [
      'config in the only zone',
      [edit],
      { strategy: 'zones', zones: ['a'] },
      false,
      ['canary-first spec.rollout.zones'],
    ],
    ['config in one stage', [edit], { stages: [100] }, false, ['canary-first spec.rollout.stages']],
    ['new config in one stage', [create], { stages: [100] }, false, []],
    [
      'switch by consumers',
      [flip],
      { strategy: 'consumers' },
      false,
      ['strategy-of-kind spec.rollout.strategy'],
    ],
    ['switch by zones', [flip], { strategy: 'zones', zones }, false, []],
    [
      'schema by consumers',
      [schema],
      { strategy: 'consumers' },
      false,
      ['strategy-of-kind spec.rollout.strategy'],
    ],
    ['new config that nobody reads', [create], { consumers: 'none' }, false, []],
    [
      'live config that nobody reads',
      [create, edit],
      { consumers: 'none', strategy: 'consumers' },
      false,
      ['nobody-reads-what-is-new spec.rollout.consumers'],
    ],
    [
      'new layer that nobody reads',
      [{ set: 'config/_global/timeouts', body: config({ readMs: 1 }) }],
      { consumers: 'none' },
      false,
      ['nobody-reads-what-is-new spec.rollout.consumers'],
    ],
    [
      'switch that nobody reads',
      [flip],
      { consumers: 'none' },
      false,
      ['nobody-reads-what-is-new spec.rollout.consumers'],
    ],
    ['schema and config by consumers', [schema, edit], {}, false, []],
    ['schema, config and switch by zones', [schema, edit, flip], { zones }, false, []],
  ])('%s', (_, operations, rollout, emergency, expected) => {
    expect(faults({ live, operations, rollout, emergency })).toEqual(expected);
  });

  it.each<[object, boolean]>([
    [{}, true],
    [{ stages: [1, 10, 50, 100] }, true],
    [{ stages: [1, 50, 100] }, false],
    [{ strategy: 'zones', zones }, false],
    [{ strategy: 'zones', zones: ['1%', '10%', '50%', '100%'] }, false],
  ])('brings fields that nobody has read slowest: %j', (rollout, allowed) => {
    expect(faults(editing({ readMs: 100, owner: 'us' }, { rollout }))).toEqual(
      allowed ? [] : ['new-fields-slowest spec.operations[0].body.value'],
    );
  });
});

describe('judgeDocumentPlan', () => {
  const scene = editing({ readMs: 200 });
  const request = requestFor(scene);

  it('refuses a base that is not live any more', () => {
    const plan = plannedDocuments(scene);
    const moved = liveDocuments({ ...live, [PAYMENTS]: config({ readMs: 150 }) });
    const all = new Map([...liveDocuments(live).bodies, ...moved.bodies, ...targetBodies(request)]);
    const facts = { bodies: all, live: moved.live, request, policy: POLICY, nowMs: NOW_MS };
    expect(judgeDocumentPlan(plan, facts).map((one) => `${one.code} ${one.path}`)).toEqual([
      'STALE_BASE spec.operations[0]',
    ]);
  });

  it('throws for a body that was not loaded', () => {
    const facts = { ...liveDocuments(live), request, policy: POLICY, nowMs: NOW_MS };
    expect(() => judgeDocumentPlan(plannedDocuments(scene), facts)).toThrow(DomainError);
  });
});
