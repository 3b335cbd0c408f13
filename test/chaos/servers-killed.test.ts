import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { type DevServers, startServers } from '../../infra/dev/servers.ts';
import { canaryRequest, expectSettled } from '../support/live-change.ts';
import { type LiveEnvironment, startLiveEnvironment } from '../support/live-environment.ts';

const stateDir = mkdtempSync(join(tmpdir(), 'resilience-killed-servers-'));
let servers: DevServers;
let env: LiveEnvironment;
beforeAll(async () => {
  servers = await startServers({ stateDir });
  env = await startLiveEnvironment({ name: 'servers-killed', stack: servers });
});
afterAll(async () => {
  await env.stop();
  await servers.stop();
  rmSync(stateDir, { recursive: true, force: true });
});

const baking = (stage: string) =>
  env.until('survivor', ({ stages }) =>
    stages.some(({ name, state, verdict }) => name === stage && state === 'baking' && !verdict),
  );

test('a change survives AWS in one bake and Temporal in the next, both killed and started again', async () => {
  await env.controlPlane.submit('survivor', canaryRequest(env, { bakeSeconds: 1.5 }), env.person('alice'));
  await env.approve('survivor');
  await baking('50%');
  // AWS loses nothing that it has answered; the emulator writes records down every half second.
  await vi.waitUntil(() => savedRecords().includes(`_resilience-ctl.${env.zone}`), { timeout: 5_000 });
  await servers.killAws();
  await servers.restartAws();

  await baking('100%');
  await servers.killTemporal();
  await servers.restartTemporal();
  expect((await env.ended('survivor')).status).toBe('committed');
  await expectSettled(env, 'survivor', 'committed');
});

function savedRecords(): string {
  const file = join(stateDir, 'aws-state', 'route53.json');
  return existsSync(file) ? readFileSync(file, 'utf8') : '';
}
