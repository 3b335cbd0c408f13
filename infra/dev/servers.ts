import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { SEARCH_ATTRIBUTES } from '../../workflows/contract.ts';
import { freePort } from './free-port.ts';
import { devFile, installTools, type Tools } from './install.ts';
import { type ManagedProcess, type ProcessPlan, startProcess } from './managed-process.ts';
import { awsAnswers, registerSearchAttributes, temporalAnswers } from './readiness.ts';

const REGION = 'us-east-1';
const NAMESPACE = 'default';
const READY_TIMEOUT_MS = 30_000;

export interface AwsCredentials {
  accessKeyId: string;
  secretAccessKey: string;
}

export interface TemporalServer {
  /** `host:port` of the gRPC frontend. */
  address: string;
  namespace: string;
  /** Absent for a server that we did not start. */
  uiUrl?: string;
}

export interface AwsServer {
  /** `http://127.0.0.1:port`, the one endpoint of all services. */
  endpoint: string;
  region: string;
  adminCredentials: AwsCredentials;
}

/** Plain data: where the stack's servers answer. */
export interface StackAddresses {
  temporal: TemporalServer;
  aws: AwsServer;
}

/** The running stack. Addresses stay the same for its whole life, restarts included. */
export interface DevServers extends StackAddresses {
  /** SIGKILL. Its data stays; settings and records of the last half second may be lost (see README.md). */
  killAws(): Promise<void>;
  /** Kills it if it runs, starts it on the same port and data; resolves when it answers. */
  restartAws(): Promise<void>;
  /** SIGKILL. Its data stays. Throws when `TEMPORAL_ADDRESS` names a server that is not ours. */
  killTemporal(): Promise<void>;
  restartTemporal(): Promise<void>;
  /** Ends both; resolves when they have ended. May be called twice. */
  stop(): Promise<void>;
}

export interface StartServersOptions {
  /** Holds data, logs and the administrator's key. The same folder again: the same data. */
  stateDir: string;
  /** One line a step, for people. */
  onProgress?: (line: string) => void;
  /** Called when a server ends by itself, with its last log lines. */
  onUnexpectedExit?: (message: string) => void;
  env?: NodeJS.ProcessEnv;
}

/**
 * Starts the AWS emulator and Temporal on loopback, installing them first if needed, and resolves when both
 * have answered a real request. With `TEMPORAL_ADDRESS` set, that server (and `TEMPORAL_NAMESPACE`) is used.
 * The servers end with this process, also when it is killed. Rejects with `STACK_NOT_RUNNING`, the reason and
 * the last log lines; nothing is left running then.
 */
export async function startServers(options: StartServersOptions): Promise<DevServers> {
  const env = options.env ?? process.env;
  const report = options.onProgress ?? (() => {});
  const onUnexpectedExit = options.onUnexpectedExit ?? report;
  mkdirSync(join(options.stateDir, 'tmp'), { recursive: true, mode: 0o700 });
  const tools = await installTools(report, env);
  const common = { tools, stateDir: options.stateDir, onUnexpectedExit };
  report('Starting the AWS emulator and Temporal …');
  const started = await Promise.allSettled([startAws(common), startTemporal(common, env)]);
  const [aws, temporal] = started;
  if (aws.status === 'rejected' || temporal.status === 'rejected') {
    await Promise.all(
      started.map(async (one) => one.status === 'fulfilled' && (await one.value.process.stop())),
    );
    throw started.find((one) => one.status === 'rejected')?.reason;
  }
  report(`Temporal answers on ${temporal.value.server.address}, AWS on ${aws.value.server.endpoint}.`);
  return {
    temporal: temporal.value.server,
    aws: aws.value.server,
    killAws: () => aws.value.process.kill(),
    restartAws: () => aws.value.process.restart(),
    killTemporal: () => temporal.value.process.kill(),
    restartTemporal: () => temporal.value.process.restart(),
    stop: async () => {
      await Promise.all([aws.value.process.stop(), temporal.value.process.stop()]);
    },
  };
}

interface Common {
  tools: Tools;
  stateDir: string;
  onUnexpectedExit: (message: string) => void;
}

interface RestartableProcess {
  kill(): Promise<void>;
  stop(): Promise<void>;
  restart(): Promise<void>;
}

async function restartable(plan: ProcessPlan): Promise<RestartableProcess> {
  let current: ManagedProcess = await startProcess(plan);
  return {
    kill: () => current.kill(),
    stop: () => current.stop(),
    restart: async () => {
      await current.kill();
      current = await startProcess(plan);
    },
  };
}

async function startAws(common: Common): Promise<{ server: AwsServer; process: RestartableProcess }> {
  const { tools, stateDir } = common;
  const port = await freePort();
  const server: AwsServer = {
    endpoint: `http://127.0.0.1:${port}`,
    region: REGION,
    adminCredentials: adminCredentials(join(stateDir, 'aws-admin.json')),
  };
  const process = await restartable({
    name: 'The AWS emulator (ministack)',
    python: tools.python,
    command: [tools.python, devFile('ministack-launcher.py')],
    env: ministackEnvironment(stateDir, port, server.adminCredentials),
    logFile: join(stateDir, 'aws.log'),
    // It saves its state when asked to end.
    endSignal: 'SIGTERM',
    ready: () => awsAnswers(server),
    readyTimeoutMs: READY_TIMEOUT_MS,
    onUnexpectedExit: common.onUnexpectedExit,
  });
  return { server, process };
}

function ministackEnvironment(stateDir: string, port: number, admin: AwsCredentials): Record<string, string> {
  return {
    ...baseEnvironment(stateDir),
    GATEWAY_PORT: String(port),
    // It binds all interfaces otherwise.
    BIND_HOST: '127.0.0.1',
    MINISTACK_REGION: REGION,
    // Policies are enforced; this key is the administrator.
    AUTH: 'true',
    AWS_ACCESS_KEY_ID: admin.accessKeyId,
    AWS_SECRET_ACCESS_KEY: admin.secretAccessKey,
    PERSIST_STATE: '1',
    STATE_DIR: join(stateDir, 'aws-state'),
    S3_PERSIST: '1',
    S3_DATA_DIR: join(stateDir, 'aws-s3'),
    IOT_MTLS_ENABLED: '0',
    SFTP_ENABLED: '0',
    // At start and end it removes every ministack container it finds, also those of a person's other stack.
    DOCKER_HOST: `unix://${join(stateDir, 'no-docker.sock')}`,
    LOG_LEVEL: 'WARNING',
  };
}

/** Made once for a state folder: the emulator's data names no administrator, but callers keep the key. */
function adminCredentials(file: string): AwsCredentials {
  if (existsSync(file)) return JSON.parse(readFileSync(file, 'utf8')) as AwsCredentials;
  const made: AwsCredentials = {
    accessKeyId: `AKIA${randomBytes(8).toString('hex').toUpperCase()}`,
    secretAccessKey: randomBytes(30).toString('base64url'),
  };
  writeFileSync(file, JSON.stringify(made), { mode: 0o600 });
  return made;
}

async function startTemporal(
  common: Common,
  env: NodeJS.ProcessEnv,
): Promise<{ server: TemporalServer; process: RestartableProcess }> {
  if (env.TEMPORAL_ADDRESS) return useTemporal(env.TEMPORAL_ADDRESS, env.TEMPORAL_NAMESPACE || NAMESPACE);
  const { tools, stateDir } = common;
  const [port, uiPort] = await Promise.all([freePort(), freePort()]);
  const server = {
    address: `127.0.0.1:${port}`,
    namespace: NAMESPACE,
    uiUrl: `http://127.0.0.1:${uiPort}`,
  };
  const process = await restartable({
    name: 'Temporal',
    python: tools.python,
    command: [tools.temporal, ...temporalArguments(join(stateDir, 'temporal.db'), port, uiPort)],
    env: baseEnvironment(stateDir),
    logFile: join(stateDir, 'temporal.log'),
    // Its database survives a kill, and an orderly end takes a second.
    endSignal: 'SIGKILL',
    ready: () => temporalAnswers(server),
    readyTimeoutMs: READY_TIMEOUT_MS,
    onUnexpectedExit: common.onUnexpectedExit,
  });
  return { server, process };
}

function temporalArguments(database: string, port: number, uiPort: number): string[] {
  return [
    ...['server', 'start-dev', '--ip', '127.0.0.1', '--port', String(port), '--ui-port', String(uiPort)],
    ...['--db-filename', database, '--log-level', 'warn'],
    // The development server hands out one task per 50 ms: its queues are polled 20 times a second. With
    // these limits and one partition a queue, 20 activities take a quarter of the time, and with SQLite's
    // write-ahead log a seventh. A kill -9 loses nothing in WAL mode; only a power cut can, with `normal`.
    ...['--dynamic-config-value', 'history.transferProcessorMaxPollRPS=5000'],
    ...['--dynamic-config-value', 'history.timerProcessorMaxPollRPS=1000'],
    ...['--dynamic-config-value', 'matching.numTaskqueueReadPartitions=1'],
    ...['--dynamic-config-value', 'matching.numTaskqueueWritePartitions=1'],
    ...['--sqlite-pragma', 'journal_mode=wal', '--sqlite-pragma', 'synchronous=normal'],
    ...Object.entries(searchAttributeTypes()).flatMap(([name, type]) => [
      '--search-attribute',
      `${name}=${type}`,
    ]),
  ];
}

/** What the workflow sets on itself. One change touches several resources, so they are a list. */
export function searchAttributeTypes(): Record<string, 'Keyword' | 'KeywordList'> {
  const types: Record<string, 'Keyword' | 'KeywordList'> = {};
  for (const name of Object.values(SEARCH_ATTRIBUTES)) {
    types[name] = name === SEARCH_ATTRIBUTES.resources ? 'KeywordList' : 'Keyword';
  }
  return types;
}

async function useTemporal(
  address: string,
  namespace: string,
): Promise<{ server: TemporalServer; process: RestartableProcess }> {
  const server: TemporalServer = { address, namespace };
  await registerSearchAttributes(server, searchAttributeTypes());
  const refuse = async (): Promise<void> => {
    throw new Error(`Temporal at ${address} (TEMPORAL_ADDRESS) is not ours to kill. Unset it to try this.`);
  };
  return { server, process: { kill: refuse, restart: refuse, stop: async () => {} } };
}

/** Nothing of the person's environment: their AWS, Temporal and Python settings are not the stack's. */
export function baseEnvironment(stateDir: string): Record<string, string> {
  return {
    PATH: '/usr/local/bin:/usr/bin:/bin',
    HOME: stateDir,
    TMPDIR: join(stateDir, 'tmp'),
    LANG: 'C.UTF-8',
  };
}
