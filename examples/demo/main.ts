import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { planText } from '../../client/cli/plan-text.ts';
import { styleFor } from '../../client/cli/style.ts';
import { connect, openPerson } from '../../client/compose.ts';
import type { ControlPlane, Person } from '../../client/control-plane.ts';
import { readRequestFile } from '../../client/request-file.ts';
import type { ChangeRequest } from '../../domain/change/request.ts';
import { canonicalText } from '../../domain/evidence/canonical-json.ts';
import { createRoute53Reader, createRoute53Writer } from '../../infra/aws/aws-clients.ts';
import { createRoute53DnsZones } from '../../infra/aws/route53-dns-zones.ts';
import { type DevStack, runDevStack } from '../../infra/dev/dev-stack.ts';
import { freePort } from '../../infra/dev/free-port.ts';
import { openTrustFile } from '../../infra/keys/trust-file.ts';
import { type ChangeStatus, VOTER_ZONES } from '../../workflows/contract.ts';
import { Fleet } from './consumers.ts';
import { startService } from './service.ts';
import { type Count, Traffic } from './traffic.ts';

/**
 * The main job, end to end and for real: a good change travels the whole way, then a bad one travels back; first of
 * DNS records, by weight, then of a config, by share of its consumers.
 * Exit status 0 only if everything that the summary claims was seen.
 */
const POLL_MS = 100;
const ENDS: readonly ChangeStatus['phase'][] = ['committed', 'rejected', 'rolled-back'];
const ZONE = 'example.com';
const NAME = `api.${ZONE}`;
const TIMEOUTS = 'config/payments/timeouts';
const INSTANCES = 30;
const startedMs = performance.now();
const style = styleFor(process.stdout, process.env);
const proofs: { held: boolean; claim: string }[] = [];

function say(line: string): void {
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(5);
  process.stdout.write(`${style('dim', `${seconds}s`)}  ${line}\n`);
}

function prove(claim: string, held: boolean): void {
  proofs.push({ held, claim });
  say(`${held ? style('green', 'proven') : style('red', 'FAILED')}  ${claim}`);
}

class Demo {
  readonly #plane: ControlPlane;
  readonly #traffic: Traffic;
  readonly #people: { alice: Person; bob: Person; carol: Person };

  constructor(plane: ControlPlane, traffic: Traffic, person: (subject: string) => Person) {
    this.#plane = plane;
    this.#traffic = traffic;
    this.#people = { alice: person('alice'), bob: person('bob'), carol: person('carol') };
  }

  /** Alice submits, the zones vote, Bob and Carol approve exactly the plan they saw. */
  async submitAndApprove(changeId: string, request: ChangeRequest): Promise<void> {
    const { alice, bob, carol } = this.#people;
    const preview = await this.#plane.plan(changeId, request);
    if (preview.plan) process.stdout.write(`\n${planText(preview.plan, preview.needs, style)}\n`);
    const { index } = await this.#plane.submit(changeId, request, alice);
    say(`alice submitted ${style('bold', changeId)}: recorded at entry ${index}`);

    const waiting = await this.until(changeId, (status) => status.phase === 'approval');
    const yes = waiting.votes.filter((vote) => vote.decision === 'yes').map((vote) => vote.voter);
    prove(`${yes.length} of 3 zones planned it again and voted yes (${yes.join(', ')})`, yes.length >= 2);

    const plan = await this.#plane.planOf(changeId);
    const own = await this.#plane.decide(changeId, { decision: 'approve', plan }, alice);
    prove(`alice may not approve her own change (${own.reasons[0]?.rule ?? 'accepted'})`, !own.accepted);
    for (const person of [bob, carol]) {
      const answer = await this.#plane.decide(changeId, { decision: 'approve', plan }, person);
      say(`${person.subject} approved ${waiting.planDigest?.slice(0, 19)}… (entry ${answer.index})`);
    }
  }

  /** What the rest stands on, without the ceremony. */
  async makeLive(changeId: string, request: ChangeRequest): Promise<void> {
    const { alice, bob, carol } = this.#people;
    await this.#plane.submit(changeId, request, alice);
    await this.until(changeId, (status) => status.phase === 'approval');
    const plan = await this.#plane.planOf(changeId);
    for (const person of [bob, carol])
      await this.#plane.decide(changeId, { decision: 'approve', plan }, person);
    const { phase } = await this.until(changeId, (status) => ENDS.includes(status.phase));
    say(`${changeId} is ${phase}`);
  }

  /** Prints each stage with the consumers that had the version while it was live. */
  async followConsumers(
    changeId: string,
    having: () => number,
  ): Promise<{ status: ChangeStatus; counts: Map<string, number> }> {
    const counts = new Map<string, number>();
    let last: string | undefined;
    for (;;) {
      const status = await this.#plane.status(changeId);
      const baking = status.stages.find((stage) => stage.state === 'baking')?.name;
      if (last !== undefined && baking !== last) {
        const verdict = status.stages.find((one) => one.name === last)?.verdict?.verdict ?? '…';
        say(consumersLine(last, counts.get(last) ?? 0, verdict));
      }
      if (baking !== undefined) counts.set(baking, having());
      last = baking;
      if (ENDS.includes(status.phase)) return { status, counts };
      if (status.held) say(style('yellow', `held: ${status.held.why}`));
      await sleep(POLL_MS);
    }
  }

  /** Prints each stage with the share of real requests that reached the new version while it was live. */
  async followStages(
    changeId: string,
    newAddress: string,
  ): Promise<{ status: ChangeStatus; shares: Map<string, number> }> {
    const shares = new Map<string, number>();
    let live: string | undefined;
    let count: Count | undefined;
    for (;;) {
      const status = await this.#plane.status(changeId);
      const baking = status.stages.find((stage) => stage.state === 'baking');
      if (live !== undefined && baking?.name !== live) {
        const stage = status.stages.find((one) => one.name === live);
        count = this.#traffic.take();
        const share = (100 * (count.byAddress[newAddress] ?? 0)) / Math.max(1, count.requests);
        shares.set(live, share);
        say(stageLine(live, share, count, stage?.verdict?.verdict ?? '…'));
        live = undefined;
      }
      if (baking && live === undefined) {
        // The client's resolver lags: what it still sends by the old weights is not this stage's.
        await sleep(150);
        this.#traffic.take();
        live = baking.name;
      }
      if (ENDS.includes(status.phase)) return { status, shares };
      if (status.held) say(style('yellow', `held: ${status.held.why}`));
      await sleep(POLL_MS);
    }
  }

  async until(changeId: string, reached: (status: ChangeStatus) => boolean): Promise<ChangeStatus> {
    for (;;) {
      const status = await this.#plane.status(changeId);
      if (reached(status)) return status;
      if (status.phase === 'rejected') {
        throw new Error(
          `${changeId} was rejected: ${status.violations.map((one) => one.message).join('; ')}`,
        );
      }
      await sleep(POLL_MS);
    }
  }
}

function stageLine(stage: string, share: number, count: Count, verdict: string): string {
  return `${barOf(stage, share)} of ${count.requests} requests, ${count.errors} errors → ${coloured(verdict)}`;
}

function consumersLine(stage: string, having: number, verdict: string): string {
  return `${barOf(stage, (100 * having) / INSTANCES)}: ${having} of ${INSTANCES} consumers → ${coloured(verdict)}`;
}

function barOf(stage: string, share: number): string {
  const width = 30;
  const filled = Math.round((share / 100) * width);
  const bar = `${'█'.repeat(filled)}${'·'.repeat(width - filled)}`;
  return `stage ${stage.padStart(5)} ${bar} ${share.toFixed(1).padStart(5)} %`;
}

function coloured(verdict: string): string {
  return style(verdict === 'pass' ? 'green' : verdict === 'fail' ? 'red' : 'yellow', verdict);
}

function requestFrom(file: string, port: number): ChangeRequest {
  const { request } = readRequestFile(fileURLToPath(new URL(`../${file}`, import.meta.url)));
  const { probe } = request.spec.rollout;
  return probe === undefined
    ? request
    : {
        ...request,
        spec: { ...request.spec, rollout: { ...request.spec.rollout, probe: { ...probe, port } } },
      };
}

async function goodChange(demo: Demo, port: number, read: () => Promise<string>): Promise<void> {
  say(style('bold', 'A good change: api.example.com from version 1 to version 2'));
  const changeId = 'demo-good-change';
  await demo.submitAndApprove(changeId, requestFrom('good-change.yaml', port));
  const { status, shares } = await demo.followStages(changeId, '127.0.0.2');
  for (const { name, percent } of status.stages.filter((stage) => stage.name !== 'final')) {
    const share = shares.get(name) ?? Number.NaN;
    prove(
      `at ${name} the new version got ${share.toFixed(1)} % of real requests`,
      Math.abs(share - percent) <= 5,
    );
  }
  prove('every stage passed its signed verdict and the change is committed', status.phase === 'committed');
  prove('what is live, read back, is version 2 alone', (await read()).includes('"values":["127.0.0.2"]'));
}

async function badChange(demo: Demo, port: number, read: () => Promise<string>): Promise<void> {
  say(style('bold', 'A bad change: version 3 answers with errors'));
  const before = await read();
  const changeId = 'demo-bad-change';
  await demo.submitAndApprove(changeId, requestFrom('bad-change.yaml', port));
  const { status } = await demo.followStages(changeId, '127.0.0.3');
  const failed = status.stages.find((stage) => stage.state === 'failed');
  prove(
    `the canary failed at ${failed?.name ?? 'no stage'}: ${failed?.verdict?.reasons[0] ?? ''}`,
    failed !== undefined,
  );
  prove('nobody had to act: it rolled back by itself', status.phase === 'rolled-back');
  prove('the records, read back, are exactly as before', (await read()) === before);
}

/** The consumers of the demo report faster than those of the guide, so that a stage needs no long bake. */
function documentRequestFrom(file: string): ChangeRequest {
  const { request } = readRequestFile(fileURLToPath(new URL(`../documents/${file}`, import.meta.url)));
  const rollout = { ...request.spec.rollout, bakeSeconds: 2 };
  return { ...request, spec: { ...request.spec, rollout } };
}

async function configCanary(demo: Demo, fleet: Fleet): Promise<void> {
  say(style('bold', `A config canary: the timeouts of ${INSTANCES} instances of payments`));
  const schema = documentRequestFrom('1-schema.yaml');
  const configs = documentRequestFrom('2-configs.yaml');
  // In one batch, because the state that would exist is what is judged.
  const operations = [...schema.spec.operations, ...configs.spec.operations.slice(0, 1)];
  await demo.makeLive('demo-first-documents', { ...configs, spec: { ...configs.spec, operations } });

  const changeId = 'demo-config';
  await demo.submitAndApprove(changeId, documentRequestFrom('4-change-config.yaml'));
  const having = () => fleet.having(TIMEOUTS, '1.1.0');
  const { status, counts } = await demo.followConsumers(changeId, having);
  const tenth = counts.get('10%') ?? 0;
  prove(
    `at 10 % the new version was with ${tenth} of ${INSTANCES} consumers, at 100 % with ${counts.get('100%')}`,
    tenth >= 1 && tenth <= INSTANCES / 5 && counts.get('100%') === INSTANCES,
  );
  prove('what consumers reported passed every stage; the change is committed', status.phase === 'committed');
}

async function badConfig(demo: Demo, fleet: Fleet): Promise<void> {
  say(style('bold', 'A bad config: valid by its schema, but whoever applies it reports errors'));
  const changeId = 'demo-bad-config';
  await demo.submitAndApprove(changeId, documentRequestFrom('bad-config.yaml'));
  const { status, counts } = await demo.followConsumers(changeId, () => fleet.having(TIMEOUTS, '1.2.0'));
  const met = Math.max(...counts.values());
  prove(
    `it met ${met} of ${INSTANCES} consumers and was withdrawn by itself`,
    status.phase === 'rolled-back' && met < INSTANCES / 2,
  );
  for (let tries = 0; fleet.having(TIMEOUTS, '1.1.0') < INSTANCES && tries < 30; tries += 1)
    await sleep(POLL_MS);
  prove('all of them have the version before it again', fleet.having(TIMEOUTS, '1.1.0') === INSTANCES);
}

async function main({ installation, consumerFile }: DevStack): Promise<void> {
  const { aws } = installation;
  const trust = openTrustFile(installation.trustFile, installation.trustDigest);
  const reader = createRoute53Reader(aws);
  const dns = createRoute53DnsZones({
    reader,
    writer: createRoute53Writer(aws),
    trust,
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
  const { controlPlane, close } = await connect(installation);
  try {
    const demo = new Demo(controlPlane, traffic, (subject) => openPerson(installation, subject));
    await goodChange(demo, port, read);
    process.stdout.write('\n');
    await badChange(demo, port, read);
    process.stdout.write('\n');
    await traffic.stop();
    const fleet = await Fleet.start({
      consumerFile,
      dir: join(home, 'consumers'),
      instances: INSTANCES,
      zones: VOTER_ZONES,
      isBroken: (client) => client.get(TIMEOUTS)?.value.readMs === 1,
      pollIntervalMs: 800,
      reportIntervalMs: 800,
    });
    try {
      await configCanary(demo, fleet);
      process.stdout.write('\n');
      await badConfig(demo, fleet);
    } finally {
      await fleet.stop();
    }
  } finally {
    await traffic.stop();
    await Promise.all(services.map((service) => service.stop()));
    await close();
  }
}

const home = mkdtempSync(join(tmpdir(), 'resilience-demo-'));
const stack = await runDevStack({ home, environment: 'demo', onProgress: say });
try {
  await main(stack);
} finally {
  await stack.stop();
  rmSync(home, { recursive: true, force: true });
}
const failed = proofs.filter((proof) => !proof.held);
process.stdout.write(`\n${style('bold', 'What was proven')}\n`);
for (const { held, claim } of proofs)
  process.stdout.write(`  ${held ? style('green', '✓') : style('red', '✗')} ${claim}\n`);
process.stdout.write(
  `\n${proofs.length - failed.length} of ${proofs.length} held, in ${Math.round((performance.now() - startedMs) / 1000)} s.\n`,
);
process.exit(failed.length === 0 ? 0 : 1);
