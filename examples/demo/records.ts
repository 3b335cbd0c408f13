import { setTimeout as sleep } from 'node:timers/promises';
import type { ChangeRequest } from '../../domain/change/request.ts';
import { canonicalText } from '../../domain/evidence/canonical-json.ts';
import { createRoute53Reader, createRoute53Writer } from '../../infra/aws/aws-clients.ts';
import { createRoute53DnsZones } from '../../infra/aws/route53-dns-zones.ts';
import { freePort } from '../../infra/dev/free-port.ts';
import { openTrustFile } from '../../infra/keys/trust-file.ts';
import type { ChangeStatus } from '../../workflows/contract.ts';
import { type Demo, exampleRequest } from './demo.ts';
import { selfApproval } from './self-approval.ts';
import { startService } from './service.ts';
import { stageLine } from './stage-line.ts';
import { Traffic } from './traffic.ts';

const ZONE = 'example.com';
const NAME = `api.${ZONE}`;
/** The client's resolver lags: what it still sends by the old weights is not this stage's. */
const RESOLVER_LAG_MS = 150;

interface Scene {
  demo: Demo;
  traffic: Traffic;
  port: number;
  /** The records of the api as they are live. */
  read(): Promise<string>;
}

/** A good change of DNS records travels the whole way, then a bad one travels back: by weight, under real requests. */
export async function records(demo: Demo): Promise<void> {
  const { aws, trustFile, trustDigest } = demo.installation;
  const trust = openTrustFile(trustFile, trustDigest);
  const dns = createRoute53DnsZones({
    reader: createRoute53Reader(aws),
    writer: createRoute53Writer(aws),
    targets: () => trust.targets,
    worstPropagationMs: 500,
  });
  const read = async () =>
    canonicalText((await dns.readZone(ZONE)).recordSets.filter((set) => set.name === NAME));
  const port = await freePort();
  const services = await Promise.all([
    startService('v1', '127.0.0.1', port),
    startService('v2', '127.0.0.2', port),
    startService('v3', '127.0.0.3', port, false),
  ]);
  const traffic = new Traffic(dns, { zone: ZONE, name: NAME, port });
  const scene = { demo, traffic, port, read };
  try {
    await goodChange(scene);
    await badChange(scene);
  } finally {
    await traffic.stop();
    await Promise.all(services.map((service) => service.stop()));
  }
}

async function goodChange(scene: Scene): Promise<void> {
  const { demo, read } = scene;
  demo.heading('A good change: api.example.com from version 1 to version 2');
  const changeId = 'demo-good-change';
  await demo.submitAndApprove(changeId, requestFrom('good-change.yaml', scene), () =>
    selfApproval(demo, changeId),
  );
  const { status, shares } = await followStages(scene, changeId, '127.0.0.2');
  for (const { name, percent } of status.stages.filter((stage) => stage.name !== 'final')) {
    const share = shares.get(name) ?? Number.NaN;
    demo.prove(
      `at ${name} the new version got ${share.toFixed(1)} % of real requests`,
      Math.abs(share - percent) <= 5,
    );
  }
  demo.prove(
    'every stage passed its signed verdict and the change is committed',
    status.phase === 'committed',
  );
  demo.prove(
    'what is live, read back, is version 2 alone',
    (await read()).includes('"values":["127.0.0.2"]'),
  );
}

async function badChange(scene: Scene): Promise<void> {
  const { demo, read } = scene;
  demo.heading('A bad change: version 3 answers with errors');
  const before = await read();
  const changeId = 'demo-bad-change';
  await demo.submitAndApprove(changeId, requestFrom('bad-change.yaml', scene));
  const { status } = await followStages(scene, changeId, '127.0.0.3');
  const failed = status.stages.find((stage) => stage.state === 'failed');
  demo.prove(
    `the canary failed at ${failed?.name ?? 'no stage'}: ${failed?.verdict?.reasons[0] ?? ''}`,
    failed !== undefined,
  );
  demo.prove('nobody had to act: it rolled back by itself', status.phase === 'rolled-back');
  demo.prove('the records, read back, are exactly as before', (await read()) === before);
}

/** Prints each stage with the share of real requests that reached the new version while it was live. */
async function followStages(
  { demo, traffic }: Scene,
  changeId: string,
  newAddress: string,
): Promise<{ status: ChangeStatus; shares: Map<string, number> }> {
  const shares = new Map<string, number>();
  let live: string | undefined;
  const status = await demo.follow(changeId, async ({ stages }) => {
    const baking = stages.find((stage) => stage.state === 'baking');
    if (live !== undefined && baking?.name !== live) {
      const verdict = stages.find((one) => one.name === live)?.verdict?.verdict ?? '…';
      const { byAddress, requests, errors } = traffic.take();
      const percent = (100 * (byAddress[newAddress] ?? 0)) / Math.max(1, requests);
      shares.set(live, percent);
      const counted = `of ${requests} requests, ${errors} errors`;
      demo.say(stageLine({ stage: live, percent, counted, verdict }, demo.style));
      live = undefined;
    }
    if (baking && live === undefined) {
      await sleep(RESOLVER_LAG_MS);
      traffic.take();
      live = baking.name;
    }
  });
  return { status, shares };
}

function requestFrom(file: string, { port }: Scene): ChangeRequest {
  const request = exampleRequest(file);
  const { rollout } = request.spec;
  if (rollout.probe === undefined) return request;
  return {
    ...request,
    spec: { ...request.spec, rollout: { ...rollout, probe: { ...rollout.probe, port } } },
  };
}
