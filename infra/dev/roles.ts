import { readFileSync } from 'node:fs';
import { extname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { WorkerConfig } from '../../worker/config.ts';
import type { FactorVerifierConfig } from '../../worker/factor-verifier-config.ts';
import type { WitnessConfig } from '../../worker/witness-config.ts';
import { writeWorkerConfig } from './environment.ts';
import { installTools, resilienceHome } from './install.ts';
import { type ManagedProcess, type ProcessPlan, startProcess } from './managed-process.ts';

const READY_TIMEOUT_MS = 60_000;
const WORKER_MAIN = programOf('main');
/** Processes that are no workers of the engine, by their names among the processes. */
const SERVICES = ['witness', 'factor-verifier'] as const;
type ServiceName = (typeof SERVICES)[number];

function programOf(name: string): string {
  return fileURLToPath(new URL(`../../worker/${name}${extname(import.meta.url)}`, import.meta.url));
}

export interface RoleProcesses {
  /** SIGKILL, as a crash would. */
  kill(role: string): Promise<void>;
  /** Kills it if it runs and starts it anew; resolves when it polls its queue. */
  restart(role: string): Promise<void>;
  readonly pids: Record<string, number>;
  stop(): Promise<void>;
}

export interface StartRolesOptions {
  dir: string;
  workers: Record<string, WorkerConfig>;
  /** Started as well, by the names `witness` and `factor-verifier`. */
  witness?: WitnessConfig;
  factorVerifier?: FactorVerifierConfig;
  onUnexpectedExit: (message: string) => void;
  /** The program; the default is the product's own worker. */
  main?: string;
  /** Added to the environment of the role's process. */
  env?: (role: string) => Record<string, string>;
}

/** One process for each role, one for the witness and one for the factor-verifier, each with its own configuration, credentials and log file. */
export async function startRoles(options: StartRolesOptions): Promise<RoleProcesses> {
  const { python } = await installTools();
  const running: Record<string, ManagedProcess> = {};
  const start = async (role: string): Promise<void> => {
    running[role] = await startProcess(rolePlan(role, python, options));
  };
  const stop = async (): Promise<void> => {
    await Promise.all(Object.values(running).map((process) => process.stop()));
  };
  const started = await Promise.allSettled(
    [
      ...SERVICES.filter((name) => serviceConfig(name, options) !== undefined),
      ...Object.keys(options.workers),
    ].map(start),
  );
  const failed = started.find((one) => one.status === 'rejected');
  if (failed) {
    await stop();
    throw failed.reason;
  }
  return {
    kill: async (role) => running[role]?.kill(),
    restart: async (role) => {
      await running[role]?.kill();
      await start(role);
    },
    get pids() {
      return Object.fromEntries(Object.entries(running).map(([role, { pid }]) => [role, pid]));
    },
    stop,
  };
}

function serviceConfig(
  name: ServiceName,
  { witness, factorVerifier }: StartRolesOptions,
): WitnessConfig | FactorVerifierConfig | undefined {
  return { witness, 'factor-verifier': factorVerifier }[name];
}

function rolePlan(role: string, python: string, options: StartRolesOptions): ProcessPlan {
  const service = SERVICES.find((name) => name === role);
  const config = service ? serviceConfig(service, options) : options.workers[role];
  const program = service ? programOf(service) : (options.main ?? WORKER_MAIN);
  if (config === undefined) throw new Error(`no configuration for role ${role}`);
  const logFile = join(options.dir, 'workers', `${role}.log`);
  const configFile = writeWorkerConfig(options.dir, role, config);
  const readyBefore = readyLines(logFile);
  return {
    name: service ? `The ${service}` : `The worker ${role}`,
    python,
    command: [process.execPath, program, configFile],
    env: {
      PATH: '/usr/local/bin:/usr/bin:/bin',
      // Compiled once, kept and shared by all roles and runs: they start in half the time.
      NODE_COMPILE_CACHE: join(resilienceHome(), 'compile-cache'),
      NODE_NO_WARNINGS: '1',
      ...options.env?.(role),
    },
    logFile,
    endSignal: 'SIGTERM',
    ready: async () => {
      if (readyLines(logFile) <= readyBefore) throw new Error('it has not said that it is ready');
    },
    readyTimeoutMs: READY_TIMEOUT_MS,
    onUnexpectedExit: options.onUnexpectedExit,
  };
}

/** Its log holds one `ready` line for each start. */
function readyLines(logFile: string): number {
  try {
    return readFileSync(logFile, 'utf8').split('"msg":"ready"').length - 1;
  } catch {
    return 0;
  }
}
