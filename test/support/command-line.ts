import { spawn } from 'node:child_process';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Cli, processCli } from '../../client/cli/cli.ts';
import { run } from '../../client/cli/run.ts';

/** The checkout: examples are named from here, as a person would. */
export const CHECKOUT = fileURLToPath(new URL('../../', import.meta.url));
export const LAUNCHER = join(CHECKOUT, 'client', 'cli', 'launcher.mjs');

export interface Ran {
  status: number;
  stdout: string;
  stderr: string;
}

/** A terminal that nobody types on. */
const SILENT_TERMINAL = { isTTY: true } as unknown as NodeJS.ReadStream;

/** Acts as the process: the whole command line without starting Node, against the installation in `home`. */
export async function runHere(home: string, args: readonly string[], parts: Partial<Cli> = {}): Promise<Ran> {
  const said = { stdout: '', stderr: '' };
  const into = (stream: keyof typeof said) => ({
    write: (text: string) => {
      said[stream] += text;
    },
  });
  const cli: Cli = {
    ...processCli(),
    env: { RESILIENCE_HOME: home },
    folder: CHECKOUT,
    stdin: SILENT_TERMINAL,
    stdout: into('stdout'),
    stderr: into('stderr'),
    ...parts,
  };
  const status = await run(args, cli);
  return { status, ...said };
}

/** The real thing: the launcher that `bin` names, in a process of its own. */
export function launch(home: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<Ran> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], {
    cwd: CHECKOUT,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: {
      ...process.env,
      NODE_COMPILE_CACHE: join(tmpdir(), 'resilience-test-compile-cache'),
      NO_COLOR: '1',
      ...env,
      RESILIENCE_HOME: home,
    },
  });
  const ran = { stdout: '', stderr: '' };
  child.stdout.setEncoding('utf8').on('data', (text: string) => {
    ran.stdout += text;
  });
  child.stderr.setEncoding('utf8').on('data', (text: string) => {
    ran.stderr += text;
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => resolve({ status: code ?? -1, ...ran }));
  });
}

/** The lines of `--json` output. */
export function jsonLines(ran: Ran): unknown[] {
  return ran.stdout
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as unknown);
}
