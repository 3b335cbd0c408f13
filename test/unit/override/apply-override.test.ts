import { describe, expect, it } from 'vitest';
import { applyOverride } from '../../../activities/break-glass/apply-override.ts';
import { planOverrideHere } from '../../../activities/break-glass/plan-override.ts';
import { reconcileSpool } from '../../../activities/break-glass/reconcile-spool.ts';
import { canonicalBytes, digestOf, digestOfBytes } from '../../../domain/evidence/canonical-json.ts';
import type { OverridePredicate } from '../../../domain/evidence/statements.ts';
import { overrideFence } from '../../../domain/kinds/dns-fence.ts';
import { PERMISSIONS_RESOURCE } from '../../../domain/kinds/policy.ts';
import { encodeEntry } from '../../../domain/log/entry.ts';
import { OVERRIDABLE_GUARDS } from '../../../domain/override/guards.ts';
import { DEFAULT_POLICY } from '../../../domain/permissions/default-policy.ts';
import {
  audited,
  breakGlassScene,
  requestTo,
  type Scene,
  signedBy,
} from '../../support/break-glass-scene.ts';
import { liveVersion } from '../../support/dns-plans.ts';
import { API, entryOf, envelopeOf, GLASS, overrideIntent, PLAN, ZONE } from '../../support/sample-log.ts';

const NO_LOG = { guards: [...OVERRIDABLE_GUARDS] };

async function breakGlass({ ports }: Scene, change: Partial<OverridePredicate> = {}, address = '192.0.2.2') {
  const request = requestTo(address);
  const { planned } = await planOverrideHere(ports, change.changeId ?? GLASS, request);
  return applyOverride(ports, {
    request,
    ...(await signedBy(planned.planDigest ?? PLAN, { ...planned.effect, ...change })),
  });
}

const addressOf = ({ world }: Scene) =>
  world.zone.recordSets.find(({ name, type }) => name === 'api.example.com' && type === 'A')?.values;

describe('with the log', () => {
  it('writes ahead, then the zone, then the outcome; the log knows what is live', async () => {
    const scene = breakGlassScene();
    expect(await breakGlass(scene)).toMatchObject({ result: 'applied', index: 0, fence: '0' });
    expect(scene.world.happened).toEqual(['body', 'body', 'entry', 'zone 0', 'entry']);
    expect(addressOf(scene)).toEqual(['192.0.2.2']);
    const { state } = scene.world.fold;
    expect(state.ended[GLASS]).toEqual({ status: 'committed', index: 1 });
    expect(state.overrides[GLASS]).toMatchObject({ outcome: { result: 'applied' }, review: null });
    expect(state.live[API]).toMatchObject({ changeId: GLASS, index: 1 });
    expect(state.recentCommits).toMatchObject([{ zone: ZONE, resources: [API] }]);
    expect(await audited(scene)).toEqual([]);
  });

  it('refuses what is not named, with every reason, and writes nothing', async () => {
    const scene = breakGlassScene();
    const result = await breakGlass(scene, { guards: ['quorum'], approvers: ['bob', 'bob'] });
    expect(result).toMatchObject({
      result: 'refused',
      violations: [
        { rule: 'two-people' },
        { rule: 'never-all-targets' },
        { rule: 'guard-witness' },
        { rule: 'guard-canary' },
      ],
    });
    expect(scene.world.happened).toEqual([]);
  });

  it('refuses a token whose records are not those of its plan', async () => {
    const records = { zone: ZONE, resources: [{ resource: API, to: digestOf('something else') }] };
    const refused = await breakGlass(breakGlassScene(), { records });
    expect(refused).toMatchObject({ result: 'refused', violations: [{ rule: 'same-effect' }] });
  });

  it('refuses a token that was signed for the zone as it was before', async () => {
    const scene = breakGlassScene();
    const request = requestTo('192.0.2.2');
    const { planned } = await planOverrideHere(scene.ports, GLASS, request);
    const signed = await signedBy(planned.planDigest ?? PLAN, planned.effect);
    await breakGlass(scene, { changeId: 'bg-2', nonce: 'override-2' }, '192.0.2.9');
    expect(await applyOverride(scene.ports, { request, ...signed })).toMatchObject({
      result: 'refused',
      violations: [{ rule: 'same-plan' }],
    });
  });

  it('is forbidden to whom the policy in force forbids it, and to nobody where that cannot be read', async () => {
    const cedar = `${DEFAULT_POLICY}
@id("bob-breaks-nothing")
forbid (principal == Person::"bob", action == Action::"override", resource);`;
    const asked = { principal: { subject: 'bob' }, action: 'override', resource: API };
    const policy = canonicalBytes({ cedar, tests: [{ name: 'never bob', ...asked, expect: 'deny' }] });
    const scene = breakGlassScene();
    scene.world.fold.state.live[PERMISSIONS_RESOURCE] = liveVersion({ digest: digestOfBytes(policy) });
    scene.world.bodies.set(digestOfBytes(policy), policy);
    expect(await breakGlass(scene)).toMatchObject({
      result: 'refused',
      violations: [{ code: 'NOT_PERMITTED', message: expect.stringContaining('bob-breaks-nothing') }],
    });
    expect(scene.world.happened).toEqual([]);
    scene.world.bodies.clear();
    expect(await breakGlass(scene)).toMatchObject({ result: 'applied' });
  });

  it('takes a token once', async () => {
    const scene = breakGlassScene();
    await breakGlass(scene);
    expect(await breakGlass(scene, {}, '192.0.2.3')).toMatchObject({
      result: 'refused',
      violations: [{ rule: 'single-use' }],
    });
    expect(addressOf(scene)).toEqual(['192.0.2.2']);
  });

  it('looks at the fence after an answer that was lost, before or after the effect', async () => {
    for (const lost of ['before', 'after'] as const) {
      const scene = breakGlassScene();
      scene.world.lost = [lost];
      expect(await breakGlass(scene)).toMatchObject({ result: 'applied', fence: '0' });
      expect(scene.world.happened.filter((one) => one === 'zone 0')).toHaveLength(1);
    }
  });

  it('never rebases: a write that came between stops it, and the log says that it did not land', async () => {
    const scene = breakGlassScene();
    const { dns } = scene.ports;
    const { applyBatch } = dns;
    dns.applyBatch = async (batch) => {
      for (const type of ['request', 'plan', 'intent'] as const) {
        scene.world.fold.apply(await entryOf(type));
      }
      scene.world.zone = { ...scene.world.zone, fence: '3' };
      return applyBatch(batch);
    };
    const changeId = 'bg-glass';
    await expect(breakGlass(scene, { changeId })).rejects.toMatchObject({ code: 'STALE_FENCE' });
    expect(scene.world.fold.state.overrides[changeId]?.outcome).toMatchObject({
      result: 'not-applied',
      fence: '3',
    });
    expect(addressOf(scene)).toEqual(['192.0.2.1']);
  });

  it('that nobody could tell the end of is settled later, by the fence', async () => {
    const scene = breakGlassScene();
    scene.world.lost = ['before', 'before', 'before'];
    await expect(breakGlass(scene)).rejects.toMatchObject({ code: 'DNS_UNAVAILABLE' });
    // The batch may still be on its way.
    expect((await reconcileSpool(scene.ports)).settled).toEqual([]);
    scene.world.zone = { ...scene.world.zone, fence: '0' };
    expect((await reconcileSpool(scene.ports)).settled).toEqual([{ changeId: GLASS, result: 'applied' }]);
    expect((await reconcileSpool(scene.ports)).settled).toEqual([]);
  });
});

describe('without the log', () => {
  it('writes ahead in the spool, and leaves a fence that orders after the live one and before the next', async () => {
    const scene = breakGlassScene();
    scene.world.zone = { ...scene.world.zone, fence: '41' };
    scene.world.logDown = true;
    const result = await breakGlass(scene, NO_LOG);
    expect(result).toMatchObject({ result: 'applied', index: null });
    expect(scene.world.happened).toEqual(['spool', `zone ${scene.world.zone.fence}`, 'spool']);
    expect(scene.world.zone.fence).toMatch(/^41\.o[0-9a-f]{16}$/);
    expect(scene.world.spool.map((item) => ('body' in item ? 'body' : 'envelope'))).toEqual([
      'body',
      'body',
      'envelope',
      'envelope',
    ]);
  });

  it('refuses a token that is in the spool already', async () => {
    const scene = breakGlassScene();
    scene.world.logDown = true;
    await breakGlass(scene, NO_LOG);
    expect(await breakGlass(scene, NO_LOG, '192.0.2.3')).toMatchObject({
      violations: [{ rule: 'single-use' }],
    });
  });

  it('is brought to the log when that is back, once, and explains its fence', async () => {
    const scene = breakGlassScene();
    scene.world.logDown = true;
    await breakGlass(scene, NO_LOG);
    await expect(reconcileSpool(scene.ports)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(scene.world.spool).toHaveLength(4);
    scene.world.logDown = false;
    const spooled = [...scene.world.spool];
    expect(await reconcileSpool(scene.ports)).toEqual({ entries: [0, 1], bodies: 2, settled: [] });
    expect(scene.world.fold.state.live[API]).toMatchObject({ changeId: GLASS });
    expect(await audited(scene)).toEqual([]);
    // A crash after the last entry and before the spool is put aside.
    scene.world.spool = spooled;
    Object.assign(scene.ports.spool, { read: async () => spooled });
    expect(await reconcileSpool(scene.ports)).toMatchObject({ entries: [0, 1] });
    expect(scene.world.fold.state.overrides[GLASS]?.intent.index).toBe(0);
  });

  it.each<[string, (scene: Scene) => Promise<void>, string]>([
    [
      'whose id another override took meanwhile',
      async ({ world }) => {
        world.fold.apply(encodeEntry(await overrideIntent({ said: { nonce: 'another' } })));
      },
      'ALREADY_ENDED',
    ],
    [
      'whose token was used for another meanwhile',
      async ({ world }) => {
        world.fold.apply(encodeEntry(await overrideIntent({ said: { changeId: 'bg-3' } })));
      },
      'NOT_PERMITTED',
    ],
    [
      'by a role that the trust document does not know',
      async ({ world }) => {
        const stranger = await envelopeOf('override-outcome', {}, 'enactor');
        world.spool = world.spool.map((item, i) => (i === 2 ? { envelope: stranger } : item));
      },
      'NOT_PERMITTED',
    ],
    [
      'that this build cannot read',
      async ({ world }) => {
        const nothing = { ...(await envelopeOf('override')), payload: 'e30=' };
        world.spool = world.spool.map((item, i) => (i === 2 ? { envelope: nothing } : item));
      },
      'ENTRY_MALFORMED',
    ],
  ])('an entry %s keeps no later one out, and is said and kept', async (_, befalls, code) => {
    const scene = breakGlassScene();
    const { world, ports } = scene;
    world.logDown = true;
    await breakGlass(scene, NO_LOG);
    await breakGlass(scene, { ...NO_LOG, changeId: 'bg-2', nonce: 'override-2' }, '192.0.2.3');
    world.logDown = false;
    await befalls(scene);
    const spooled = [...world.spool];
    const reconciled = reconcileSpool(ports);
    await expect(reconciled).rejects.toMatchObject({
      code,
      message: expect.stringMatching(
        /^2 lines of the spool are not in the log\. The rest is, at \d+, \d+\.$/,
      ),
      details: {
        next: expect.stringContaining('not-counted'),
        violations: [
          { rule: 'spool-counts', path: 'line 3', code },
          { rule: 'spool-counts', path: 'line 4' },
        ],
      },
    });
    expect(world.fold.state.overrides['bg-2']).toMatchObject({ outcome: { result: 'applied' } });
    expect(world.fold.state.live[API]).toMatchObject({ changeId: 'bg-2' });
    expect(world.aside).toEqual({ as: 'not-counted', items: spooled });
    expect(await reconcileSpool(ports)).toMatchObject({ entries: [], bodies: 0 });
  });

  it('refuses, before anything is written, what the log could never take', async () => {
    const scene = breakGlassScene();
    scene.world.logDown = true;
    const emptying = Array.from({ length: 2000 }, (_, i) => `dns/${ZONE}/none-${i}/A`);
    await expect(breakGlass(scene, { ...NO_LOG, emptying })).rejects.toMatchObject({ code: 'TOO_LARGE' });
    expect(scene.world.happened).toEqual([]);
    expect(addressOf(scene)).toEqual(['192.0.2.1']);
  });

  it('counts although the world has moved on, and although a freeze came since', async () => {
    const scene = breakGlassScene();
    scene.world.logDown = true;
    await breakGlass(scene, NO_LOG);
    scene.world.logDown = false;
    scene.world.fold.apply(await entryOf('freeze'));
    expect((await reconcileSpool(scene.ports)).entries).toEqual([1, 2]);
  });

  it('is missed by an auditor as long as it is not in the log', async () => {
    const scene = breakGlassScene();
    const fence = overrideFence(null, '0123456789abcdef');
    for (const bytes of [
      await entryOf('request'),
      await entryOf('plan'),
      await entryOf('intent', { expectedFence: fence }),
    ]) {
      scene.world.entries.push(bytes);
      scene.world.fold.apply(bytes);
    }
    expect(await audited(scene)).toContain('override-explained');
  });

  it('is held to its plan by an auditor: it moves that and nothing else', async () => {
    const scene = breakGlassScene();
    const { planned } = await planOverrideHere(scene.ports, GLASS, requestTo('192.0.2.2'));
    const { plan } = planned;
    if (plan?.kind !== 'dns') throw new Error('nothing is planned');
    const planDigest = await scene.ports.bodies.put(canonicalBytes(plan));
    const target = plan.resources[0]?.targetDigest ?? null;
    for (const [to, found] of [
      [target, false],
      [digestOf('something else'), true],
    ] as const) {
      const records = { zone: plan.zone, resources: [{ resource: API, to }] };
      scene.world.entries = [
        encodeEntry(
          await overrideIntent({
            said: { planDigest, records },
            change: { requestDigest: plan.requestDigest, ...records },
          }),
        ),
      ];
      expect((await audited(scene)).includes('override-as-planned')).toBe(found);
    }
  });

  it('explains a fence also where an ordinary change came first', async () => {
    const scene = breakGlassScene();
    scene.world.logDown = true;
    const result = await breakGlass(scene, { ...NO_LOG, changeId: 'bg-glass' });
    scene.world.logDown = false;
    const fence = result.result === 'applied' ? result.fence : '';
    for (const bytes of [
      await entryOf('request'),
      await entryOf('plan'),
      await entryOf('intent', { expectedFence: fence }),
      await entryOf('outcome', { fence: '2' }),
    ]) {
      scene.world.entries.push(bytes);
      scene.world.fold.apply(bytes);
    }
    expect(await audited(scene)).toContain('override-explained');
    await reconcileSpool(scene.ports);
    const rules = await audited(scene);
    expect(rules).not.toContain('override-explained');
    expect(rules).not.toContain('fence-explained');
  });
});

it('does nothing for another environment or an unknown zone', async () => {
  const scene = breakGlassScene();
  const request = requestTo('192.0.2.2');
  const elsewhere = { ...request, metadata: { ...request.metadata, environment: 'dev' } };
  await expect(planOverrideHere(scene.ports, GLASS, elsewhere)).rejects.toMatchObject({
    code: 'NOT_PERMITTED',
  });
  const unknown = {
    ...request,
    spec: { ...request.spec, operations: [{ remove: 'dns/other.example/api/A' }] },
  };
  await expect(planOverrideHere(scene.ports, GLASS, unknown)).rejects.toMatchObject({
    code: 'NOT_PERMITTED',
  });
});
