import { describe, expect, it } from 'vitest';
import { judgeCausality } from '../../domain/causality/judge-causality.ts';
import type { PlannedResource } from '../../domain/change/plan.ts';
import type { ChangeRequest } from '../../domain/change/request.ts';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import { groupDigest, groupIn, parseDnsResource } from '../../domain/kinds/dns.ts';
import type { ZoneState } from '../../domain/kinds/dns-records.ts';
import type { LogState } from '../../domain/log/state.ts';
import {
  API,
  addressSet,
  CHANGE_ID,
  samplePlan,
  sampleRequest,
  sampleState,
  ZONE,
} from '../support/sample-change.ts';

const DB = 'dns/example.com/db/A';
const WEB = 'dns/example.com/web/A';

const zone: ZoneState = {
  zone: ZONE,
  fence: null,
  recordSets: [addressSet('api.example.com', '192.0.2.1'), addressSet('web.example.com', '192.0.2.9')],
  opaque: [],
};

function moved(resource: string, to: 'set' | 'removed'): PlannedResource {
  const targetDigest = to === 'set' ? digestOf('new') : null;
  return {
    resource,
    before: [],
    after: [],
    baseDigest: digestOf('old'),
    targetDigest,
    committedDigest: null,
  };
}

function judge(
  spec: Partial<ChangeRequest['spec']>,
  { state = sampleState(), resources }: { state?: LogState; resources?: PlannedResource[] } = {},
) {
  const request = sampleRequest(spec);
  const plan = samplePlan(request, resources ? { resources } : {});
  return judgeCausality({ changeId: CHANGE_ID, request, plan, zone, state });
}

describe('base', () => {
  it('finds nothing wrong with a change that asserts what is live', () => {
    const [planned] = samplePlan().resources;
    const webDigest = groupDigest(groupIn(zone, parseDnsResource(WEB, [ZONE])));
    const base = { [API]: planned?.baseDigest ?? null, [WEB]: webDigest, [DB]: null };
    expect(judge({ base, dependsOn: [WEB] })).toEqual([]);
  });

  it('prints what was expected and what is live', () => {
    const [violation, ...rest] = judge({ base: { [API]: digestOf('other') } });
    expect(rest).toEqual([]);
    expect(violation).toMatchObject({ code: 'STALE_BASE', path: `spec.base["${API}"]` });
    expect(violation?.message).toContain(digestOf('other'));
    expect(violation?.message).toContain(samplePlan().resources[0]?.baseDigest);
  });

  it('believes the plan about its own resources, whatever the log says', () => {
    const state = sampleState({ [DB]: {} });
    const resources = [{ ...moved(DB, 'set'), baseDigest: null }, moved(API, 'set')];
    expect(judge({ base: { [DB]: null, [API]: digestOf('old') } }, { state, resources })).toEqual([]);
  });

  it('knows what must not exist, in the plan or beside it', () => {
    expect(judge({ base: { [API]: null, [WEB]: null } }).map((one) => one.path)).toEqual([
      `spec.base["${API}"]`,
      `spec.base["${WEB}"]`,
    ]);
    expect(judge({ base: { 'config/payments/timeouts': null } })).toEqual([]);
  });
});

describe('dependencies', () => {
  it.each([
    ['live in the log', DB, sampleState({ [DB]: {} })],
    ['in the zone alone', WEB, sampleState()],
    [
      'committed',
      'change/one',
      { ...sampleState(), ended: { one: { status: 'committed' as const, index: 1 } } },
    ],
  ])('accepts one that is %s', (_, dependency, state) => {
    expect(judge({ dependsOn: [dependency] }, { state })).toEqual([]);
  });

  it('accepts a document in a version that will do, and says what is live of another', () => {
    const state = sampleState({ 'config/payments/timeouts': { version: '2.3.0', clock: 1 } });
    expect(judge({ dependsOn: ['config/payments/timeouts@^2.1'], clock: 1 }, { state })).toEqual([]);
    expect(judge({ dependsOn: ['config/payments/timeouts@^3'], clock: 0 }, { state })).toMatchObject([
      { code: 'DEPENDENCY_MISSING', message: expect.stringContaining('is live as 2.3.0') },
      { rule: 'clock-not-behind' },
    ]);
  });

  it('accepts one that the same request makes', () => {
    expect(judge({ dependsOn: [DB] }, { resources: [moved(API, 'set'), moved(DB, 'set')] })).toEqual([]);
  });

  it.each([
    ['does not exist', DB, sampleState()],
    ['does not exist', DB, sampleState({ [DB]: { digest: null } })],
    ['does not exist', 'dns/elsewhere.net/db/A', sampleState()],
    ['is not a change of this environment', 'change/one', sampleState()],
    [
      'ended as aborted',
      'change/one',
      { ...sampleState(), ended: { one: { status: 'aborted' as const, index: 1 } } },
    ],
  ])('refuses one that %s', (why, dependency, state) => {
    const violations = judge({ dependsOn: [WEB, dependency] }, { state });
    expect(violations).toMatchObject([{ code: 'DEPENDENCY_MISSING', path: 'spec.dependsOn[1]' }]);
    expect(violations[0]?.message).toContain(`${dependency} ${why}`);
  });

  it('refuses one that the same request removes', () => {
    const resources = [moved(API, 'set'), moved(WEB, 'removed')];
    expect(judge({ dependsOn: [WEB] }, { resources })).toMatchObject([
      { code: 'DEPENDENCY_MISSING', message: `${WEB} is removed by this very request.` },
    ]);
  });
});

describe('clock', () => {
  const state = {
    ...sampleState({
      [API]: { clock: 4, changeId: 'chg-api' },
      [DB]: { clock: 6, changeId: 'chg-db' },
      [WEB]: { clock: 9 },
    }),
    ended: { 'chg-db': { status: 'committed' as const, index: 1 } },
  };

  it('refuses a request that is behind what it changes or depends on, and says who moved it', () => {
    const violations = judge({ clock: 3, dependsOn: [DB] }, { state });
    expect(violations.map((one) => [one.code, one.path])).toEqual([
      ['STALE_BASE', 'spec.clock'],
      ['STALE_BASE', 'spec.clock'],
    ]);
    expect(violations[0]?.message).toContain(`${API} is at clock 4, moved by change chg-api`);
    expect(violations[1]?.message).toContain(`${DB} is at clock 6, moved by change chg-db`);
  });

  it('counts what a change that it depends on made', () => {
    expect(judge({ clock: 5, dependsOn: ['change/chg-db'] }, { state })).toMatchObject([
      { code: 'STALE_BASE' },
    ]);
  });

  it('accepts one that is level, and one that names no clock', () => {
    expect(judge({ clock: 6, dependsOn: [DB] }, { state })).toEqual([]);
    expect(judge({ dependsOn: [DB] }, { state })).toEqual([]);
  });
});

describe('cycles', () => {
  it('prints the circle that the change would close', () => {
    const state = sampleState({ [API]: {}, [DB]: { dependsOn: [WEB] }, [WEB]: { dependsOn: [API] } });
    const violations = judge({ dependsOn: [DB] }, { state });
    expect(violations).toMatchObject([{ code: 'CYCLE' }]);
    expect(violations[0]?.message).toContain(`${API} → ${DB} → ${WEB} → ${API}`);
  });

  it('sees one that goes through documents, whatever their ranges', () => {
    const state = sampleState({
      [API]: {},
      'config/a/x': { version: '1.0.0', dependsOn: ['config/b/x@^1'] },
      'config/b/x': { version: '1.0.0', dependsOn: [API] },
    });
    expect(judge({ dependsOn: ['config/a/x@^1'] }, { state })).toMatchObject([{ code: 'CYCLE' }]);
    const gone = [moved(API, 'removed')];
    expect(judge({}, { state, resources: gone })).toMatchObject([{ rule: 'still-needed' }]);
  });

  it('refuses a lone resource that depends on itself', () => {
    expect(judge({ dependsOn: [API] })).toMatchObject([{ code: 'CYCLE' }]);
  });

  it('forgets the edges that the change takes away', () => {
    const state = sampleState({ [API]: { dependsOn: [DB] }, [DB]: { dependsOn: [API] } });
    expect(judge({ dependsOn: [] }, { state })).toEqual([]);
  });

  it('goes through nothing that is gone, or goes with this change', () => {
    const gone = sampleState({ [DB]: { digest: null, dependsOn: [API] } });
    expect(judge({ dependsOn: [DB] }, { state: gone }).map((one) => one.code)).toEqual([
      'DEPENDENCY_MISSING',
    ]);
    const needed = sampleState({ [DB]: { dependsOn: [API] } });
    const resources = [moved(API, 'removed')];
    expect(judge({ dependsOn: [DB] }, { state: needed, resources }).map((one) => one.rule)).toEqual([
      'still-needed',
    ]);
  });

  it('sees no circle within one batch, now or later', () => {
    const batch = { changeId: 'chg-0', dependsOn: [API, DB] };
    const state = sampleState({ [API]: batch, [DB]: batch, [WEB]: {} });
    const resources = [moved(WEB, 'set')];
    expect(judge({ dependsOn: [DB] }, { state, resources })).toEqual([]);
    expect(judge({ dependsOn: [API, DB] }, { resources: [moved(API, 'set'), moved(DB, 'set')] })).toEqual([]);
  });
});

describe('removal', () => {
  const state = sampleState({
    [API]: {},
    [DB]: { dependsOn: [API] },
    [WEB]: { dependsOn: [API] },
    'dns/example.com/gone/A': { digest: null, dependsOn: [API] },
  });

  it('is refused while others depend on it, printing who', () => {
    const spec = { operations: [{ remove: API }] };
    expect(judge(spec, { state, resources: [moved(API, 'removed')] })).toMatchObject([
      {
        code: 'DEPENDENCY_MISSING',
        rule: 'still-needed',
        path: 'spec.operations[0].remove',
        message: `${API} cannot be removed: ${DB}, ${WEB} depend on it.`,
      },
    ]);
  });

  it('is accepted when its dependents go or change with it', () => {
    const resources = [moved(API, 'removed'), moved(DB, 'removed'), moved(WEB, 'set')];
    expect(judge({}, { state, resources })).toEqual([]);
  });
});

it('reports everything at once', () => {
  const state = sampleState({ [API]: { clock: 9 }, [WEB]: { dependsOn: [API] } });
  const spec = { base: { [API]: null }, dependsOn: [DB, WEB], clock: 0 };
  expect(judge(spec, { state }).map((one) => one.rule)).toEqual([
    'base-is-live',
    'dependency-exists',
    'clock-not-behind',
    'clock-not-behind',
    'no-cycle',
  ]);
});
