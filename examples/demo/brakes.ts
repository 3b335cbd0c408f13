import { setTimeout as sleep } from 'node:timers/promises';
import { logLineText } from '../../client/cli/log-text.ts';
import { openPerson } from '../../client/compose.ts';
import type { ChangeRequest } from '../../domain/change/request.ts';
import { freePort } from '../../infra/dev/free-port.ts';
import { type Demo, exampleRequest } from './demo.ts';
import { startService } from './service.ts';

const CHANGE = 'demo-braked-change';
const EFFECTIVE_WITHIN_MS = 10_000;
const RESUMED_WITHIN_MS = 30_000;
const POLL_MS = 100;
/** Of what one line shows of the reasons; the log has them whole. */
const WIDTH = 80;
const WATCH_MS = 1_000;

/** A freeze in the middle of a change, and a gradual resumption, with the entries that both leave in the log. */
export async function brakes(demo: Demo): Promise<void> {
  demo.heading('An incident in the middle of a change: freeze, hold, and resume step by step');
  const port = await freePort();
  const services = await Promise.all([
    startService('v1', '127.0.0.1', port),
    startService('v2', '127.0.0.2', port),
  ]);
  try {
    await demo.submitAndApprove(CHANGE, backToVersion1(port));
    await demo.until(CHANGE, ({ stages }) => stages[0]?.state === 'baking');
    const index = await freezeNow(demo);
    await resumeGradually(demo);
    const { phase } = await demo.follow(CHANGE, () => undefined);
    demo.prove('the change that was held went on and is committed', phase === 'committed');
    demo.say('what the log holds about it:');
    for await (const line of demo.connected.controlPlane.log(index)) {
      const type = line.statement?.type ?? '';
      if (['freeze', 'fence', 'resumption'].includes(type))
        process.stdout.write(logLineText(line, demo.style));
    }
  } finally {
    await Promise.all(services.map((service) => service.stop()));
  }
}

async function freezeNow(demo: Demo): Promise<number> {
  const { brakes: levers, controlPlane } = demo.connected;
  const carol = openPerson(demo.installation, 'carol');
  const how = { scope: null, reason: 'incident 812', hard: false, rollBack: false };
  const recorded = await levers.freeze(how, carol);
  const zones = await levers.awaitEffective(recorded, EFFECTIVE_WITHIN_MS);
  demo.say(
    `carol froze the environment: recorded at entry ${recorded.index} after ${recorded.recordedMs} ms`,
  );
  for (const { zone, fence, afterMs } of zones)
    demo.say(`effective in ${zone} after ${afterMs} ms: fence ${fence}`);
  demo.prove(
    'the fence in the zone is newer than the freeze',
    zones.every(({ effective }) => effective),
  );
  const held = await demo.until(
    CHANGE,
    ({ waitingFor }) => waitingFor?.what.includes('incident 812') === true,
  );
  const intents = (await controlPlane.history(CHANGE)).filter(
    ({ statement }) => statement?.type === 'intent',
  );
  demo.prove(
    `the change holds at ${held.stages[0]?.name} and nothing was ordered after the freeze`,
    intents.every((intent) => intent.index < recorded.index),
  );
  return recorded.index;
}

async function resumeGradually(demo: Demo): Promise<void> {
  const { brakes: levers } = demo.connected;
  const order = await levers.releaseOrder([]);
  await levers.resume(
    { scope: null, reason: 'incident 812 is over', gradual: { order, watchMs: WATCH_MS } },
    openPerson(demo.installation, 'carol'),
  );
  const giveUpMs = Date.now() + RESUMED_WITHIN_MS;
  let told = 0;
  for (;;) {
    const { state, scopes } = await levers.status();
    const verdicts = scopes.find(({ scope }) => scope === null)?.gradual?.verdicts ?? [];
    for (const { az, verdict, reasons } of verdicts.slice(told))
      demo.say(`${az}: ${verdict} (${shortened(reasons.join('; '))})`);
    told = verdicts.length;
    if (state !== 'resuming' || Date.now() > giveUpMs) {
      const passed = verdicts.filter(({ verdict }) => verdict === 'pass').map(({ az }) => az);
      demo.prove(
        `${passed.length} availability zones were released one after another, each after a signed verdict`,
        state === 'active' && passed.join() === order.join(),
      );
      return;
    }
    await sleep(POLL_MS);
  }
}

function shortened(text: string): string {
  return text.length <= WIDTH ? text : `${text.slice(0, WIDTH - 1)}…`;
}

function backToVersion1(port: number): ChangeRequest {
  const request = exampleRequest('good-change.yaml');
  const { rollout } = request.spec;
  return {
    ...request,
    metadata: { ...request.metadata, reason: 'Back to version 1, in two stages' },
    spec: {
      ...request.spec,
      operations: [{ set: 'dns/example.com/api/A', body: { ttl: 1, values: ['127.0.0.1'] } }],
      rollout: { ...rollout, stages: [50, 100], ...(rollout.probe && { probe: { ...rollout.probe, port } }) },
    },
  };
}
