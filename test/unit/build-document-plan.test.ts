import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { buildDocumentPlan, targetBodies } from '../../domain/change/build-document-plan.ts';
import { DomainError } from '../../domain/errors.ts';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import { POLICY, requestOf, set } from '../support/dns-plans.ts';
import {
  aSwitch,
  config,
  type DocumentScene,
  liveDocument,
  liveDocuments,
  PAYMENTS,
  planDocuments,
  plannedDocuments,
  requestFor,
  SCHEMA,
  TIMEOUTS_SCHEMA,
} from '../support/document-plans.ts';
import { SOME_PERMISSIONS } from '../support/some-permissions.ts';

const live = { [SCHEMA]: TIMEOUTS_SCHEMA, [PAYMENTS]: config({ readMs: 100 }) };
const edit = { set: PAYMENTS, body: config({ readMs: 200 }) };
const rulesIn = (scene: DocumentScene) =>
  planDocuments(scene).violations.map(({ rule, path }) => `${rule} ${path}`);

describe('buildDocumentPlan', () => {
  it('plans an edit: base, target, version, edits, needs', () => {
    const plan = plannedDocuments({ live, operations: [edit] });
    expect(plan.resources).toEqual([
      {
        resource: PAYMENTS,
        kind: 'config',
        baseDigest: digestOf(live[PAYMENTS]),
        baseVersion: '1.0.0',
        targetDigest: digestOf(edit.body),
        targetVersion: '1.1.0',
        dependsOn: ['schema/timeouts@^1'],
        edits: [{ path: '/value/readMs', before: 100, after: 200 }],
        owners: [],
        direction: 'edit',
      },
    ]);
    expect(plan).toMatchObject({ kind: 'documents', clock: 5, vector: { prod: 2 }, blastRadius: [] });
    expect(targetBodies(requestFor({ operations: [edit] }))).toEqual(
      new Map([[digestOf(edit.body), edit.body]]),
    );
  });

  it('plans creation and removal', () => {
    const operations = [{ remove: PAYMENTS }, { set: 'switch/trading', body: aSwitch() }];
    const [removed, created] = plannedDocuments({ live, operations }).resources;
    expect(removed).toMatchObject({
      targetDigest: null,
      targetVersion: null,
      baseVersion: '1.0.0',
      dependsOn: [],
    });
    expect(removed?.edits).toEqual([{ path: '', before: live[PAYMENTS] }]);
    expect(created).toMatchObject({ baseDigest: null, baseVersion: null, targetVersion: '1.0.0' });
  });

  it.each<[string, object, string]>([
    ['compatible', { ...TIMEOUTS_SCHEMA, required: [] }, '1.1.0'],
    ['breaking', { ...TIMEOUTS_SCHEMA, required: ['owner'] }, '2.0.0'],
  ])('gives a %s schema its version', (_, body, version) => {
    const { resources } = plannedDocuments({ live, operations: [{ set: SCHEMA, body }] });
    expect(resources[0]?.targetVersion).toBe(version);
  });

  it('goes on from the last version of what was removed', () => {
    const request = requestFor({ operations: [edit, { set: SCHEMA, body: {} }] });
    const removed = liveDocument(null, { version: '3.2.0' });
    const { plan } = buildDocumentPlan({
      changeId: 'chg-1',
      environment: 'prod',
      request,
      requestDigest: digestOf(request),
      live: { [PAYMENTS]: removed, [SCHEMA]: removed },
      bodies: new Map(),
      policy: POLICY,
      permissions: SOME_PERMISSIONS,
    });
    expect(plan?.resources.map((one) => [one.baseVersion, one.targetVersion])).toEqual([
      [null, '3.3.0'],
      [null, '4.0.0'],
    ]);
  });

  it('gives what nobody reads to nobody first, and watches it all the same', () => {
    const operations = [{ set: 'config/orders/limits', body: config({ readMs: 1 }) }];
    const plan = plannedDocuments({ live, operations, rollout: { consumers: 'none' } });
    expect(plan).toMatchObject({
      strategy: 'at-once',
      stages: [{ name: 'all', percent: 100, baked: true }],
      rollout: { consumers: 'none' },
    });
    expect(plannedDocuments({ live, operations }).rollout).not.toHaveProperty('consumers');
  });

  it.each<[string, object, boolean]>([
    ['2.0.0', edit, true],
    ['1.0.1', edit, true],
    ['1.0.0', edit, false],
    ['0.9.0', edit, false],
    ['1.5.0', { set: SCHEMA, body: { ...TIMEOUTS_SCHEMA, required: ['owner'] } }, false],
    ['2.0.0', { set: SCHEMA, body: { ...TIMEOUTS_SCHEMA, required: ['owner'] } }, true],
  ])('the author may choose %s of %j: %s', (version, operation, allowed) => {
    const scene = { live, operations: [{ ...operation, version }] };
    expect(rulesIn(scene)).toEqual(allowed ? [] : ['version-ascends spec.operations[0].version']);
    if (allowed) expect(plannedDocuments(scene).resources[0]?.targetVersion).toBe(version);
  });

  it('refuses to change nothing, and a new version of what stays', () => {
    const same = { set: PAYMENTS, body: config({ readMs: 100 }) };
    expect(rulesIn({ live, operations: [same] })).toEqual(['nothing-to-change spec.operations']);
    expect(rulesIn({ live, operations: [{ remove: 'config/none/timeouts' }] })).toEqual([
      'nothing-to-change spec.operations',
    ]);
    const twice = { set: 'switch/trading', body: aSwitch({ scope: { zones: ['a', 'b', 'a'] } }) };
    const reordered = { 'switch/trading': aSwitch({ scope: { zones: ['b', 'a'] } }) };
    expect(rulesIn({ live: reordered, operations: [twice] })).toEqual(['nothing-to-change spec.operations']);
    expect(
      rulesIn({ live, operations: [edit, { set: SCHEMA, body: TIMEOUTS_SCHEMA, version: '1.1.0' }] }),
    ).toEqual(['version-ascends spec.operations[1].version']);
  });

  it('takes documents alone', () => {
    const request = requestOf([set('api', 'A', ['192.0.2.1'])]);
    const { plan, violations } = buildDocumentPlan({
      changeId: 'chg-1',
      environment: 'prod',
      request,
      requestDigest: digestOf(request),
      live: {},
      bodies: new Map(),
      policy: POLICY,
      permissions: SOME_PERMISSIONS,
    });
    expect([plan, violations.map((one) => one.rule)]).toEqual([null, ['one-target']]);
  });

  it('throws for a live body that was not loaded', () => {
    const request = requestFor({ operations: [edit] });
    const input = {
      changeId: 'c',
      environment: 'prod',
      request,
      requestDigest: digestOf(request),
      policy: POLICY,
      permissions: SOME_PERMISSIONS,
    };
    expect(() => buildDocumentPlan({ ...input, ...liveDocuments(live), bodies: new Map() })).toThrow(
      DomainError,
    );
  });
});

describe('the stages of documents', () => {
  const stagesOf = (operations: object[], rollout: object = {}) => {
    const { strategy, stages } = plannedDocuments({ live, operations, rollout });
    return [strategy, stages.map((one) => `${one.name} ${one.percent} ${one.zones.join('+')} ${one.baked}`)];
  };
  const flip = { set: 'switch/trading', body: aSwitch({ engaged: true }) };
  const schema = { set: SCHEMA, body: { ...TIMEOUTS_SCHEMA, required: [] } };
  const zones = ['a', 'b', 'c'];

  it.each<[string, object[], object, unknown]>([
    ['a config', [edit], {}, ['consumers', ['1% 1  true', '10% 10  true', '50% 50  true', '100% 100  true']]],
    [
      'a config by zones',
      [edit],
      { strategy: 'zones', zones },
      ['zones', ['a 33 a true', 'b 66 a+b true', 'c 100 a+b+c true']],
    ],
    ['a switch', [flip], {}, ['at-once', ['all 100  false']]],
    [
      'a switch by zones',
      [flip],
      { strategy: 'zones', zones: ['a', 'b'] },
      ['zones', ['a 50 a false', 'b 100 a+b false']],
    ],
    ['a schema', [schema], {}, ['at-once', ['all 100  false']]],
    [
      'a schema and a config',
      [schema, edit],
      { stages: [5, 100] },
      ['consumers', ['5% 5  true', '100% 100  true']],
    ],
    ['all kinds', [schema, edit, flip], { zones: ['a', 'b'] }, ['zones', ['a 50 a true', 'b 100 a+b true']]],
  ])('%s', (_, operations, rollout, expected) => expect(stagesOf(operations, rollout)).toEqual(expected));

  it('need zones where kinds share only those', () => {
    expect(rulesIn({ live, operations: [edit, flip] })).toEqual(['zones-are-listed spec.rollout']);
  });

  it('take the bake from the request', () => {
    const { rollout } = plannedDocuments({ live, operations: [edit], rollout: { bakeSeconds: 1.5 } });
    expect(rollout).toEqual({ bakeMs: 1500, minimumSamples: 30 });
  });
});

describe('the blast radius', () => {
  const documents = {
    ...live,
    'config/_global/timeouts': config({ readMs: 1 }),
    'config/orders/timeouts': config({ readMs: 2 }),
    'config/orders/limits': config({}, 'schema/limits@^1'),
    'schema/limits': {},
  };
  const reach = (operation: object) =>
    plannedDocuments({ live: documents, operations: [operation] }).blastRadius;

  it('of a schema is every config of it, and what they lie under', () => {
    expect(reach({ remove: SCHEMA })).toEqual([
      'config/_global/timeouts',
      'config/orders/timeouts',
      PAYMENTS,
    ]);
  });

  it('of a layer is every service that reads through it, be the layer new', () => {
    const services = ['config/orders/timeouts', PAYMENTS];
    expect(reach({ remove: 'config/_global/timeouts' })).toEqual(services);
    expect(reach({ set: 'config/_tenant.acme/timeouts', body: config({ readMs: 3 }) })).toEqual(services);
  });

  it('leaves out what was removed', () => {
    const { live: before, bodies } = liveDocuments(documents);
    const gone = { ...before, [PAYMENTS]: liveDocument(null) };
    const request = requestFor({ operations: [{ remove: 'config/_global/timeouts' }] });
    const input = { changeId: 'c', environment: 'prod', request, requestDigest: digestOf(request), bodies };
    expect(
      buildDocumentPlan({ ...input, live: gone, policy: POLICY, permissions: SOME_PERMISSIONS }).plan
        ?.blastRadius,
    ).toEqual(['config/orders/timeouts']);
  });

  it('of a service is its own', () => expect(reach(edit)).toEqual([]));
});

it('a plan is the same for everyone: order of the live state and unrelated documents do not matter', () => {
  const names = ['a', 'b', 'c', 'd'].map((name) => `config/${name}/other`);
  fc.assert(
    fc.property(fc.shuffledSubarray(names), fc.nat(50), (others, readMs) => {
      const operations = [{ set: PAYMENTS, body: config({ readMs: 1 + readMs }) }];
      const more = Object.fromEntries(others.map((name) => [name, config({}, 'schema/other@^1')]));
      const plan = plannedDocuments({ live: { ...more, ...live }, operations });
      expect(digestOf(plan)).toBe(digestOf(plannedDocuments({ live, operations })));
    }),
  );
});
