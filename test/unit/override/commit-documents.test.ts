import { describe, expect, it } from 'vitest';
import { applyOverride } from '../../../activities/break-glass/apply-override.ts';
import { planOverrideHere } from '../../../activities/break-glass/plan-override.ts';
import { storiesOf } from '../../../client/audit/timeline.ts';
import { createStore } from '../../../client/direct-store.ts';
import { PortError } from '../../../domain/errors.ts';
import { canonicalBytes, digestOf } from '../../../domain/evidence/canonical-json.ts';
import { replayChange } from '../../../domain/evidence/replay-change.ts';
import type { OverridePredicate } from '../../../domain/evidence/statements.ts';
import { PERMISSIONS_RESOURCE } from '../../../domain/kinds/policy.ts';
import { decodeEntry, encodeEntry } from '../../../domain/log/entry.ts';
import { createFold } from '../../../domain/log/fold.ts';
import { OVERRIDABLE_GUARDS, type OverridableGuard } from '../../../domain/override/guards.ts';
import { standingAgainst } from '../../../domain/override/judge-guards.ts';
import { DEFAULT_POLICY } from '../../../domain/permissions/default-policy.ts';
import { audited, breakGlassScene, type Scene, signedBy } from '../../support/break-glass-scene.ts';
import {
  aSwitch,
  config,
  PAYMENTS,
  requestFor,
  SCHEMA,
  TIMEOUTS_SCHEMA,
} from '../../support/document-plans.ts';
import { ENVIRONMENT, entryOf, GLASS, overrideCommit, PLAN } from '../../support/sample-log.ts';

const TRADING = 'switch/trading';
const FIRST = [
  { set: SCHEMA, body: TIMEOUTS_SCHEMA },
  { set: PAYMENTS, body: config({ readMs: 100 }) },
];
const ALL: Partial<OverridePredicate> = { guards: [...OVERRIDABLE_GUARDS] };

async function breakGlass(
  { ports }: Scene,
  operations: object[],
  change: Partial<OverridePredicate> = {},
  plannedAs = operations,
) {
  const about = change.changeId ?? GLASS;
  const request = requestFor({ operations });
  const { planned } = await planOverrideHere(ports, about, requestFor({ operations: plannedAs }));
  return applyOverride(ports, {
    request,
    ...(await signedBy(planned.planDigest ?? PLAN, { ...planned.effect, ...change })),
  });
}

const second = { changeId: 'bg-2', nonce: 'override-2' };
const slower = [{ set: PAYMENTS, body: config({ readMs: 900 }) }];

async function standing({ ports }: Scene, operations: object[], guards: readonly OverridableGuard[]) {
  const { planned } = await planOverrideHere(ports, 'bg-2', requestFor({ operations }));
  return standingAgainst(planned, { guards: [...guards], emptying: [] }).map(({ rule }) => rule);
}

function replayed({ world, trust, verify }: Scene) {
  return replayChange({
    ...{ changeId: GLASS, environment: ENVIRONMENT, trust, verify },
    body: async (digest) => world.bodies.get(digest) ?? null,
    async *entries() {
      yield* world.entries;
    },
  });
}

describe('two people', () => {
  it('make documents live for everybody with one entry, bodies first', async () => {
    const scene = breakGlassScene();
    const result = await breakGlass(scene, FIRST);
    expect(result).toMatchObject({ result: 'applied', index: 0, fence: null });
    expect(scene.world.happened).toEqual(['body', 'body', 'body', 'body', 'entry']);
    const { live, overrides } = scene.world.fold.state;
    expect(live[PAYMENTS]).toMatchObject({ version: '1.0.0', dependsOn: [`${SCHEMA}@^1`], canary: null });
    expect(scene.world.bodies.has(live[PAYMENTS]?.digest ?? PLAN)).toBe(true);
    expect(overrides[GLASS]).toMatchObject({ outcome: { result: 'applied' }, review: null });

    expect(
      await breakGlass(scene, slower, { ...second, guards: ['quorum', 'witness', 'canary'] }),
    ).toMatchObject({
      result: 'applied',
      index: 1,
    });
    expect(live[PAYMENTS]).toMatchObject({ version: '1.1.0', vector: { prod: 2 }, changeId: 'bg-2' });
    expect(await audited(scene)).toEqual([]);
  });

  it('name what is skipped: stages, a freeze, what another change holds', async () => {
    const scene = breakGlassScene();
    await breakGlass(scene, FIRST);
    const quiet = [{ set: TRADING, body: aSwitch() }];
    expect(await standing(scene, quiet, [])).toEqual(['guard-quorum', 'guard-witness']);
    expect(await standing(scene, slower, ['quorum', 'witness'])).toEqual(['guard-canary']);
    const grown = [{ set: PAYMENTS, body: config({ readMs: 900, owner: 'x'.repeat(9000) }) }];
    expect(await standing(scene, grown, ['quorum', 'witness', 'canary'])).toEqual(['config-growth']);
    scene.world.fold.apply(await entryOf('freeze'));
    scene.world.fold.state.reservations[PAYMENTS] = 'chg-9';
    expect(await standing(scene, slower, ['quorum', 'witness', 'canary'])).toEqual([
      'guard-freeze',
      'guard-reservation',
    ]);
    expect(await standing(scene, slower, OVERRIDABLE_GUARDS)).toEqual([]);
  });

  it.each<[string, object[], string]>([
    [
      'a config that its schema refuses',
      [{ set: PAYMENTS, body: config({ readMs: 'soon' }) }],
      'matches-schema',
    ],
    [
      'a schema that is not there',
      [{ set: PAYMENTS, body: config({ readMs: 1 }, 'schema/other@^1') }],
      'dependency-exists',
    ],
    [
      'a switch that has expired',
      [{ set: TRADING, body: aSwitch({ expiresAt: '2020-01-01T00:00:00Z' }) }],
      'switch-not-expired',
    ],
    ['what is still needed, unnamed', [{ remove: SCHEMA }], 'still-needed'],
    ['nothing new', [FIRST[1] ?? {}], 'nothing-to-change'],
  ])('cannot make live %s, whatever they name', async (_, operations, rule) => {
    const scene = breakGlassScene();
    await breakGlass(scene, FIRST);
    expect(await standing(scene, operations, OVERRIDABLE_GUARDS)).toContain(rule);
    expect(await breakGlass(scene, operations, { ...second, ...ALL })).toMatchObject({ result: 'refused' });
    expect(scene.world.fold.state.size).toBe(1);
  });

  it('cannot move a policy', async () => {
    const scene = breakGlassScene();
    const tests = [
      {
        name: 'anybody',
        principal: { subject: 'bob' },
        action: 'override',
        resource: PAYMENTS,
        expect: 'deny',
      },
    ];
    const operations = [{ set: PERMISSIONS_RESOURCE, body: { cedar: DEFAULT_POLICY, tests } }];
    expect(await breakGlass(scene, operations, ALL)).toMatchObject({
      result: 'refused',
      violations: [{ rule: 'not-by-override' }],
    });
    expect(scene.world.happened).toEqual([]);
  });

  it('remove a document only by its name', async () => {
    const scene = breakGlassScene();
    await breakGlass(scene, FIRST);
    const removal = [{ remove: PAYMENTS }];
    expect(await breakGlass(scene, removal, { ...second, ...ALL })).toMatchObject({
      violations: [{ rule: 'emptying-named' }],
    });
    const named = { ...second, ...ALL, emptying: [PAYMENTS] };
    expect(await breakGlass(scene, removal, named)).toMatchObject({ result: 'applied' });
    expect(scene.world.fold.state.live[PAYMENTS]).toMatchObject({ digest: null });
  });

  it('are held to what they signed: the plan, and the moves in it', async () => {
    const scene = breakGlassScene();
    await breakGlass(scene, FIRST);
    expect(
      await breakGlass(scene, slower, { ...second, ...ALL, moves: [] as never }).catch(() => null),
    ).toBeNull();
    const { planned } = await planOverrideHere(scene.ports, 'bg-2', requestFor({ operations: slower }));
    const [move] = planned.effect.moves ?? [];
    if (move === undefined) throw new Error('nothing is planned');
    const other = [{ ...move, to: digestOf('something else') }];
    expect(await breakGlass(scene, slower, { ...second, ...ALL, moves: other })).toMatchObject({
      violations: [{ rule: 'same-effect' }],
    });
    expect(await breakGlass(scene, slower, { ...second, ...ALL }, FIRST.slice(0, 1))).toMatchObject({
      result: 'refused',
    });
    expect(scene.world.fold.state.size).toBe(1);
  });

  it('learn that the log has put something in between: their entry is void', async () => {
    const scene = breakGlassScene();
    const { append } = scene.ports.log;
    scene.ports.log.append = async (envelopes) => {
      scene.world.fold.apply(await entryOf('freeze'));
      return append(envelopes);
    };
    expect(await breakGlass(scene, FIRST)).toMatchObject({
      result: 'refused',
      violations: [{ code: 'FROZEN', rule: 'counts-in-the-log' }],
    });
    expect(scene.world.fold.state.live).toEqual({});
  });
});

describe('while the log does not answer', () => {
  it('documents stay refused, because nobody could read them', async () => {
    const scene = breakGlassScene();
    scene.world.logDown = true;
    await expect(breakGlass(scene, FIRST, ALL)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      message: expect.stringContaining('nobody could read'),
    });
    expect(scene.world.happened).toEqual([]);
  });

  it('a lost answer says where to look before anybody signs again', async () => {
    const scene = breakGlassScene();
    const { append } = scene.ports.log;
    scene.ports.log.append = async (envelopes) => {
      await append(envelopes);
      throw new PortError('STORE_UNAVAILABLE', 'the answer was lost');
    };
    await expect(breakGlass(scene, FIRST)).rejects.toMatchObject({
      details: { next: expect.stringContaining(`status ${GLASS}`) },
    });
    expect(scene.world.fold.state.live[PAYMENTS]).toMatchObject({ changeId: GLASS });
  });
});

describe('who reads it', () => {
  it('an auditor holds it to its plan', async () => {
    const scene = breakGlassScene();
    const { planned } = await planOverrideHere(scene.ports, GLASS, requestFor({ operations: FIRST }));
    const { plan } = planned;
    const { moves } = planned.effect;
    if (plan === null || moves === undefined) throw new Error('nothing is planned');
    const planDigest = await scene.ports.bodies.put(canonicalBytes(plan));
    const change = { requestDigest: plan.requestDigest };
    for (const [said, found, result] of [
      [{ planDigest, moves }, [], 'same'],
      [{ planDigest, moves: moves.slice(0, 1) }, ['override-as-planned'], 'different'],
    ] as const) {
      scene.world.entries = [
        encodeEntry(await overrideCommit({ said: { ...said, moves: [...said.moves] }, change })),
      ];
      expect(await audited(scene)).toEqual(found);
      expect(await replayed(scene)).toMatchObject([{ decision: 'commit', about: 'break-glass', result }]);
    }
  });

  it('the store and the timeline say who moved it and who allowed it', async () => {
    const scene = breakGlassScene();
    await breakGlass(scene, FIRST);
    await breakGlass(scene, slower, { ...second, ...ALL });
    const { world, trust, verify, ports } = scene;
    async function* entries() {
      const fold = createFold({ environment: ENVIRONMENT, trust, verify });
      for (const [index, bytes] of world.entries.entries()) {
        yield { index, bytes, fate: fold.apply(bytes), judge: fold.judge };
      }
    }
    const store = createStore({
      environment: ENVIRONMENT,
      log: { sync: ports.log.sync, entries },
      bodies: ports.bodies,
      readPlan: () => Promise.reject(new Error('documents need no plan')),
      checkpoint: async () => null,
    });
    expect(await store.versionsOf(PAYMENTS)).toMatchObject([
      { version: '1.0.0', changeId: GLASS, author: 'bob', index: 0 },
      { version: '1.1.0', changeId: 'bg-2', author: 'bob', index: 1, parent: expect.any(String) },
    ]);
    expect(await store.bodyOf(await store.versionAt(PAYMENTS, 'head'))).toMatchObject({
      value: { readMs: 900 },
    });
    async function* told() {
      for await (const { index, fate, bytes } of entries())
        yield { index, fate, statement: decodeEntry(bytes) };
    }
    expect(await storiesOf(told())).toMatchObject([
      { author: 'bob', resources: [SCHEMA, PAYMENTS], ended: { status: 'committed', index: 0 } },
      { decisions: [{ approver: 'bob' }, { approver: 'cyd' }], ended: { status: 'committed', index: 1 } },
    ]);
  });
});
