import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import type { ControlPlaneClient, DocumentMove } from '../../../client/sdk/index.ts';
import { armFor } from '../../../domain/canary/consumer-arm.ts';
import { DomainError, PortError } from '../../../domain/errors.ts';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import { killSwitch, POLL_MS, SdkScene, TIMEOUTS, TRADING, timeouts } from '../../support/sdk-scene.ts';

const DOWN = new PortError('STORE_UNAVAILABLE', 'The store does not answer.', { next: 'Wait.' });

async function scene() {
  const made = new SdkScene();
  await made.history.make('chg-1', {
    [TIMEOUTS]: timeouts({ readMs: 100, tags: ['a'] }),
    [TRADING]: killSwitch(),
    'schema/timeouts': { type: 'object' },
  });
  return made;
}

/** Instances by the arm that a change puts them on. */
function instanceOn(arm: 'stable' | 'canary', changeId: string, percent: number): string {
  for (let i = 0; ; i += 1) {
    const instanceId = `pod-${i}`;
    if (armFor({ instanceId, zone: 'us-east-1a' }, { changeId, percent, zones: [] }) === arm)
      return instanceId;
  }
}

function readMs(client: ControlPlaneClient): unknown {
  return client.get(TIMEOUTS)?.value.readMs;
}

describe('get', () => {
  test('answers with the version that is live, frozen all the way down', async () => {
    const made = await scene();
    const client = await made.start();
    const found = client.get(TIMEOUTS);
    expect(found).toEqual({
      resource: TIMEOUTS,
      version: '1.0.0',
      digest: digestOf(timeouts({ readMs: 100, tags: ['a'] })),
      arm: 'stable',
      index: 3,
      value: { readMs: 100, tags: ['a'] },
    });
    expect(Object.isFrozen(found)).toBe(true);
    expect(() => Object.assign(found?.value.tags as string[], { 1: 'b' })).toThrow(TypeError);
    expect(client.get('schema/timeouts')?.value).toEqual({ type: 'object' });
    expect(client.get(TRADING)?.value.owner).toBe('team-trading');
    expect(client.get('config/none/here')).toBeUndefined();
  });

  test('follows the log, and forgets what is removed', async () => {
    const made = await scene();
    const client = await made.start();
    await made.history.make('chg-2', { [TIMEOUTS]: timeouts({ readMs: 200 }), [TRADING]: null });
    expect(readMs(client)).toBe(100);
    await made.poll();
    expect(client.get(TIMEOUTS)).toMatchObject({ version: '1.1.0', value: { readMs: 200 } });
    expect(client.get(TRADING)).toBeUndefined();
  });
});

describe('a canary', () => {
  test.each([
    ['canary', 200],
    ['stable', 100],
  ] as const)('gives the %s arm its version, until it is withdrawn', async (arm, expected) => {
    const made = await scene();
    const client = await made.start({ instanceId: instanceOn(arm, 'chg-2', 50) });
    expect(client.arm(TIMEOUTS)).toBe('stable');
    const change = await made.history.begin('chg-2', { [TIMEOUTS]: timeouts({ readMs: 200 }) });
    await change.expose({ percent: 50 });
    await made.poll();
    expect(readMs(client)).toBe(expected);
    expect(client.arm(TIMEOUTS)).toBe(arm);
    expect(client.get(TIMEOUTS)?.arm).toBe(arm);
    // The way back needs no body that could be missing.
    made.bodies.clear();
    await change.withdraw();
    await made.poll();
    expect(readMs(client)).toBe(100);
    expect(client.arm(TIMEOUTS)).toBe('stable');
    expect(client.status().state).toBe('fresh');
  });

  test('of a resource that is new is there for its own arm alone', async () => {
    const made = await scene();
    const client = await made.start({ instanceId: instanceOn('stable', 'chg-2', 50) });
    const change = await made.history.begin('chg-2', { 'config/payments/limits': timeouts({ max: 1 }) });
    await change.expose({ percent: 50 });
    await made.poll();
    expect(client.get('config/payments/limits')).toBeUndefined();
    await change.commit();
    await made.poll();
    expect(client.get('config/payments/limits')?.value).toEqual({ max: 1 });
  });
});

describe('watch', () => {
  test('tells once per move, when the whole batch is in place, and no more when it is ended', async () => {
    const made = await scene();
    const client = await made.start();
    const seen: unknown[] = [];
    const end = client.watch(TIMEOUTS, ({ before, after }) => {
      seen.push([
        before?.version,
        after?.version,
        client.get(TRADING)?.version,
        client.get(TIMEOUTS)?.version,
      ]);
    });
    await made.poll();
    await made.history.make('chg-2', {
      [TIMEOUTS]: timeouts({ readMs: 200 }),
      [TRADING]: killSwitch({ engaged: true }),
    });
    await made.poll();
    expect(seen).toEqual([['1.0.0', '1.1.0', '1.1.0', '1.1.0']]);
    await made.history.make('chg-3', { [TRADING]: killSwitch() });
    await made.poll();
    end();
    await made.history.make('chg-4', { [TIMEOUTS]: null });
    await made.poll();
    expect(seen).toHaveLength(1);
  });

  test("is silent when a commit makes live what this consumer's arm had already", async () => {
    const made = await scene();
    const client = await made.start({ instanceId: instanceOn('canary', 'chg-2', 50) });
    const moves: DocumentMove[] = [];
    client.watch(TIMEOUTS, (move) => moves.push(move));
    const change = await made.history.begin('chg-2', { [TIMEOUTS]: timeouts({ readMs: 200 }) });
    await change.expose({ percent: 50 });
    await made.poll();
    await change.commit();
    await made.poll();
    expect(moves.map(({ after }) => after?.version)).toEqual(['1.1.0']);
    expect(client.get(TIMEOUTS)?.arm).toBe('stable');
  });

  test('survives a listener that throws, and says so', async () => {
    const made = await scene();
    const client = await made.start();
    const told: string[] = [];
    client.watch(TIMEOUTS, () => {
      throw new Error('a defect');
    });
    client.watch(TIMEOUTS, () => told.push('second'));
    await made.history.make('chg-2', { [TIMEOUTS]: timeouts({ readMs: 200 }) });
    await made.poll();
    expect(told).toEqual(['second']);
    expect(client.status()).toMatchObject({ state: 'fresh', warnings: [{ message: 'Error: a defect' }] });
  });
});

describe('isEngaged', () => {
  test('follows the switch, and its safe state from the moment it expires', async () => {
    const made = await scene();
    const client = await made.start();
    expect(client.isEngaged('trading')).toBe(false);
    await made.history.make('chg-2', { [TRADING]: killSwitch({ engaged: true, safeState: 'released' }) });
    await made.poll();
    expect(client.isEngaged('trading')).toBe(true);
    made.nowMs = Date.parse('2026-01-01T01:00:00Z');
    expect(client.isEngaged('trading')).toBe(false);
  });

  test('looks at the scope: service, zone and tenant', async () => {
    const made = await scene();
    const engaged = (scope: object) => killSwitch({ engaged: true, scope });
    await made.history.make('chg-2', {
      'switch/here': engaged({ services: ['payments'], zones: ['us-east-1a'] }),
      'switch/there': engaged({ zones: ['us-east-1b'] }),
      'switch/tenant': engaged({ tenants: ['acme'] }),
    });
    const client = await made.start();
    expect(['here', 'there', 'tenant'].map((name) => client.isEngaged(name))).toEqual([true, false, true]);
    expect(client.isEngaged('tenant', { tenant: 'other' })).toBe(false);
  });

  test('throws for a switch that is not there', async () => {
    const client = await (await scene()).start();
    expect(() => client.isEngaged('constructor')).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
  });
});

test('getEffective merges the layers that there are, anew after each move', async () => {
  const made = await scene();
  await made.history.make('chg-2', {
    'config/_global/timeouts': timeouts({ readMs: 1, writeMs: 1, nested: { a: 1 } }),
    'config/_tenant.acme/timeouts': timeouts({ writeMs: 2 }),
  });
  const client = await made.start();
  expect(client.getEffective('payments', 'timeouts')).toEqual({
    value: { readMs: 100, tags: ['a'], writeMs: 1, nested: { a: 1 } },
    origins: {
      '/nested/a': 'config/_global/timeouts',
      '/readMs': TIMEOUTS,
      '/tags': TIMEOUTS,
      '/writeMs': 'config/_global/timeouts',
    },
  });
  const effective = client.getEffective('payments', 'timeouts', { tenant: 'acme' });
  expect(effective?.value.writeMs).toBe(2);
  expect(client.getEffective('payments', 'timeouts', { tenant: 'acme' })).toBe(effective);
  expect(Object.isFrozen(effective?.value.nested)).toBe(true);
  expect(client.getEffective('orders', 'nothing')).toBeUndefined();
  await made.history.make('chg-3', { [TIMEOUTS]: timeouts({ readMs: 300 }) });
  await made.poll();
  expect(client.getEffective('payments', 'timeouts')?.value.readMs).toBe(300);
});

describe('what does not verify', () => {
  test('is not served: the last good stays, whole, and says why, until all is well', async () => {
    const made = await scene();
    const client = await made.start();
    const verifiedAt = client.status().lastVerifiedAt;
    await made.history.make('chg-2', {
      [TIMEOUTS]: timeouts({ readMs: 200 }),
      [TRADING]: killSwitch({ engaged: true }),
    });
    const digest = digestOf(timeouts({ readMs: 200 }));
    const bytes = made.bodies.get(digest) ?? new Uint8Array();
    made.bodies.set(digest, new TextEncoder().encode('{}'));
    made.nowMs += POLL_MS;
    await made.poll();
    expect([readMs(client), client.isEngaged('trading')]).toEqual([100, false]);
    expect(client.status()).toMatchObject({
      state: 'stale',
      index: 4,
      lastVerifiedAt: verifiedAt,
      reason: { code: 'DIGEST_MISMATCH' },
    });
    made.bodies.set(digest, bytes);
    await made.poll();
    expect([readMs(client), client.isEngaged('trading')]).toEqual([200, true]);
    expect(client.status()).toMatchObject({ state: 'fresh', index: 8, reason: null });
  });

  test('is not served: a log that is shorter than it was', async () => {
    const made = await scene();
    const client = await made.start();
    const before = structuredClone(made.state);
    await made.history.make('chg-2', { [TIMEOUTS]: timeouts({ readMs: 200 }) });
    await made.poll();
    made.shown = before;
    await made.poll();
    expect(readMs(client)).toBe(200);
    expect(client.status()).toMatchObject({ state: 'stale', reason: { code: 'LOG_FORKED' } });
  });
});

describe('when the store is down', () => {
  test('the last good is served, marked stale, until it answers again', async () => {
    const made = await scene();
    const client = await made.start();
    const { lastVerifiedAt } = client.status();
    made.logFails = DOWN;
    made.nowMs += POLL_MS;
    await made.poll();
    expect(readMs(client)).toBe(100);
    expect(client.status()).toEqual({
      state: 'stale',
      index: 4,
      lastVerifiedAt,
      reason: { code: 'STORE_UNAVAILABLE', message: DOWN.message, next: 'Wait.' },
      warnings: [],
    });
    made.logFails = null;
    await made.poll();
    expect(client.status().state).toBe('fresh');
  });

  test('a reading that does not end makes it stale as well', async () => {
    const made = await scene();
    const client = await made.start();
    made.nowMs += 5 * POLL_MS;
    expect(client.status().state).toBe('fresh');
    made.nowMs += 1;
    expect(client.status()).toMatchObject({ state: 'stale', reason: { code: 'STORE_UNAVAILABLE' } });
  });

  test('a consumer starts from its copy, both arms and all', async () => {
    const made = await scene();
    const change = await made.history.begin('chg-2', { [TIMEOUTS]: timeouts({ readMs: 200 }) });
    await change.expose({ percent: 50 });
    const instanceId = instanceOn('canary', 'chg-2', 50);
    const first = await made.start({ instanceId });
    await first.close();
    made.logFails = DOWN;
    made.bodies.clear();
    made.nowMs += 60_000;
    const second = await made.start({ instanceId });
    expect(readMs(second)).toBe(200);
    expect(second.status()).toMatchObject({
      state: 'stale',
      lastVerifiedAt: first.status().lastVerifiedAt,
      reason: { code: 'STORE_UNAVAILABLE' },
    });
  });

  test('a consumer with a copy starts without waiting for an answer that does not come', async () => {
    const made = await scene();
    await (await made.start()).close();
    const { promise, resolve } = Promise.withResolvers<void>();
    made.hangs = promise;
    const starting = made.start();
    await expect.poll(() => made.timers.waits).toContain(2_000);
    const passing = made.timers.pass((ms) => ms === 2_000);
    const client = await starting;
    expect(readMs(client)).toBe(100);
    await passing;
    resolve();
    // The reading goes on, and ends.
    await expect.poll(() => made.timers.waits.some((ms) => ms < POLL_MS)).toBe(true);
    expect(client.status().state).toBe('fresh');
  });

  test('a consumer without a copy does not start', async () => {
    const made = await scene();
    made.logFails = DOWN;
    await expect(made.start()).rejects.toBe(DOWN);
  });
});

describe('the copy on disk', () => {
  test('knows how far the log had come: an older one is refused after a restart', async () => {
    const made = await scene();
    const before = structuredClone(made.state);
    await made.history.make('chg-2', { [TIMEOUTS]: timeouts({ readMs: 200 }) });
    await (await made.start()).close();
    made.shown = before;
    const client = await made.start();
    expect(readMs(client)).toBe(200);
    expect(client.status()).toMatchObject({ state: 'stale', reason: { code: 'LOG_FORKED' } });
    await expect(made.start({ trustDigest: 'sha256:another' })).rejects.toMatchObject({ code: 'LOG_FORKED' });
  });

  test('made under another trust document is not served', async () => {
    const made = await scene();
    await (await made.start()).close();
    expect(readMs(await made.start({ trustDigest: 'sha256:another' }))).toBe(100);
    made.logFails = DOWN;
    await expect(made.start()).rejects.toBe(DOWN);
  });

  test('that was damaged is refused', async () => {
    const made = await scene();
    await (await made.start()).close();
    const file = join(made.dir, 'last-good');
    writeFileSync(file, readFileSync(file, 'utf8').replace('1.0.0', '1.0.1'));
    await expect(made.start()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    writeFileSync(file, '');
    await expect(made.start()).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('with a damaged body is mended from the store', async () => {
    const made = await scene();
    await (await made.start()).close();
    const folder = join(made.dir, 'bodies');
    for (const file of readdirSync(folder)) writeFileSync(join(folder, file), '{}');
    expect(readMs(await made.start())).toBe(100);
    made.logFails = DOWN;
    made.bodies.clear();
    expect(readMs(await made.start())).toBe(100);
  });

  test('holds no body that nothing names any more', async () => {
    const made = await scene();
    await made.start();
    await made.history.make('chg-2', { [TIMEOUTS]: null });
    await made.poll();
    expect(readdirSync(join(made.dir, 'bodies'))).toHaveLength(2);
  });

  test('that cannot be written keeps nothing from being served', async () => {
    const made = await scene();
    const client = await made.start();
    const full = async () => {
      throw new DomainError('STORE_UNAVAILABLE', 'The disk is full.');
    };
    made.copy.file.keep = full;
    made.copy.bodies.put = full;
    await made.history.make('chg-2', { [TRADING]: killSwitch({ engaged: true }) });
    await made.poll();
    expect(client.isEngaged('trading')).toBe(true);
    expect(client.status()).toMatchObject({ state: 'fresh', warnings: [{ message: 'The disk is full.' }] });
  });
});

describe('reports', () => {
  async function exposed() {
    const made = await scene();
    const instanceId = instanceOn('canary', 'chg-2', 50);
    const client = await made.start({ instanceId });
    const change = await made.history.begin('chg-2', { [TIMEOUTS]: timeouts({ readMs: 200 }) });
    return { made, client, change, instanceId };
  }

  test('are sent only while something is exposed, and begin when it is applied', async () => {
    const { made, client, change, instanceId } = await exposed();
    client.report({ ok: false, latencyMs: 1 });
    made.nowMs += 1_000;
    await made.sendReports();
    expect(made.reports).toEqual([]);
    client.report({ ok: false, latencyMs: 1 });
    await change.expose({ percent: 50 });
    made.nowMs += 1_000;
    await made.poll();
    for (const latencyMs of [10, 20, 30]) client.report({ ok: latencyMs < 30, latencyMs });
    made.nowMs += 5_000;
    await made.sendReports();
    expect(made.reports).toEqual([
      {
        environment: 'prod',
        changeId: 'chg-2',
        instanceId,
        zone: 'us-east-1a',
        resource: TIMEOUTS,
        arm: 'canary',
        digest: digestOf(timeouts({ readMs: 200 })),
        samples: 3,
        errors: 1,
        latencyP50Ms: 20,
        latencyP99Ms: 20,
        from: '2026-01-01T00:00:02.000Z',
        to: '2026-01-01T00:00:07.000Z',
      },
    ]);
  });

  test('end with the version that they are about, and with the client', async () => {
    const { made, client, change } = await exposed();
    await change.expose({ percent: 50 });
    await made.poll();
    client.report({ ok: true, latencyMs: 1 });
    made.nowMs += 1_000;
    await change.withdraw();
    await made.poll();
    expect(made.reports.map(({ arm, samples }) => [arm, samples])).toEqual([['canary', 1]]);

    const again = await made.history.begin('chg-3', { [TIMEOUTS]: timeouts({ readMs: 300 }) });
    await again.expose({ zones: ['elsewhere'] });
    await made.poll();
    client.report({ ok: true, latencyMs: 1 });
    made.nowMs += 1_000;
    await client.close();
    expect(made.reports.map(({ changeId, arm }) => [changeId, arm])).toEqual([
      ['chg-2', 'canary'],
      ['chg-3', 'stable'],
    ]);
    expect(made.timers.waits).toEqual([]);
  });

  test('that cannot be sent are a warning', async () => {
    const { made, client, change } = await exposed();
    await change.expose({ percent: 50 });
    await made.poll();
    made.nowMs += 1_000;
    made.reportsFail = DOWN;
    await made.sendReports();
    expect(client.status().warnings).toMatchObject([{ code: 'STORE_UNAVAILABLE' }]);
    made.nowMs += 1_000;
    made.reportsFail = null;
    await made.sendReports();
    expect(client.status().warnings).toEqual([]);
  });
});
