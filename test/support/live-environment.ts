import { mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { ResourceRecordSet } from '@aws-sdk/client-route-53';
import { Client, Connection } from '@temporalio/client';
import { msToTs } from '@temporalio/common/lib/time.js';
import pino from 'pino';
import { inject, vi } from 'vitest';
import type { Bodies } from '../../activities/ports/bodies.ts';
import type { DnsZones } from '../../activities/ports/dns-zones.ts';
import { recordTrust } from '../../activities/record-trust.ts';
import type { Brakes } from '../../client/brakes.ts';
import { connect, devCode, openPerson } from '../../client/compose.ts';
import type { ControlPlane, Person } from '../../client/control-plane.ts';
import { DomainError } from '../../domain/errors.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import { createRoute53Reader, createRoute53Writer, createS3Client } from '../../infra/aws/aws-clients.ts';
import { createRoute53DnsZones } from '../../infra/aws/route53-dns-zones.ts';
import { createS3Bodies } from '../../infra/aws/s3-bodies.ts';
import { createS3ChangeLog, type S3ChangeLog } from '../../infra/aws/s3-change-log.ts';
import { type DevEnvironment, prepareEnvironment } from '../../infra/dev/environment.ts';
import { freePort } from '../../infra/dev/free-port.ts';
import { registerSearchAttributes } from '../../infra/dev/readiness.ts';
import { type RoleProcesses, startRoles } from '../../infra/dev/roles.ts';
import type { StackAddresses } from '../../infra/dev/servers.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import type { WorkerConfig } from '../../worker/config.ts';
import { integratePeriodically } from '../../worker/periodic-integration.ts';
import { type OpenedPorts, openPorts } from '../../worker/role-ports.ts';
import { createRoleWorker } from '../../worker/role-worker.ts';
import { installRuntime } from '../../worker/telemetry.ts';
import {
  type ChangeResult,
  type ChangeStatus,
  type Phase,
  SEARCH_ATTRIBUTES,
} from '../../workflows/contract.ts';
import { peopleNeeded } from './approval-rules.ts';
import { type CanaryServices, startCanaryServices } from './canary-services.ts';

export type Role = keyof DevEnvironment['workers'];

export interface LiveEnvironmentOptions {
  /** Names the environment, its Temporal namespace and its zone `<name>.test`. */
  name: string;
  /** The run's own servers, unless a test kills its servers and so brings its own. */
  stack?: StackAddresses;
  policy?: Partial<TrustDocument['policy']>;
  /** Roles that run as processes, restarted whenever they die. The others run inside the test. */
  processes?: readonly Role[];
  /** Also a factor-verifier, as a process. */
  factorVerifier?: true;
  /** The program of those processes; the default is the product's own worker. */
  main?: string;
  /** Added to the environment of a role's process. */
  env?: (role: Role, dir: string) => Record<string, string>;
  /** Roles that `start` starts later, or nobody. */
  absent?: readonly Role[];
  /** The configuration that a role gets instead, for example with a fault proxy as its AWS endpoint. */
  configure?: (config: WorkerConfig) => WorkerConfig;
  /** What a role inside the test gets instead of its ports. */
  wrap?: (role: Role, ports: OpenedPorts, dir: string) => OpenedPorts;
}

/** One environment on real servers, with every role at work and an HTTP service for both arms of a canary. */
export interface LiveEnvironment {
  name: string;
  zone: string;
  /** Removed at the end; tests put their markers here. */
  dir: string;
  prepared: DevEnvironment;
  controlPlane: ControlPlane;
  brakes: Brakes;
  client: Client;
  services: CanaryServices;
  person(subject: string): Person;
  /** Read with the rights of a client. */
  dns: DnsZones;
  log: S3ChangeLog;
  bodies: Bodies;
  /** Polls until the status satisfies. */
  until(changeId: string, reached: (status: ChangeStatus) => boolean): Promise<ChangeStatus>;
  /** Approves the change's plan as soon as there is one. */
  approve(changeId: string, approver?: string): Promise<void>;
  /** The workflow's result. */
  ended(changeId: string): Promise<ChangeResult>;
  /** The process of a role among `processes`. */
  pid(role: Role): number;
  /** SIGKILL; the supervisor starts it again. Resolves when it works again. */
  killAndRestart(role: Role): Promise<void>;
  /** The process of the environment's witness, by that name. */
  witness: Pick<RoleProcesses, 'kill' | 'restart'>;
  /** The process of the factor-verifier, by that name, where one was asked for. */
  factorVerifier: Pick<RoleProcesses, 'kill' | 'restart'>;
  /** A code of somebody's second factor that has not been used yet. */
  code(subject: string): string;
  /** Starts a role (once more) inside the test. */
  start(role: Role): Promise<void>;
  /** Stops a role inside the test. */
  stopRole(role: Role): Promise<void>;
  /** The log lines of a role's process. */
  output(role: Role): string;
  /** What people were paged for, as the orchestrator inside the test logged it. */
  pages(): { changeId: string; environment: string; summary: string }[];
  stop(): Promise<void>;
}

/** Fast: nobody waits for a TTL, and one person's approval is enough for an ordinary change. */
const POLICY: Partial<TrustDocument['policy']> = {
  approvals: peopleNeeded({ standard: 1, critical: 2, emergency: 2, brake: 1 }),
};
const NAMESPACE_TIMEOUT_MS = 20_000;
const PHASE_TIMEOUT_MS = 80_000;
const ENDS: readonly Phase[] = ['committed', 'rejected', 'rolled-back'];
const POLL_MS = 25;

export async function startLiveEnvironment(options: LiveEnvironmentOptions): Promise<LiveEnvironment> {
  const { name } = options;
  const shared = options.stack ?? inject('stack');
  const stack = { ...shared, temporal: { ...shared.temporal, namespace: name } };
  const zone = `${name}.test`;
  const dir = mkdtempSync(join(tmpdir(), `resilience-${name}-`));
  const [prepared, services] = await Promise.all([
    prepareEnvironment(stack, {
      environment: name,
      zones: [{ name: zone, records: recordsOf(zone) }],
      dir,
      policy: { ...POLICY, ...options.policy },
    }),
    startCanaryServices(await freePort()),
    registerNamespace(stack),
  ]);
  const configs = Object.fromEntries(
    Object.entries(prepared.workers).map(([role, config]) => [role, options.configure?.(config) ?? config]),
  ) as DevEnvironment['workers'];
  const crew = new Crew(dir, configs, options);
  const [witness] = await Promise.all([
    startRoles({
      dir,
      workers: {},
      witness: prepared.witness,
      ...(options.factorVerifier && { factorVerifier: prepared.factorVerifier }),
      onUnexpectedExit: () => {},
    }),
    crew.startAll(),
  ]);

  const { controlPlane, brakes, close } = await connect(prepared.installation);
  const connection = await Connection.connect({ address: stack.temporal.address });
  const client = new Client({ connection, namespace: name });
  const { aws } = prepared.installation;
  const { trust } = prepared;
  const s3 = createS3Client(aws);
  const read = { s3, bucket: aws.bucket, environment: name };
  const until: LiveEnvironment['until'] = async (changeId, reached) => {
    let last: ChangeStatus | undefined;
    try {
      return await vi.waitUntil(
        async () => {
          last = await controlPlane.status(changeId);
          if (reached(last)) return last;
          if (ENDS.includes(last.phase)) throw new Error(`it is ${last.phase}`);
          return undefined;
        },
        { timeout: PHASE_TIMEOUT_MS, interval: POLL_MS },
      );
    } catch (cause) {
      throw new Error(`${changeId} did not get there: ${JSON.stringify(last, null, 1)}`, { cause });
    }
  };
  const person = (subject: string) => openPerson(prepared.installation, subject);
  return {
    ...{ name, zone, dir, prepared, controlPlane, brakes, client, services, person, until },
    dns: createRoute53DnsZones({
      reader: createRoute53Reader(aws),
      writer: createRoute53Writer(aws),
      targets: () => trust.targets,
    }),
    log: createS3ChangeLog({ ...read, trust, verify: verifyEd25519 }),
    bodies: createS3Bodies(read),
    async approve(changeId, approver = 'bob') {
      await until(changeId, ({ planDigest }) => planDigest !== null);
      const plan = await controlPlane.planOf(changeId);
      try {
        await controlPlane.decide(changeId, { decision: 'approve', plan }, person(approver));
      } catch (error) {
        // A worker that is killed and started anew may take longer than a client waits: the approval is not lost.
        if (!(error instanceof DomainError && error.code === 'ENGINE_UNAVAILABLE')) throw error;
        await until(changeId, ({ approvals }) => approvals.some((one) => one.approver === approver));
      }
    },
    ended: (changeId) => client.workflow.getHandle(changeId).result() as Promise<ChangeResult>,
    pid: (role) => crew.pid(role),
    witness,
    factorVerifier: witness,
    code: (subject) => devCode(prepared.installation, subject),
    killAndRestart: (role) => crew.killAndRestart(role),
    start: (role) => crew.startHere(role),
    stopRole: (role) => crew.stopHere(role),
    output: (role) => readFileSync(join(dir, 'workers', `${role}.log`), 'utf8'),
    pages: () =>
      readFileSync(join(dir, 'workers', 'orchestrator-here.log'), 'utf8')
        .split('\n')
        .filter((line) => line.includes('"page":true'))
        .map((line) => JSON.parse(line)),
    async stop() {
      await crew.stop();
      await witness.stop();
      await close();
      await connection.close();
      await services.stop();
      s3.destroy();
      rmSync(dir, { recursive: true, force: true });
    },
  };
}

/** Starts several at once; when one fails, those that did start are stopped. */
export async function startLiveEnvironments(
  all: readonly LiveEnvironmentOptions[],
): Promise<LiveEnvironment[]> {
  const started = await Promise.allSettled(all.map(startLiveEnvironment));
  const running = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const failed = started.find((one) => one.status === 'rejected');
  if (failed) {
    await Promise.all(running.map((one) => one.stop()));
    throw failed.reason;
  }
  return running;
}

/** The roles of one environment, each in a process of its own or inside the test. */
class Crew {
  readonly #dir: string;
  readonly #configs: DevEnvironment['workers'];
  readonly #options: LiveEnvironmentOptions;
  readonly #here = new Map<Role, (() => Promise<void>)[]>();
  readonly #processes = new Map<Role, RoleProcesses>();
  #stopping = false;
  #restarting: Promise<unknown> = Promise.resolve();

  constructor(dir: string, configs: DevEnvironment['workers'], options: LiveEnvironmentOptions) {
    this.#dir = dir;
    this.#configs = configs;
    this.#options = options;
    mkdirSync(join(dir, 'markers'), { recursive: true });
  }

  async startAll(): Promise<void> {
    const { processes = [], absent = [] } = this.#options;
    const roles = (Object.keys(this.#configs) as Role[]).filter((role) => !absent.includes(role));
    await Promise.all(
      roles.map((role) => (processes.includes(role) ? this.#spawn(role) : this.startHere(role))),
    );
  }

  async #spawn(role: Role): Promise<void> {
    const { main, env } = this.#options;
    const processes = await startRoles({
      dir: this.#dir,
      workers: { [role]: this.#configs[role] },
      // As a container would be.
      onUnexpectedExit: () => {
        if (!this.#stopping) this.#restarting = this.#restarting.then(() => processes.restart(role));
      },
      ...(main === undefined ? {} : { main }),
      env: () => ({
        WORKFLOW_BUNDLE: inject('workflowBundle'),
        NODE_COMPILE_CACHE: join(tmpdir(), 'resilience-test-compile-cache'),
        ...env?.(role, this.#dir),
      }),
    });
    this.#processes.set(role, processes);
  }

  pid(role: Role): number {
    const pid = this.#processes.get(role)?.pids[role];
    if (pid === undefined) throw new Error(`${role} runs in no process of its own`);
    return pid;
  }

  async killAndRestart(role: Role): Promise<void> {
    await this.#processes.get(role)?.restart(role);
  }

  async startHere(role: Role): Promise<void> {
    const { wrap = (_, ports) => ports } = this.#options;
    const config = this.#configs[role];
    quietRuntime();
    const ports = wrap(role, await openPorts(config), this.#dir);
    if (role === 'orchestrator') await recordTrust(ports);
    const logger = pino({ level: 'warn' }, pino.destination(join(this.#dir, 'workers', `${role}-here.log`)));
    const worker = await createRoleWorker(config, ports, logger, { codePath: inject('workflowBundle') });
    const running = worker.run();
    const stopping = new AbortController();
    const integrating = ports.integrator && integratePeriodically(ports.integrator, logger, stopping.signal);
    const stop = async () => {
      stopping.abort();
      worker.shutdown();
      await Promise.all([running, integrating]);
    };
    this.#here.set(role, [...(this.#here.get(role) ?? []), stop]);
  }

  async stopHere(role: Role): Promise<void> {
    await Promise.all((this.#here.get(role) ?? []).map((stop) => stop()));
    this.#here.delete(role);
  }

  async stop(): Promise<void> {
    this.#stopping = true;
    await this.#restarting;
    await Promise.all([
      ...[...this.#processes.values()].map((processes) => processes.stop()),
      ...[...this.#here.keys()].map((role) => this.stopHere(role)),
    ]);
  }
}

let runtimeIsQuiet = false;
function quietRuntime(): void {
  if (!runtimeIsQuiet) installRuntime(pino({ level: 'silent' }));
  runtimeIsQuiet = true;
}

/** Task queues are names of a namespace: with one each, environments do not take each other’s tasks. */
export async function registerNamespace(stack: StackAddresses): Promise<void> {
  const { address, namespace } = stack.temporal;
  const connection = await Connection.connect({ address });
  try {
    await connection.workflowService.registerNamespace({
      namespace,
      workflowExecutionRetentionPeriod: msToTs('1 day'),
    });
    const types = Object.values(SEARCH_ATTRIBUTES).map((name) => [
      name,
      name === SEARCH_ATTRIBUTES.resources ? ('KeywordList' as const) : ('Keyword' as const),
    ]);
    // The server takes a moment to see its new namespace.
    await vi.waitFor(() => registerSearchAttributes(stack.temporal, Object.fromEntries(types)), {
      timeout: NAMESPACE_TIMEOUT_MS,
      interval: 100,
    });
  } finally {
    await connection.close();
  }
}

/** Ten record sets at least, so that a share of the zone means something. */
function recordsOf(zone: string): ResourceRecordSet[] {
  const labels = [
    'api',
    'web',
    'shop',
    'auth',
    'mail',
    'docs',
    'db',
    'cache',
    'status',
    'search',
    'cdn',
    'log',
  ];
  return labels.map((label) => ({
    Name: `${label}.${zone}.`,
    Type: 'A',
    TTL: 0,
    ResourceRecords: [{ Value: '127.0.0.1' }],
  }));
}
