import { writeFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Command } from 'commander';
import { ERROR_KINDS } from '../../domain/errors.ts';
import type { Connected } from '../compose.ts';
import type { Person } from '../control-plane.ts';
import type { Installation } from '../installation.ts';
import { findHome, readInstallation } from '../open-installation.ts';
import { plain, type Style, styleFor } from './style.ts';

/** What a command may touch of the process, so that a test can be the process. */
export interface Cli {
  env: NodeJS.ProcessEnv;
  folder: string;
  stdin: NodeJS.ReadStream;
  stdout: Output;
  stderr: Output;
  nowMs(): number;
  sleep(ms: number): Promise<void>;
  connect(installation: Installation): Promise<Connected>;
  /** Set by a command that has said all there is to say and does not end well. */
  exitStatus: number;
}

export interface Output {
  write(text: string): unknown;
  isTTY?: boolean;
  columns?: number;
}

export function processCli(): Cli {
  return {
    env: process.env,
    folder: process.cwd(),
    stdin: process.stdin,
    stdout: process.stdout,
    stderr: process.stderr,
    nowMs: Date.now,
    sleep: (ms) => sleep(ms),
    // Temporal and the AWS SDK take most of a second to load: only for the commands that need them.
    connect: async (installation) => (await import('../compose.ts')).connect(installation),
    exitStatus: 0,
  };
}

export function wantsJson(command: Command): boolean {
  return command.optsWithGlobals<{ json?: boolean }>().json === true;
}

export function printJson(cli: Cli, value: unknown): void {
  cli.stdout.write(`${JSON.stringify(value)}\n`);
}

/** Never over a file. What the file system says against it is wrong usage. */
export function writeNewFile(cli: Cli, command: Command, file: string, text: string): void {
  try {
    writeFileSync(resolve(cli.folder, file), text, { flag: 'wx' });
  } catch (error) {
    if (!(error instanceof Error) || !('code' in error)) throw error;
    const why = error.code === 'EEXIST' ? 'there is one already' : error.message;
    command.error(`error: cannot write ${file}: ${why}; name another file`);
  }
}

export function styleOf(cli: Cli, json: boolean): Style {
  return json ? plain : styleFor(cli.stdout, cli.env);
}

export function installationOf(cli: Cli): Installation {
  return readInstallation(findHome(cli.env, cli.folder));
}

/** Connects, works, and always closes. */
export async function withControlPlane<T>(
  cli: Cli,
  work: (connected: Connected, installation: Installation) => Promise<T>,
): Promise<T> {
  const installation = installationOf(cli);
  const connected = await cli.connect(installation);
  try {
    return await work(connected, installation);
  } finally {
    await connected.close();
  }
}

/** For a command whose answer is that something is not as it was signed. */
export function endWith(cli: Cli, isSound: boolean): void {
  if (!isSound) cli.exitStatus = ERROR_KINDS.integrity.exitStatus;
}

const QUIET_MS = 1000;

/** Says on stderr what is going on, once it has taken longer than a second. */
export async function withProgress<T>(cli: Cli, doing: string, work: Promise<T>): Promise<T> {
  const timer = setTimeout(() => cli.stderr.write(`${doing} …\n`), QUIET_MS);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** `--as`, else RESILIENCE_AS, else the only key that there is. Anything else is wrong usage. */
export async function subjectFor(cli: Cli, command: Command, installation: Installation): Promise<string> {
  const chosen = command.opts<{ as?: string }>().as ?? cli.env.RESILIENCE_AS;
  if (chosen) return chosen;
  const { peopleOf } = await import('../compose.ts');
  const people = peopleOf(installation);
  const [only] = people;
  if (only !== undefined && people.length === 1) return only;
  return command.error(
    people.length === 0
      ? `error: there is no key in ${installation.keysDir}; make one with \`resilience-ctl keys create SUBJECT\``
      : `error: several people have a key here (${people.join(', ')}); say who you are with --as SUBJECT or RESILIENCE_AS`,
  );
}

export async function personFor(cli: Cli, command: Command, installation: Installation): Promise<Person> {
  const subject = await subjectFor(cli, command, installation);
  return (await import('../compose.ts')).openPerson(installation, subject);
}
