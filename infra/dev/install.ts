import { spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DomainError } from '../../domain/errors.ts';

const PYTHON_NAMES = [
  'python3.14',
  'python3.13',
  'python3.12',
  'python3.11',
  'python3.10',
  'python3',
  'python',
] as const;
const OLDEST_MINOR = 10;
const here = fileURLToPath(new URL('.', import.meta.url));
const root = join(here, existsSync(join(here, 'requirements.txt')) ? '../..' : '../../..');

/** Absolute paths of the pinned servers. */
export interface Tools {
  /** The interpreter of the environment that holds them. */
  python: string;
  temporal: string;
  /** For `TestWorkflowEnvironment.createTimeSkipping`. */
  temporalTestServer: string;
}

/** A file of this folder. Compiled code lies in `dist`, while the Python files stay where they were. */
export function devFile(name: string): string {
  return join(root, 'infra', 'dev', name);
}

/**
 * Where the stack keeps what it installs and stores: `RESILIENCE_HOME`, else `.resilience` of the checkout,
 * else (installed as a package) the user's cache folder.
 */
export function resilienceHome(env: NodeJS.ProcessEnv = process.env): string {
  if (env.RESILIENCE_HOME) return env.RESILIENCE_HOME;
  if (!here.includes('node_modules')) return join(root, '.resilience');
  if (process.platform === 'darwin') return join(homedir(), 'Library', 'Caches', 'resilience-ctl');
  return join(env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'resilience-ctl');
}

/**
 * Installs the pinned servers once for each content of `requirements.txt`, and returns where they are.
 * Every file is checked against its hash. Two processes at once are safe: each installs beside the final
 * place, the first one to finish takes it. Throws `STACK_NOT_RUNNING` when Python is missing or pip fails.
 */
export async function installTools(
  onProgress: (line: string) => void = reportOnStderr,
  env: NodeJS.ProcessEnv = process.env,
): Promise<Tools> {
  const requirements = devFile('requirements.txt');
  const hash = createHash('sha256').update(readFileSync(requirements)).digest('hex').slice(0, 16);
  const place = join(resilienceHome(env), 'tools', hash);
  const tools = toolsIn(place, env);
  // The interpreter is a link to the system's: it dangles after an upgrade of the system's Python.
  if (existsSync(tools.python)) return tools;
  const systemPython = findPython(env);
  onProgress('Installing the pinned local servers (once, about 15 s) …');
  mkdirSync(dirname(place), { recursive: true });
  const workplace = mkdtempSync(`${place}.`);
  try {
    await run(systemPython, ['-m', 'venv', workplace], env);
    await run(join(workplace, 'bin', 'python'), [...PIP_INSTALL, '-r', requirements], env);
    takePlace(workplace, place);
  } finally {
    rmSync(workplace, { recursive: true, force: true });
  }
  onProgress(`Installed in ${place}.`);
  return tools;
}

/** `--no-deps`: requirements.txt is complete, so nothing may be resolved that has no hash. */
const PIP_INSTALL = [
  ...['-m', 'pip', 'install', '--require-hashes', '--no-deps', '--only-binary', ':all:'],
  ...['--no-input', '--disable-pip-version-check', '--quiet'],
];

function toolsIn(place: string, env: NodeJS.ProcessEnv): Tools {
  const bin = join(place, 'bin');
  return {
    python: join(bin, 'python'),
    temporal: findOnPath('temporal', env) ?? join(bin, 'temporal'),
    temporalTestServer: join(bin, 'temporal-test-server'),
  };
}

function takePlace(workplace: string, place: string): void {
  try {
    renameSync(workplace, place);
  } catch (error) {
    // Taken. By a faster process: what it installed has the same hashes. Or by an installation that broke.
    if (existsSync(join(place, 'bin', 'python'))) return;
    if (!existsSync(place)) throw error;
    rmSync(place, { recursive: true, force: true });
    renameSync(workplace, place);
  }
}

/** A Python ≥ 3.10 that can make virtual environments. Throws `STACK_NOT_RUNNING` with what to install. */
export function findPython(env: NodeJS.ProcessEnv = process.env): string {
  const script = `import sys, venv, ensurepip; sys.exit(sys.version_info < (3, ${OLDEST_MINOR}))`;
  const seen: string[] = [];
  for (const name of PYTHON_NAMES) {
    const path = findOnPath(name, env);
    if (path === undefined) continue;
    const check = spawnSync(path, ['-I', '-c', script], { env, encoding: 'utf8', timeout: 20_000 });
    if (check.status === 0) return path;
    seen.push(
      `${path} ${/No module named/.test(check.stderr ?? '') ? 'lacks venv' : 'is too old or broken'}`,
    );
  }
  const found = seen.length === 0 ? 'None was found on PATH' : `Found: ${seen.join('; ')}`;
  throw new DomainError(
    'STACK_NOT_RUNNING',
    `The local servers need Python 3.${OLDEST_MINOR} or newer with the venv module. ${found}.`,
    {
      next: 'Install it (Debian and Ubuntu: `apt install python3 python3-venv`; Fedora: `dnf install python3`; macOS: `brew install python3`) and run the command again.',
    },
  );
}

/** Absolute path of an executable on PATH. */
function findOnPath(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const candidates = (env.PATH ?? '')
    .split(delimiter)
    .filter(Boolean)
    .map((folder) => join(folder, name));
  return candidates.find(isExecutable);
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

async function run(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<void> {
  const child = spawn(command, args, { env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const status = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (status === 0) return;
  throw new DomainError(
    'STACK_NOT_RUNNING',
    `Installing the local servers failed: \`${[command, ...args].join(' ')}\` ended with status ${status}.\n${output.trim().split('\n').slice(-15).join('\n')}`,
    { next: 'Check the network connection and the free disk space, then run the command again.' },
  );
}

function reportOnStderr(line: string): void {
  process.stderr.write(`${line}\n`);
}
