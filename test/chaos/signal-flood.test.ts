import { WorkflowNotFoundError } from '@temporalio/client';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { closedRuns } from '../../infra/temporal/closed-runs.ts';
import { replayHistory } from '../../worker/replay-history.ts';
import { MESSAGES } from '../../workflows/contract.ts';
import { canaryRequest, expectSettled, honoured } from '../support/live-change.ts';
import { type LiveEnvironment, startLiveEnvironment } from '../support/live-environment.ts';

const FLOOD = 2_000;
const AT_ONCE = 50;
/** The server ends a workflow at 51,200; ours begins a new history long before. */
const LONGEST_HISTORY = 10_000;
/** On a machine that is busy with the flood itself; what it takes is printed. */
const EFFECTIVE_WITHIN_MS = 10_000;

let env: LiveEnvironment;
beforeAll(async () => {
  env = await startLiveEnvironment({ name: 'flood' });
});
afterAll(() => env.stop());

/** Each another one, as somebody would send who wants to be noticed. */
function rubbish(position: number): unknown {
  const payload = Buffer.from(`{"decision":"approve","attempt":${position}}`).toString('base64');
  const signatures = [{ keyid: 'sha256:0', sig: Buffer.from(`forged ${position}`).toString('base64') }];
  const approval = { payload, payloadType: 'application/vnd.in-toto+json', signatures };
  return [
    { approval },
    { approval: { ...approval, payloadType: 'text/plain' } },
    { approval: null },
    position,
  ][position % 4];
}

/** The engine refuses what is sent to a change that is over. */
function afterTheEnd(error: unknown): void {
  if (!(error instanceof WorkflowNotFoundError)) throw error;
}

/** A worker that is started anew begins with the history: what the flood wrote must lead it to where the change is. */
async function expectReplayed(changeId: string): Promise<void> {
  const runs = await closedRuns(env.client, changeId);
  if (typeof runs === 'string') throw new Error(`${changeId} is ${runs}`);
  const replayed = await Promise.all(runs.map((run) => replayHistory(run, changeId)));
  expect(replayed).toEqual(runs.map(() => null));
}

test('a real approval is heard among two thousand signals of rubbish', async () => {
  await env.controlPlane.submit('flooded', canaryRequest(env), env.person('alice'));
  await env.until('flooded', ({ phase }) => phase === 'approval');
  const handle = env.client.workflow.getHandle('flooded');
  let approved: Promise<void> | undefined;
  for (let sent = 0; sent < FLOOD; sent += AT_ONCE) {
    const signals = Array.from({ length: AT_ONCE }, (_, i) =>
      handle.signal(MESSAGES.decide, rubbish(sent + i)).catch(afterTheEnd),
    );
    if (sent >= FLOOD / 2) approved ??= env.approve('flooded');
    await Promise.all(signals);
  }
  await approved;
  expect((await env.ended('flooded')).status).toBe('committed');
  const { historyLength } = await handle.describe();
  expect(historyLength).toBeLessThan(LONGEST_HISTORY);
  await expectReplayed('flooded');
  const { history } = await expectSettled(env, 'flooded', 'committed');
  // What nobody signed is not recorded.
  expect(honoured(history, 'acceptance')).toHaveLength(1);
});

test('a freeze in the middle of a flood stops the change at once, and it goes on afterwards', async () => {
  const person = env.person('carol');
  await env.controlPlane.submit(
    'braked',
    canaryRequest(env, { label: 'web', bakeSeconds: 1 }),
    env.person('alice'),
  );
  await env.approve('braked');
  await env.until('braked', ({ stages }) => stages[0]?.state === 'baking');
  const handle = env.client.workflow.getHandle('braked');
  let braking: Promise<{ index: number; recordedMs: number; effectiveMs: number }> | undefined;
  const brake = async () => {
    const how = { scope: null, reason: 'a flood', hard: false, rollBack: false };
    const recorded = await env.brakes.freeze(how, person);
    const [zone] = await env.brakes.awaitEffective(recorded, EFFECTIVE_WITHIN_MS);
    return { ...recorded, effectiveMs: zone?.afterMs ?? Number.POSITIVE_INFINITY };
  };
  for (let sent = 0; sent < FLOOD; sent += AT_ONCE) {
    const signals = Array.from({ length: AT_ONCE }, (_, i) =>
      i % 2 === 0 ? handle.signal(MESSAGES.brake) : handle.signal(MESSAGES.decide, rubbish(sent + i)),
    );
    // As soon as the flood runs: the change is still in its first stage.
    braking ??= brake();
    await Promise.all(signals);
  }
  const { index, recordedMs, effectiveMs } = (await braking) ?? { index: 0, recordedMs: 0, effectiveMs: 0 };
  process.stdout.write(`in a flood: recorded after ${recordedMs} ms, effective after ${effectiveMs} ms\n`);
  expect(effectiveMs).toBeLessThan(EFFECTIVE_WITHIN_MS);
  await env.until('braked', ({ waitingFor }) => waitingFor?.what.includes('a flood') === true);
  const held = await env.controlPlane.history('braked');
  const after = held.filter((line) => line.index > index).map(({ statement }) => statement?.type);
  expect(after.filter((type) => type === 'intent' || type === 'commit')).toEqual([]);

  await env.brakes.resume({ scope: null, reason: 'it is over', gradual: null }, person);
  expect((await env.ended('braked')).status).toBe('committed');
  expect((await handle.describe()).historyLength).toBeLessThan(LONGEST_HISTORY);
  await expectReplayed('braked');
});
