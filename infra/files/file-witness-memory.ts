import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { WitnessMemory } from '../../activities/ports/witness-memory.ts';
import { originHash } from '../../domain/log/witness-request.ts';
import { isCode, replaceFile } from './durable-write.ts';

/**
 * One file a log, `<origin hash>/checkpoint`: the path under which C2SP tlog-witness serves it. Keep
 * the folder apart from the log's store: whoever changes both can rewrite history unseen. A witness that lost it
 * believes the next checkpoint, whatever came before.
 */
export function createFileWitnessMemory(folder: string): WitnessMemory {
  const pathOf = (origin: string) => join(folder, originHash(origin), 'checkpoint');
  return {
    async last(origin) {
      try {
        return new Uint8Array(await readFile(pathOf(origin)));
      } catch (error) {
        if (isCode(error, 'ENOENT')) return null;
        throw error;
      }
    },
    keep: (origin, checkpoint) => replaceFile(pathOf(origin), checkpoint),
  };
}
