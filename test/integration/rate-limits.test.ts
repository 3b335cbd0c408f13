import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { approveAll, documentRequest } from '../support/live-documents.ts';
import { type LiveEnvironment, startLiveEnvironment } from '../support/live-environment.ts';

const FLOOD = 60;
const BURST = 4;

let env: LiveEnvironment;
beforeAll(async () => {
  // One a minute after the first ones: the flood alone takes an hour.
  env = await startLiveEnvironment({
    name: 'rate-limits',
    policy: { rateLimits: { perMinute: 1, burst: BURST } },
  });
});
afterAll(() => env?.stop());

async function submit(changeId: string, operation: object): Promise<void> {
  const request = documentRequest(env, { operations: [operation] });
  await env.controlPlane.submit(changeId, request, env.person('alice'));
}

/** When the engine handed out a change's first task. */
async function begunAtMs(changeId: string): Promise<number> {
  const { events } = await env.client.workflow.getHandle(changeId).fetchHistory();
  const began = events?.find(({ workflowTaskStartedEventAttributes }) => workflowTaskStartedEventAttributes);
  if (!began?.eventTime) return Number.POSITIVE_INFINITY;
  return Number(began.eventTime.seconds) * 1000 + (began.eventTime.nanos ?? 0) / 1e6;
}

async function awaitingTheirTurn(changeIds: readonly string[]): Promise<number> {
  const statuses = await Promise.all(changeIds.map((changeId) => env.controlPlane.status(changeId)));
  return statuses.filter(({ waitingFor }) => waitingFor?.what.startsWith('its turn: alice has submitted'))
    .length;
}

function engage(changeId: string, resource: string): Promise<void> {
  const expiresAt = '2036-01-01T00:00:00Z';
  const body = { type: 'kill-switch', engaged: true, owner: 'trading', safeState: 'engaged', expiresAt };
  return submit(changeId, { set: resource, body });
}

test('a flood of submissions waits; a switch that its author engages after it does not, nor does a freeze', async () => {
  const flood = Array.from({ length: FLOOD }, (_, i) => `flood-${i}`);
  // All of it is there before anybody works on any.
  await env.stopRole('orchestrator');
  await Promise.all(
    flood.map((changeId) => submit(changeId, { set: `schema/${changeId}`, body: { type: 'object' } })),
  );
  await engage('stop', 'switch/trading');
  await env.start('orchestrator');
  await approveAll(env, 'stop');
  expect(await env.ended('stop')).toEqual({ status: 'committed', violations: [] });
  const [stopBegan, ...floodBegan] = await Promise.all(['stop', ...flood].map(begunAtMs));
  expect(floodBegan.filter((at) => at < (stopBegan ?? 0)).length).toBeLessThan(FLOOD / 4);

  await vi.waitUntil(async () => (await awaitingTheirTurn(flood)) >= FLOOD - BURST, { timeout: 30_000 });
  await engage('stop-again', 'switch/lending');
  await approveAll(env, 'stop-again');
  expect(await env.ended('stop-again')).toEqual({ status: 'committed', violations: [] });

  const all = { scope: null, reason: 'somebody floods us', hard: false, rollBack: false };
  const recorded = await env.brakes.freeze(all, env.person('carol'));
  const zones = await env.brakes.awaitEffective(recorded, 10_000);
  expect(zones.map(({ effective }) => effective)).toEqual([true]);
  expect(await awaitingTheirTurn(flood)).toBeGreaterThanOrEqual(FLOOD - BURST - 1);
  expect(env.pages()).toEqual([]);
});
