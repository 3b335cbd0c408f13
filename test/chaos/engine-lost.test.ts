import { globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { loadPlan } from '../../activities/recorded-change.ts';
import { type DevServers, startServers } from '../../infra/dev/servers.ts';
import { type Failpoint, firedTimes } from '../support/failpoints.ts';
import { canaryRequest, expectRecords, expectSettled } from '../support/live-change.ts';
import {
  type LiveEnvironment,
  type Role,
  registerNamespace,
  startLiveEnvironment,
} from '../support/live-environment.ts';

const MAIN = fileURLToPath(new URL('../support/failing-worker.ts', import.meta.url));
const ROLES: Role[] = [
  'orchestrator',
  'analysis',
  'enactor',
  'voter.us-east-1a',
  'voter.us-east-1b',
  'voter.us-east-1c',
];
const stateDir = mkdtempSync(join(tmpdir(), 'resilience-engine-lost-'));
let servers: DevServers;
let env: LiveEnvironment;

/** The enactor stands still with the batch of `late` in its hands. */
function standsStill(dir: string): Failpoint {
  const marker = join(dir, 'markers', 'late');
  const about = ['"comment":"late 50%, intent'];
  return { port: 'dns', method: 'applyBatch', when: 'before', about, action: 'stop', marker };
}

beforeAll(async () => {
  servers = await startServers({ stateDir, onUnexpectedExit: () => {} });
  env = await startLiveEnvironment({
    name: 'engine-lost',
    stack: servers,
    processes: ROLES,
    main: MAIN,
    env: (role, dir) => (role === 'enactor' ? { FAILPOINTS: JSON.stringify([standsStill(dir)]) } : {}),
  });
});
afterAll(async () => {
  await env?.stop();
  await servers?.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

const seconds = (sinceMs: number) => `${((performance.now() - sinceMs) / 1000).toFixed(1)} s`;

test('Temporal’s database is deleted in the middle of a canary, and every change comes to its end', async () => {
  const alice = env.person('alice');
  const submit = (changeId: string, label: string) =>
    env.controlPlane.submit(changeId, canaryRequest(env, { label, bakeSeconds: 300 }), alice);
  await submit('canary', 'api');
  await env.approve('canary');
  await env.until('canary', ({ stages }) => stages.some(({ state }) => state === 'baking'));
  await env.controlPlane.submit('waiting', canaryRequest(env, { label: 'web' }), alice);
  await env.until('waiting', ({ phase }) => phase === 'approval');
  await submit('late', 'shop');
  await env.approve('late');
  const { marker } = standsStill(env.dir);
  await vi.waitUntil(() => firedTimes(marker) === 1 && isStopped(env.pid('enactor')), { timeout: 20_000 });

  const lostAtMs = performance.now();
  await servers.killTemporal();
  for (const file of globSync(join(stateDir, 'temporal.db*'))) rmSync(file);
  await servers.restartTemporal();
  await registerNamespace({ ...servers, temporal: { ...servers.temporal, namespace: env.name } });
  await env.start('enactor');
  console.info(`Temporal is back, empty, after ${seconds(lostAtMs)}`);

  const recoveredAtMs = performance.now();
  const recovered = await env.controlPlane.recover('the database is gone', env.person('carol'));
  console.info(`fences are raised and changes are started again after ${seconds(recoveredAtMs)}`);
  const [raised] = recovered.raised;
  expect(recovered.raised).toHaveLength(1);
  expect(raised?.zone).toBe(env.zone);
  expect(Number(raised?.fence)).toBeGreaterThan(recovered.index);
  expect(recovered.findings.map(({ rule, subject, done }) => [subject, rule, done])).toEqual([
    ['canary', 'lost-run', 'restarted'],
    ['waiting', 'lost-run', 'restarted'],
    ['late', 'lost-run', 'restarted'],
  ]);

  process.kill(env.pid('enactor'), 'SIGCONT');
  const answer = await vi.waitUntil(
    () => firedTimes(`${marker}.result`) > 0 && readFileSync(`${marker}.result`, 'utf8'),
    { timeout: 20_000 },
  );
  expect(answer).toContain('InvalidChangeBatch');

  for (const changeId of ['canary', 'late']) {
    expect((await env.ended(changeId)).status).toBe('rolled-back');
    const state = await env.log.sync();
    expect(state.ended[changeId]?.status).toBe('rolled-back');
    expect(Object.values(state.reservations)).not.toContain(changeId);
    const { planDigest } = await env.controlPlane.status(changeId);
    if (planDigest === null) throw new Error('it had a plan');
    const plan = await loadPlan(env.bodies, planDigest);
    if (plan.kind === 'dns') await expectRecords(env, plan, 'before');
  }
  console.info(`both canaries are back after ${seconds(recoveredAtMs)}`);
  await env.approve('waiting');
  expect((await env.ended('waiting')).status).toBe('committed');
  await expectSettled(env, 'waiting', 'committed');
  console.info(`the change that waited is committed after ${seconds(recoveredAtMs)}`);
  expect(await env.controlPlane.reconcile()).toMatchObject({ openChanges: 0, findings: [] });
});

function isStopped(pid: number): boolean {
  return /^State:\s+T/m.test(readFileSync(`/proc/${pid}/status`, 'utf8'));
}
