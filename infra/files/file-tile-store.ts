import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { StoredTile, TileStore } from '../../activities/ports/tile-store.ts';
import { PortError } from '../../domain/errors.ts';
import { digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import { sameBytes } from '../../domain/log/merkle-tree.ts';
import { createFile, isCode, replaceFile } from './durable-write.ts';

/**
 * A tiled log in a folder, as any C2SP tool reads it through `file://`. `put` is safe for several processes;
 * `replace` compares and writes in two steps, so only one process at a time may integrate into a folder.
 */
export function createFileTileStore(folder: string): TileStore {
  let lastReplace: Promise<unknown> = Promise.resolve();

  async function get(path: string): Promise<StoredTile | null> {
    try {
      const bytes = new Uint8Array(await readFile(join(folder, path)));
      return { bytes, version: digestOfBytes(bytes) };
    } catch (error) {
      if (isCode(error, 'ENOENT')) return null;
      throw unavailable(`read ${path}`, error);
    }
  }

  async function put(path: string, bytes: Uint8Array): Promise<void> {
    if (await translated(`write ${path}`, () => createFile(join(folder, path), bytes))) return;
    const found = await get(path);
    if (found && sameBytes(found.bytes, bytes)) return;
    throw new PortError('LOG_FORKED', `The tile ${path} holds other bytes than the log makes of it.`, {
      next: 'Page: keep the folder, it shows what was changed; integrate into an empty one.',
    });
  }

  async function replaceNow(path: string, bytes: Uint8Array, version: string | null): Promise<string | null> {
    const found = await get(path);
    if ((found?.version ?? null) !== version) return null;
    await translated(`write ${path}`, () => replaceFile(join(folder, path), bytes));
    return digestOfBytes(bytes);
  }

  return {
    put,
    get,
    replace: (path, bytes, version) => {
      const replaced = lastReplace.then(() => replaceNow(path, bytes, version));
      lastReplace = replaced.catch(() => {});
      return replaced;
    },
  };
}

async function translated<T>(action: string, act: () => Promise<T>): Promise<T> {
  try {
    return await act();
  } catch (error) {
    throw unavailable(action, error);
  }
}

function unavailable(action: string, cause: unknown): PortError {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new PortError(
    'STORE_UNAVAILABLE',
    `Cannot ${action}: ${why}`,
    { next: 'Check the folder and its disk.' },
    cause,
  );
}
