import { afterAll, beforeAll, expect, test } from 'vitest';
import { MESSAGES } from '../../workflows/contract.ts';
import { canaryRequest, expectSettled, honoured } from '../support/live-change.ts';
import { type LiveEnvironment, startLiveEnvironment } from '../support/live-environment.ts';

const FLOOD = 2_000;
const AT_ONCE = 50;
/** The server ends a workflow at 51,200; ours begins a new history long before. */
const LONGEST_HISTORY = 10_000;

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

test('a real approval is heard among two thousand signals of rubbish', async () => {
  await env.controlPlane.submit('flooded', canaryRequest(env), env.person('alice'));
  await env.until('flooded', ({ phase }) => phase === 'approval');
  const handle = env.client.workflow.getHandle('flooded');
  let approved: Promise<void> | undefined;
  for (let sent = 0; sent < FLOOD; sent += AT_ONCE) {
    const signals = Array.from({ length: AT_ONCE }, (_, i) =>
      handle.signal(MESSAGES.decide, rubbish(sent + i)),
    );
    if (sent >= FLOOD / 2) approved ??= env.approve('flooded');
    await Promise.all(signals);
  }
  await approved;
  expect((await env.ended('flooded')).status).toBe('committed');
  const { historyLength } = await handle.describe();
  expect(historyLength).toBeLessThan(LONGEST_HISTORY);
  const { history } = await expectSettled(env, 'flooded', 'committed');
  // What nobody signed is not recorded.
  expect(honoured(history, 'acceptance')).toHaveLength(1);
});
