import { spawnSync } from 'node:child_process';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Run } from './part.ts';

export interface TesseraFigures {
  perSecond: number;
  /** Until it is durable and in the tree; readers do not see it yet. */
  lonelyIntegratedMs: number;
  /** Until a published checkpoint covers it. */
  lonelyPublishedMs: number;
}

const SOURCES = fileURLToPath(new URL('tessera', import.meta.url));
const OFFLINE = /dial tcp|no such host|lookup .*: |toolchain not available|requires go >=|i\/o timeout/;

/** The peer's program, built from its pinned modules; null, and said why, where Go or its modules are not to be had. */
export function buildTessera(home: string, run: Run): string | null {
  const program = join(home, 'tessera');
  const built = spawnSync('go', ['build', '-mod=readonly', '-o', program, '.'], {
    cwd: SOURCES,
    encoding: 'utf8',
  });
  if (built.status === 0) return program;
  if (built.error === undefined && !OFFLINE.test(built.stderr)) throw new Error(built.stderr);
  const why = built.error ? 'Go 1.25 or newer is not installed' : built.stderr.trim().split('\n').at(-1);
  run.say(`Tessera is left out: ${why}`);
  return null;
}

export function runTessera(
  program: string,
  folder: string,
  { entries, callers, lonely }: { entries: number; callers: number; lonely: number },
): TesseraFigures {
  mkdirSync(folder, { recursive: true });
  const args = [folder, entries, callers, lonely].map(String);
  const { status, stdout, stderr } = spawnSync(program, args, { encoding: 'utf8' });
  if (status !== 0) throw new Error(`Tessera's driver failed: ${stderr}`);
  return JSON.parse(stdout) as TesseraFigures;
}
