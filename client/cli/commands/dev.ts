import { spawn } from 'node:child_process';
import { closeSync, existsSync, mkdirSync, openSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Command } from 'commander';
import { DomainError } from '../../../domain/errors.ts';
import type { Installation } from '../../installation.ts';
import { findHome, installationFile, readInstallation, stackRuns } from '../../open-installation.ts';
import { type Cli, printJson, wantsJson } from '../cli.ts';
import { localTime } from '../time-text.ts';

/** The environment of the examples. */
const DEV_ENVIRONMENT = 'demo';

export function addDev(program: Command, cli: Cli): void {
  const dev = program
    .command('dev')
    .description('run a whole environment on this machine: servers, workers, people’s keys')
    .option('--detach', 'return as soon as it is ready; it runs until `dev stop`')
    .addHelpText('after', '\nExamples:\n  resilience-ctl dev\n  resilience-ctl dev --detach\n')
    .action((options: { detach?: true }, command: Command) => {
      mustNotRun(cli);
      return options.detach ? detach(cli, wantsJson(command)) : runHere(cli, wantsJson(command));
    });
  dev
    .command('status')
    .description('whether the local stack runs, and where')
    .addHelpText('after', '\nExample:\n  resilience-ctl dev status\n')
    .action((_options: unknown, command: Command) => tell(cli, runningStack(cli), wantsJson(command)));
  dev
    .command('stop')
    .description('end the local stack; its state is kept for the next `dev`')
    .addHelpText('after', '\nExample:\n  resilience-ctl dev stop\n')
    .action((_options: unknown, command: Command) => stop(cli, wantsJson(command)));
}

async function runHere(cli: Cli, json: boolean): Promise<void> {
  // From the first moment on, so that an early Ctrl-C ends what has been started too.
  const ending = new Promise<void>((resolve) => {
    for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.once(signal, () => resolve());
  });
  // Waiting for a signal alone does not keep a process alive.
  const alive = setInterval(() => {}, 60_000);
  try {
    const { startDevStack } = await import('../../compose.ts');
    const stack = await startDevStack({
      home: findHome(cli.env, cli.folder),
      environment: DEV_ENVIRONMENT,
      onProgress: (text) => void cli.stderr.write(`${text}\n`),
    });
    tell(cli, stack.installation, json);
    if (!json) cli.stdout.write('Ctrl-C ends it; its state is kept.\n');
    await ending;
    await stack.stop();
  } finally {
    clearInterval(alive);
  }
}

const READY_WITHIN_MS = 180_000;
const STOPPED_WITHIN_MS = 20_000;
const POLL_MS = 200;

async function detach(cli: Cli, json: boolean): Promise<void> {
  const home = findHome(cli.env, cli.folder);
  const logFile = join(home, 'dev', 'dev.log');
  mkdirSync(dirname(logFile), { recursive: true });
  const log = openSync(logFile, 'w');
  const child = spawn(process.execPath, [...process.argv.slice(1, 2), 'dev'], {
    detached: true,
    stdio: ['ignore', log, log],
    cwd: cli.folder,
    env: { ...cli.env, RESILIENCE_HOME: home },
  });
  closeSync(log);
  let exited = false;
  child.once('exit', () => {
    exited = true;
  });
  child.unref();

  if (!json) cli.stderr.write('Starting the local stack …\n');
  const ready = await waitUntil(cli, READY_WITHIN_MS, () => exited || pidOf(home) === child.pid);
  if (exited || !ready) {
    throw new DomainError('STACK_NOT_RUNNING', `The local stack did not start:\n${tail(logFile)}`, {
      next: `Correct what it says; all of it is in ${logFile}.`,
    });
  }
  tell(cli, readInstallation(home), json);
}

async function stop(cli: Cli, json: boolean): Promise<void> {
  const { dev } = runningStack(cli);
  if (!dev || !isNodeProcess(dev.pid)) throw notRunning();
  process.kill(dev.pid, 'SIGTERM');
  const gone = await waitUntil(cli, STOPPED_WITHIN_MS, () => !processRuns(dev.pid));
  if (!gone) {
    throw new DomainError(
      'STACK_NOT_RUNNING',
      `Process ${dev.pid} has not ended within ${STOPPED_WITHIN_MS / 1000} s.`,
      {
        next: `Look at what it does, then end it with \`kill -9 ${dev.pid}\`: its servers end with it.`,
      },
    );
  }
  if (json) printJson(cli, { stopped: true, pid: dev.pid });
  else cli.stdout.write('The local stack has ended; its state is kept.\n');
}

function tell(cli: Cli, { environment, temporal, dev, keysDir }: Installation, json: boolean): void {
  if (json) {
    printJson(cli, { running: true, environment, temporal, keysDir, ...dev });
    return;
  }
  cli.stdout.write(`The local stack runs: environment ${environment}`);
  if (dev) cli.stdout.write(`, process ${dev.pid}, since ${localTime(dev.startedAt)}`);
  cli.stdout.write(`\n  Temporal  ${temporal.uiUrl ?? temporal.address}\n  Keys      ${keysDir}\n`);
  cli.stdout.write('Next: resilience-ctl keys list, then resilience-ctl plan examples/good-change.yaml\n');
}

function runningStack(cli: Cli): Installation {
  const installation = readInstallation(findHome(cli.env, cli.folder));
  if (!installation.dev || !stackRuns(installation)) throw notRunning();
  return installation;
}

function mustNotRun(cli: Cli): void {
  const home = findHome(cli.env, cli.folder);
  if (!existsSync(installationFile(home))) return;
  const installation = readInstallation(home);
  if (!installation.dev || !stackRuns(installation)) return;
  throw new DomainError('RESERVED', `The local stack runs already, as process ${installation.dev.pid}.`, {
    next: 'Use it, or end it first with `resilience-ctl dev stop`.',
  });
}

function notRunning(): DomainError {
  return new DomainError('STACK_NOT_RUNNING', 'The local stack does not run.', {
    next: 'Start it with `resilience-ctl dev`.',
  });
}

/** The process of the installation, once it is written: it is written when everything is ready. */
function pidOf(home: string): number | undefined {
  return existsSync(installationFile(home)) ? readInstallation(home).dev?.pid : undefined;
}

function processRuns(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

/** A number left over from before a reboot may name anybody's process by now. Systems without /proc are trusted. */
function isNodeProcess(pid: number): boolean {
  if (!existsSync('/proc/self/cmdline')) return true;
  const file = `/proc/${pid}/cmdline`;
  return existsSync(file) && readFileSync(file, 'utf8').includes('node');
}

async function waitUntil(cli: Cli, withinMs: number, holds: () => boolean): Promise<boolean> {
  const endMs = cli.nowMs() + withinMs;
  while (!holds()) {
    if (cli.nowMs() > endMs) return false;
    await cli.sleep(POLL_MS);
  }
  return true;
}

function tail(file: string): string {
  return readFileSync(file, 'utf8').trimEnd().split('\n').slice(-15).join('\n');
}
