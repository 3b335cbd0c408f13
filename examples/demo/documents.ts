import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ChangeRequest } from '../../domain/change/request.ts';
import { type ChangeStatus, VOTER_ZONES } from '../../workflows/contract.ts';
import { Fleet } from './consumers.ts';
import { type Demo, exampleRequest } from './demo.ts';
import { stageLine } from './stage-line.ts';

const TIMEOUTS = 'config/payments/timeouts';
const INSTANCES = 30;
const POLL_MS = 100;

/** The same of a config: by share of its consumers, which report how they fare. */
export async function documents(demo: Demo): Promise<void> {
  const fleet = await Fleet.start({
    consumerFile: demo.consumerFile,
    dir: join(demo.home, 'consumers'),
    instances: INSTANCES,
    zones: VOTER_ZONES,
    isBroken: (client) => client.get(TIMEOUTS)?.value.readMs === 1,
    pollIntervalMs: 800,
    reportIntervalMs: 800,
  });
  try {
    await configCanary(demo, fleet);
    await badConfig(demo, fleet);
  } finally {
    await fleet.stop();
  }
}

async function configCanary(demo: Demo, fleet: Fleet): Promise<void> {
  demo.heading(`A config canary: the timeouts of ${INSTANCES} instances of payments`);
  const schema = requestFrom('1-schema.yaml');
  const configs = requestFrom('2-configs.yaml');
  // In one batch, because the state that would exist is what is judged.
  const operations = [...schema.spec.operations, ...configs.spec.operations.slice(0, 1)];
  await demo.makeLive('demo-first-documents', { ...configs, spec: { ...configs.spec, operations } });

  const changeId = 'demo-config';
  await demo.submitAndApprove(changeId, requestFrom('4-change-config.yaml'));
  const { status, counts } = await followConsumers(demo, changeId, () => fleet.having(TIMEOUTS, '1.1.0'));
  const tenth = counts.get('10%') ?? 0;
  demo.prove(
    `at 10 % the new version was with ${tenth} of ${INSTANCES} consumers, at 100 % with ${counts.get('100%')}`,
    tenth >= 1 && tenth <= INSTANCES / 5 && counts.get('100%') === INSTANCES,
  );
  demo.prove(
    'what consumers reported passed every stage; the change is committed',
    status.phase === 'committed',
  );
}

async function badConfig(demo: Demo, fleet: Fleet): Promise<void> {
  demo.heading('A bad config: valid by its schema, but whoever applies it reports errors');
  const changeId = 'demo-bad-config';
  await demo.submitAndApprove(changeId, requestFrom('bad-config.yaml'));
  const { status, counts } = await followConsumers(demo, changeId, () => fleet.having(TIMEOUTS, '1.2.0'));
  const met = Math.max(...counts.values());
  demo.prove(
    `it met ${met} of ${INSTANCES} consumers and was withdrawn by itself`,
    status.phase === 'rolled-back' && met < INSTANCES / 2,
  );
  for (let tries = 0; fleet.having(TIMEOUTS, '1.1.0') < INSTANCES && tries < 30; tries += 1)
    await sleep(POLL_MS);
  demo.prove('all of them have the version before it again', fleet.having(TIMEOUTS, '1.1.0') === INSTANCES);
}

/** Prints each stage with the consumers that had the version while it was live. */
async function followConsumers(
  demo: Demo,
  changeId: string,
  having: () => number,
): Promise<{ status: ChangeStatus; counts: Map<string, number> }> {
  const counts = new Map<string, number>();
  let last: string | undefined;
  const status = await demo.follow(changeId, ({ stages }) => {
    const baking = stages.find((stage) => stage.state === 'baking')?.name;
    if (last !== undefined && baking !== last) {
      const had = counts.get(last) ?? 0;
      const verdict = stages.find((one) => one.name === last)?.verdict?.verdict ?? '…';
      const counted = `are ${had} of ${INSTANCES} consumers`;
      demo.say(stageLine({ stage: last, percent: (100 * had) / INSTANCES, counted, verdict }, demo.style));
    }
    if (baking !== undefined) counts.set(baking, having());
    last = baking;
  });
  return { status, counts };
}

/** The consumers of the demo report faster than those of the guide, so that a stage needs no long bake. */
function requestFrom(file: string): ChangeRequest {
  const request = exampleRequest(`documents/${file}`);
  const rollout = { ...request.spec.rollout, bakeSeconds: 2 };
  return { ...request, spec: { ...request.spec, rollout } };
}
