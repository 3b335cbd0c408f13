import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ControlPlaneClient, createControlPlaneClient } from '../client/sdk/index.ts';
import { type ClientPorts, startControlPlaneClient } from '../client/sdk/start-client.ts';
import { type Digest, digestOf } from '../domain/evidence/canonical-json.ts';
import type { LogState } from '../domain/log/state.ts';
import type { ConsumerConfig } from '../infra/dev/environment.ts';
import { sealTrustDocument } from '../infra/keys/trust-file.ts';
import { ENVIRONMENT, signerOf } from '../test/support/sample-log.ts';
import { nowMs } from './aws-calls.ts';
import { amountOf, type Run, roundsOf } from './part.ts';
import { PlanScene } from './plans.ts';
import type { Measured } from './report.ts';
import { SampleStore } from './sample-store.ts';
import type { BenchStack } from './stack.ts';
import { median, quantile } from './statistics.ts';

const RESOURCES = 10_000;
const GETS = 1_000_000;
const GET_ROUNDS = 11;
const TRADING = 'switch/trading';
const ENGAGES = 40;
const ENGAGE_LIMIT_MS = 1_000;

/** `get` of a consumer's client against a look-up in a plain `Map` of the same values, in turns. */
export async function measureGets(run: Run): Promise<Measured> {
  const { state, stored } = new PlanScene(RESOURCES);
  const client = await startControlPlaneClient(
    portsOf(state, stored),
    {
      ...{ environment: ENVIRONMENT, trustDigest: '', pollIntervalMs: 1_000, reportIntervalMs: 5_000 },
      consumer: { service: 'bench', instanceId: 'bench-0', zone: 'us-east-1a' },
    },
    null,
  );
  const resources = Object.keys(state.live);
  const map = new Map(resources.map((resource) => [resource, client.get(resource)]));
  const gets = amountOf(run, GETS);
  const rounds = Array.from({ length: roundsOf(run, GET_ROUNDS) + 1 }, () => ({
    sdk: perSecond(resources, gets, (resource) => client.get(resource)),
    map: perSecond(resources, gets, (resource) => map.get(resource)),
  })).slice(1);
  await client.close();
  return {
    findings: [
      {
        name: '7 SDK get / get of a plain Map, time',
        ratio: median(rounds.map(({ sdk, map: plain }) => plain / sdk)),
        bound: 'max',
        target: 2,
      },
    ],
    figures: {
      'SDK get, per second': median(rounds.map(({ sdk }) => sdk)),
      'Map get, per second': median(rounds.map(({ map: plain }) => plain)),
    },
  };
}

/**
 * From the moment a switch's commit is in the log until a watching service has it: real S3 with IAM, the service's own
 * rights, the client's default interval.
 */
export async function measureEngage(stack: BenchStack, run: Run): Promise<Measured> {
  const environment = 'bench-engage';
  const store = new SampleStore(stack, environment);
  const flip = async (changeId: string, engaged: boolean) => {
    await store.history.make(changeId, {
      [TRADING]: {
        ...{ type: 'kill-switch', engaged, owner: 'bench', safeState: 'engaged' },
        expiresAt: '2099-01-01T00:00:00Z',
      },
    });
    return nowMs();
  };
  await flip('engage-first', false);
  const { aws } = JSON.parse(readFileSync(stack.consumerFile, 'utf8')) as ConsumerConfig;
  const { envelope, digest } = await sealTrustDocument(store.trust, [signerOf('root')]);
  const trustFile = join(stack.home, 'engage-trust.json');
  writeFileSync(trustFile, JSON.stringify(envelope));
  const client = await createControlPlaneClient({
    ...{ environment, aws, trustFile, trustDigest: digest, dir: join(stack.home, 'engage-consumer') },
    ...{ service: 'bench', instanceId: 'bench-0', zone: 'us-east-1a' },
  });
  const tookMs: number[] = [];
  for (let i = 0; i < (run.smoke ? 2 : ENGAGES); i += 1) {
    tookMs.push(await timeUntilSeen(client, () => flip(`engage-${i}`, i % 2 === 0)));
  }
  await client.close();
  store.close();
  const [p50Ms, p99Ms] = [quantile(tookMs, 0.5), quantile(tookMs, 0.99)];
  run.say(`engage to seen: ${Math.round(p50Ms)} / ${Math.round(p99Ms)} ms`);
  return {
    findings: [
      {
        name: `10 engage to seen by a reader, p99 / ${ENGAGE_LIMIT_MS} ms`,
        ratio: p99Ms / ENGAGE_LIMIT_MS,
        bound: 'max',
        target: 1,
      },
    ],
    figures: { 'engage to seen, p50 ms': p50Ms, 'engage to seen, p99 ms': p99Ms },
  };
}

/** `flip` says when its commit was in the log; a reader that was faster than the answer has seen it after 0 ms. */
async function timeUntilSeen(
  client: Pick<ControlPlaneClient, 'watch'>,
  flip: () => Promise<number>,
): Promise<number> {
  const seen = Promise.withResolvers<number>();
  const end = client.watch(TRADING, () => seen.resolve(nowMs()));
  const committedMs = await flip();
  const tookMs = Math.max(0, (await seen.promise) - committedMs);
  end();
  return tookMs;
}

function perSecond(
  resources: readonly string[],
  gets: number,
  lookUp: (resource: string) => unknown,
): number {
  let found = 0;
  const startMs = nowMs();
  for (let i = 0; i < gets; i += 1) {
    if (lookUp(resources[i % resources.length] ?? '') !== undefined) found += 1;
  }
  const tookMs = nowMs() - startMs;
  if (found !== gets) throw new Error(`${gets - found} look-ups found nothing: nothing was measured.`);
  return (1000 * gets) / tookMs;
}

/** A log that stands still, and no disk. */
function portsOf(state: LogState, bodies: ReadonlyMap<Digest, Uint8Array>): ClientPorts {
  const get = async (digest: Digest) => {
    const bytes = bodies.get(digest);
    if (!bytes) throw new Error(`There is no body ${digest}.`);
    return bytes;
  };
  const nothing = async () => {};
  return {
    log: { sync: async () => state, position: () => ({ state, previous: digestOf('previous') }) },
    bodies: { get },
    copy: {
      file: { read: async () => null, keep: nothing },
      bodies: { get, put: async (bytes) => digestOf(bytes.length), retain: nothing },
    },
    reports: { write: nothing },
    nowMs: Date.now,
    random: () => 0,
    after: () => () => {},
    release: () => {},
  };
}
