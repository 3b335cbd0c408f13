import { mkdir, open, readFile, rename } from 'node:fs/promises';
import { join } from 'node:path';
import type { BreakGlassSpool } from '../../activities/ports/break-glass-spool.ts';
import { digestHex } from '../../domain/evidence/canonical-json.ts';
import { readSpool, spoolLines } from '../../domain/override/spool.ts';
import { isCode, syncFolder } from './durable-write.ts';

/**
 * `spool.jsonl` in a folder of its own, mode 0600. What was brought to the log is put aside as
 * `reconciled-<digest of its last line>.jsonl`, or `not-counted-…` where not all of it counts.
 */
export function createFileSpool(folder: string): BreakGlassSpool {
  const path = join(folder, 'spool.jsonl');

  async function bytes(): Promise<Uint8Array> {
    try {
      return new Uint8Array(await readFile(path));
    } catch (error) {
      if (isCode(error, 'ENOENT')) return new Uint8Array();
      throw error;
    }
  }

  return {
    async append(items) {
      const { head, length } = readSpool(await bytes());
      await mkdir(folder, { recursive: true, mode: 0o700 });
      const file = await open(path, 'a', 0o600);
      try {
        // The rest of a line that a crash cut off; what would have followed it never happened.
        await file.truncate(length);
        await file.writeFile(spoolLines(head, items));
        await file.sync();
      } finally {
        await file.close();
      }
      await syncFolder(folder);
    },
    read: async () => readSpool(await bytes()).items,
    async retire(as) {
      const { head } = readSpool(await bytes());
      const aside = join(folder, `${as}-${digestHex(head).slice(0, 16)}.jsonl`);
      await rename(path, aside);
      await syncFolder(folder);
      return aside;
    },
  };
}
