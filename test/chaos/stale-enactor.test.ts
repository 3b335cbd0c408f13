import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { type Failpoint, firedTimes, withFailpoints } from '../support/failpoints.ts';
import { canaryRequest, expectRecords, expectSettled, runChange } from '../support/live-change.ts';
import {
  type LiveEnvironment,
  type LiveEnvironmentOptions,
  startLiveEnvironments,
} from '../support/live-environment.ts';

const MAIN = fileURLToPath(new URL('../support/failing-worker.ts', import.meta.url));
const FIRST_WRITE = ['"comment":"paused 50%, intent'];

/** Stands still with the batch in its hands. */
function pause(dir: string): Failpoint {
  const marker = join(dir, 'markers', 'paused');
  return { port: 'dns', method: 'applyBatch', when: 'before', about: FIRST_WRITE, action: 'stop', marker };
}

/** Stands still between folding the log and reading the zone. */
function pauseBeforeReading(dir: string): Failpoint {
  return { ...pause(dir), method: 'readZone', about: [] };
}

function paused(name: string, failpoint: (dir: string) => Failpoint): LiveEnvironmentOptions {
  return {
    name,
    processes: ['enactor'],
    main: MAIN,
    env: (_, dir) => ({ FAILPOINTS: JSON.stringify([failpoint(dir)]) }),
  };
}

/** The enactor that takes over does not get the first write through either, so that nothing of the change is live. */
const noFirstWrite: LiveEnvironmentOptions['wrap'] = (role, ports, dir) => {
  const marker = join(dir, 'markers', 'taken-over');
  const failpoint: Failpoint = { ...pause(dir), action: 'throw', times: 100, marker };
  return role === 'enactor' ? withFailpoints(ports, [failpoint], async () => {}) : ports;
};

describe('an enactor that stood still', () => {
  let environments: LiveEnvironment[];
  beforeAll(async () => {
    environments = await startLiveEnvironments([
      paused('stale-newer', pause),
      { ...paused('stale-undone', pause), wrap: noFirstWrite },
      paused('stale-reader', pauseBeforeReading),
    ]);
  });
  afterAll(() => Promise.all(environments.map((env) => env.stop())));

  /** Until the process stands still, and another has taken its place. */
  async function untilTakenOver(position: number): Promise<{ env: LiveEnvironment; marker: string }> {
    const env = environments[position];
    if (!env) throw new Error('not started');
    await env.controlPlane.submit('paused', canaryRequest(env), env.person('alice'));
    await env.approve('paused');
    const { marker } = pause(env.dir);
    await vi.waitUntil(() => firedTimes(marker) === 1 && isStopped(env.pid('enactor')), { timeout: 20_000 });
    await env.start('enactor');
    return { env, marker };
  }

  /** What its call brought in the end. */
  async function whenItReturns(env: LiveEnvironment, marker: string): Promise<string> {
    process.kill(env.pid('enactor'), 'SIGCONT');
    return vi.waitUntil(
      () => firedTimes(`${marker}.result`) > 0 && readFileSync(`${marker}.result`, 'utf8'),
      { timeout: 20_000 },
    );
  }

  test.concurrent('is refused by the fence while a newer change is live', async () => {
    const { env, marker } = await untilTakenOver(0);
    expect((await env.ended('paused')).status).toBe('committed');
    await expectSettled(env, 'paused', 'committed');
    expect(await runChange(env, 'newer', { to: env.services.stable })).toBe('committed');
    const before = await env.dns.readZone(env.zone);

    expect(await whenItReturns(env, marker)).toContain('InvalidChangeBatch');

    expect(await env.dns.readZone(env.zone)).toEqual(before);
    await expectSettled(env, 'newer', 'committed');
    expect(await fateOfLateCall(env)).toContain('"code":"ALREADY_ENDED"');
  });

  test.concurrent('is refused by the fence after its own change was rolled back', async () => {
    const { env, marker } = await untilTakenOver(1);
    await env.until('paused', ({ held }) => held !== null);
    await env.controlPlane.command(
      'paused',
      { action: 'abort', reason: 'it takes too long' },
      env.person('carol'),
    );
    expect((await env.ended('paused')).status).toBe('rolled-back');
    const { plan } = await expectSettled(env, 'paused', 'rolled-back');
    const before = await env.dns.readZone(env.zone);

    expect(await whenItReturns(env, marker)).toContain('InvalidChangeBatch');

    expect(await env.dns.readZone(env.zone)).toEqual(before);
    await expectRecords(env, plan, 'before');
    expect(await fateOfLateCall(env)).toContain('"code":"ALREADY_ENDED"');
  });

  test.concurrent('that reads a zone newer than its log reads the log again', async () => {
    const { env, marker } = await untilTakenOver(2);
    expect((await env.ended('paused')).status).toBe('committed');
    expect(await runChange(env, 'newer', { to: env.services.stable })).toBe('committed');
    await whenItReturns(env, marker);
    expect(await fateOfLateCall(env)).toContain('"code":"ALREADY_ENDED"');
    await expectSettled(env, 'newer', 'committed');
  });
});

/** The line that the late process logs about its activity. */
function fateOfLateCall(env: LiveEnvironment): Promise<string> {
  const line = /"activity":"applyStage".*"msg":"(?:done|failed)"/;
  return vi.waitUntil(() => line.exec(env.output('enactor'))?.[0], { timeout: 20_000 });
}

function isStopped(pid: number): boolean {
  return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}
