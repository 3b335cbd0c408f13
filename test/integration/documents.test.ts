import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import { openEnvelope, signStatement } from '../../domain/evidence/statement-codec.ts';
import type { FreezePredicate } from '../../domain/evidence/statements.ts';
import type { LogState } from '../../domain/log/state.ts';
import { Fleet } from '../../examples/demo/consumers.ts';
import type { OpenedPorts } from '../../worker/role-ports.ts';
import { VOTER_ZONES } from '../../workflows/contract.ts';
import { honoured } from '../support/live-change.ts';
import {
  approveAll,
  BAKE_SECONDS,
  documentRequest,
  exampleRequest,
  runDocuments,
} from '../support/live-documents.ts';
import { type LiveEnvironment, type Role, startLiveEnvironment } from '../support/live-environment.ts';

const PAYMENTS = 'config/payments/timeouts';
const CHECKOUT = 'config/checkout/timeouts';
const SCHEMA = 'schema/timeouts';
const SWITCH = 'switch/payments';
const THROTTLE = 'switch/checkout-rate';
const INSTANCES = 6;

let env: LiveEnvironment;
let fleet: Fleet;
/** What happens just before the enactor's next exposure. */
let beforeExposure: (() => Promise<unknown>) | null = null;

function watched(role: Role, ports: OpenedPorts): OpenedPorts {
  if (role !== 'enactor') return ports;
  const { log } = ports;
  return {
    ...ports,
    log: {
      ...log,
      async append(entries) {
        const said = entries.map(openEnvelope)[0];
        if (said?.type === 'commit' && said.predicate.rollout !== null && beforeExposure !== null) {
          const happens = beforeExposure;
          beforeExposure = null;
          await happens();
        }
        return log.append(entries);
      },
    },
  };
}

beforeAll(async () => {
  env = await startLiveEnvironment({ name: 'documents', wrap: watched });
  fleet = await Fleet.start({
    consumerFile: env.prepared.consumerFile,
    dir: join(env.dir, 'fleet'),
    instances: INSTANCES,
    zones: VOTER_ZONES,
    isBroken: (client) => client.get(PAYMENTS)?.value.readMs === 1,
    pollIntervalMs: 300,
    reportIntervalMs: 300,
  });
});
afterAll(async () => {
  await fleet?.stop();
  await env?.stop();
});

async function live(resource: string): Promise<LogState['live'][string] | undefined> {
  return (await env.log.sync()).live[resource];
}

async function seenByAll(resource: string, version: string): Promise<void> {
  await vi.waitUntil(() => fleet.having(resource, version) === INSTANCES, { timeout: 10_000 });
}

async function committed(changeId: string, file: string): Promise<void> {
  expect(await runDocuments(env, changeId, exampleRequest(env, file))).toEqual({
    status: 'committed',
    violations: [],
  });
}

describe('the examples travel the real path', () => {
  test('first a schema, then the configs that name it, then a switch', async () => {
    await committed('first-schema', '1-schema');
    await committed('first-configs', '2-configs');
    await committed('first-switch', '3-switch');
    for (const resource of [SCHEMA, PAYMENTS, CHECKOUT, SWITCH]) await seenByAll(resource, '1.0.0');
    expect((await live(PAYMENTS))?.dependsOn).toEqual(['schema/timeouts@^1']);
  });

  test('a config reaches half of the consumers, is judged by their reports, and then everybody', async () => {
    await env.controlPlane.submit('config', exampleRequest(env, '4-change-config'), env.person('alice'));
    await approveAll(env, 'config');
    await env.until('config', ({ stages }) => stages[0]?.state === 'baking');
    await vi.waitUntil(() => fleet.having(PAYMENTS, '1.1.0') > 0, { timeout: 10_000 });
    expect(fleet.having(PAYMENTS, '1.1.0')).toBeLessThan(INSTANCES);
    expect((await env.ended('config')).status).toBe('committed');
    await seenByAll(PAYMENTS, '1.1.0');

    const history = await env.controlPlane.history('config');
    const said = history.map(({ statement, signer }) => `${statement?.type} by ${signer}`);
    const stage = [
      'intent by orchestrator',
      'commit by enactor',
      'outcome by enactor',
      'stage-verdict by analysis',
    ];
    expect(said.filter((line) => !line.startsWith('vote'))).toEqual([
      ...['request by alice', 'plan by orchestrator', 'acceptance by orchestrator'],
      ...[...stage, ...stage, 'commit by enactor'],
    ]);
    for (const { verdict, arms } of honoured(history, 'stage-verdict')) {
      expect(verdict).toBe('pass');
      expect(arms.canary.samples).toBeGreaterThanOrEqual(5);
    }
  });

  test('one whose consumers report errors is withdrawn by itself, and all is as before', async () => {
    const before = await live(PAYMENTS);
    const { status, violations } = await runDocuments(env, 'bad', exampleRequest(env, 'bad-config'));
    expect(status).toBe('rolled-back');
    expect(violations).toEqual([expect.objectContaining({ code: 'CANARY_REGRESSED', rule: 'canary' })]);
    expect(await live(PAYMENTS)).toEqual(before);
    await seenByAll(PAYMENTS, '1.1.0');
    const state = await env.log.sync();
    expect(state.ended.bad?.status).toBe('rolled-back');
    expect(state.reservations).toEqual({});
    const exposures = honoured(await env.controlPlane.history('bad'), 'commit').map(({ rollout }) => rollout);
    expect(exposures).toEqual([
      { stage: '50%', percent: 50, zones: [] },
      { stage: 'withdraw', percent: 0, zones: [] },
    ]);
  });

  test('a switch is engaged by one person, in the middle of a freeze too, and released by two', async () => {
    const freeze = { scope: null, reason: 'incident 812', hard: false, rollBack: false };
    await env.brakes.freeze(freeze, env.person('carol'));
    await env.controlPlane.submit('engage', exampleRequest(env, '5-engage-switch'), env.person('alice'));
    await env.approve('engage');
    expect((await env.ended('engage')).status).toBe('committed');
    await vi.waitUntil(() => fleet.clients.every((client) => client.isEngaged('payments')), {
      timeout: 10_000,
    });
    await env.brakes.resume({ scope: null, reason: 'it is over', gradual: null }, env.person('carol'));

    await env.controlPlane.submit('release', exampleRequest(env, '6-release-switch'), env.person('alice'));
    await env.approve('release', 'bob');
    expect(await env.controlPlane.status('release')).toMatchObject({
      phase: 'approval',
      approvalsNeeded: 2,
      risk: { class: 'critical' },
    });
    await env.approve('release', 'carol');
    expect((await env.ended('release')).status).toBe('committed');
    await vi.waitUntil(() => fleet.clients.every((client) => !client.isEngaged('payments')), {
      timeout: 10_000,
    });
  });

  test('a schema, two configs and a switch move together, and nobody sees one without the others', async () => {
    const moved = [SCHEMA, PAYMENTS, CHECKOUT, THROTTLE];
    const seen = new Set<string>();
    const stopWatching = fleet.clients.flatMap((client) =>
      moved.map((resource) =>
        client.watch(resource, () => {
          seen.add(moved.map((one) => client.get(one)?.version ?? 'none').join(' '));
        }),
      ),
    );
    await committed('batch', '7-move-together');
    await seenByAll(THROTTLE, '1.0.0');
    for (const stop of stopWatching) stop();
    expect([...seen]).toEqual(['2.0.0 1.2.0 1.1.0 1.0.0']);
    const { live: all } = await env.log.sync();
    expect(new Set(moved.map((resource) => all[resource]?.index)).size).toBe(1);
    const rollouts = honoured(await env.controlPlane.history('batch'), 'commit').map(
      ({ rollout }) => rollout,
    );
    expect(rollouts.map((rollout) => rollout?.zones.length ?? 'everybody')).toEqual([1, 2, 3, 'everybody']);
  });
});

describe('what is refused', () => {
  const narrowed = {
    set: SCHEMA,
    body: {
      type: 'object',
      properties: {
        readMs: { type: 'integer', minimum: 1, maximum: 4000 },
        writeMs: { type: 'integer', minimum: 1, maximum: 4000 },
        retries: { type: 'integer', minimum: 0, maximum: 5 },
      },
      required: ['readMs', 'writeMs'],
      additionalProperties: false,
    },
  };

  async function refusal(changeId: string, spec: object) {
    await env.controlPlane.submit(changeId, documentRequest(env, spec), env.person('alice'));
    const { status, violations } = await env.ended(changeId);
    expect(status).toBe('rejected');
    return violations.map(({ rule, message }) => `${rule}: ${message}`).join('\n');
  }

  test('a schema that breaks its promise without those who depend on it', async () => {
    const said = await refusal('breaking', { operations: [narrowed] });
    expect(said).toContain('breaking-moves-dependents');
    expect(said).toContain(PAYMENTS);
    expect(said).toContain(CHECKOUT);
  });

  test('the removal of what others need, with their names', async () => {
    const said = await refusal('removal', { operations: [{ remove: SCHEMA }] });
    expect(said).toMatch(/still-needed: schema\/timeouts cannot be removed: .*config\/checkout\/timeouts/);
    expect(said).toMatch(/still-needed: .*config\/payments\/timeouts/);
  });
});

describe('changes that meet', () => {
  const schema = `${SCHEMA}@^2`;
  const checkout = (readMs: number) => ({
    set: CHECKOUT,
    body: { schema, value: { readMs, writeMs: 2500, retries: 1 } },
  });
  const rollout = { stages: [50, 100], bakeSeconds: BAKE_SECONDS, minimumSamples: 5 };

  test('of one config queue; the later one, whose author had not seen the earlier, is refused with both sides', async () => {
    const first = documentRequest(env, { operations: [checkout(800)], rollout });
    const second = documentRequest(env, { operations: [checkout(700)], rollout });
    await env.controlPlane.submit('first', first, env.person('alice'));
    await env.controlPlane.submit('second', second, env.person('bob'));
    await env.until(
      'second',
      ({ waitingFor }) => waitingFor?.what.includes('number 2 in its lane, behind first') ?? false,
    );
    await approveAll(env, 'first');
    expect((await env.ended('first')).status).toBe('committed');
    const { status, violations } = await env.ended('second');
    expect(status).toBe('rejected');
    const [conflict] = violations;
    expect(conflict).toMatchObject({ code: 'STALE_BASE', rule: 'concurrent-edit' });
    expect(conflict?.message).toContain('This change: /value/readMs 1000 → 700');
    expect(conflict?.message).toContain('first: /value/readMs 1000 → 800');
    expect(conflict?.message).toContain('They clash at /value/readMs');
  });

  test('of which one depends on the other commit in order', async () => {
    const needed = documentRequest(env, { operations: [checkout(900)], rollout });
    const needing = exampleRequest(env, '5-engage-switch');
    needing.spec.dependsOn = ['change/needed'];
    await env.controlPlane.submit('needed', needed, env.person('alice'));
    await env.controlPlane.submit('needing', needing, env.person('alice'));
    await env.until('needing', ({ waitingFor }) => waitingFor?.what.includes('behind needed') ?? false);
    await approveAll(env, 'needed');
    await approveAll(env, 'needing');
    expect((await env.ended('needing')).status).toBe('committed');
    const { ended } = await env.log.sync();
    expect(ended.needed?.index).toBeLessThan(ended.needing?.index ?? 0);
  });
});

describe('a freeze that comes between intent and exposure', () => {
  async function setAutomation(state: FreezePredicate['state']): Promise<void> {
    const freeze = await signStatement(env.person('carol').signer, 'freeze', {
      environment: env.name,
      state,
      scope: null,
      operator: 'carol',
      reason: 'an incident elsewhere',
      nonce: `documents-${state}`,
      at: new Date().toISOString(),
    });
    expect(await env.log.append([freeze])).toEqual([expect.objectContaining({ fate: 'honoured' })]);
  }

  test('voids the exposure: nobody gets the new version until it ends, and then the change goes on', async () => {
    const before = await live(SWITCH);
    beforeExposure = () => setAutomation('frozen');
    const running = runDocuments(env, 'frozen', exampleRequest(env, '6-release-switch'));
    await vi.waitUntil(() => beforeExposure === null, { timeout: 20_000 });
    await env.until('frozen', ({ waitingFor }) => waitingFor?.what.includes('is frozen') === true);
    expect(digestOf((await live(SWITCH)) ?? null)).toBe(digestOf(before ?? null));
    await setAutomation('active');
    expect((await running).status).toBe('committed');
    const fates = (await env.controlPlane.history('frozen'))
      .filter(({ statement }) => statement?.type === 'commit')
      .map(({ fate }) => fate);
    expect(fates).toEqual(['void', 'honoured', 'honoured']);
  });
});
