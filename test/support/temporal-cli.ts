import { spawn } from 'node:child_process';
import { installTools } from '../../infra/dev/install.ts';
import type { LiveEnvironment } from './live-environment.ts';

/** Temporal's own command line, as whoever may write to the environment's namespace has it. Throws what it says. */
export async function temporal(env: LiveEnvironment, ...args: string[]): Promise<string> {
  const { temporal: program } = await installTools();
  const { address, namespace } = env.prepared.installation.temporal;
  const child = spawn(program, [...args, '--address', address, '--namespace', namespace], {
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { PATH: '/usr/bin:/bin', HOME: env.dir },
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
    });
  }
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('close', (code) => (code === 0 ? resolve(said) : reject(new Error(said))));
  });
}
