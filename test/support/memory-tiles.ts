import type { LogEntries } from '../../activities/ports/log-entries.ts';
import type { TileStore } from '../../activities/ports/tile-store.ts';
import { PortError } from '../../domain/errors.ts';
import { hex } from './merkle.ts';

/** A tile store in memory, to count and fail its writes. */
export interface MemoryTiles extends TileStore {
  files: Map<string, Uint8Array>;
  /** Paths written or replaced, in order, without those that failed or were refused. */
  writes: string[];
  /** The write with this number (from 0) and all later ones fail: before they are done, or after (a lost answer). */
  failFrom: { write: number; after: boolean } | null;
}

export function createMemoryTiles(files = new Map<string, Uint8Array>()): MemoryTiles {
  let attempts = 0;
  async function write<T>(path: string, act: () => T): Promise<T> {
    const fails = store.failFrom !== null && attempts >= store.failFrom.write;
    attempts += 1;
    if (fails && !store.failFrom?.after) throw down(path);
    const done = act();
    if (done !== null) store.writes.push(path);
    if (fails) throw down(path);
    return done;
  }
  const store: MemoryTiles = {
    files,
    writes: [],
    failFrom: null,
    put: (path, bytes) =>
      write(path, () => {
        const found = files.get(path);
        if (found && hex(found) !== hex(bytes))
          throw new PortError('LOG_FORKED', `${path} holds other bytes`);
        files.set(path, bytes);
      }),
    get: async (path) => {
      const bytes = files.get(path);
      return bytes ? { bytes, version: hex(bytes) } : null;
    },
    replace: (path, bytes, version) =>
      write(path, () => {
        const found = files.get(path);
        if ((found ? hex(found) : null) !== version) return null;
        files.set(path, bytes);
        return hex(bytes);
      }),
  };
  return store;
}

/** A log that a test fills. */
export function createMemoryEntries(entries: Uint8Array[] = []): LogEntries & { entries: Uint8Array[] } {
  return {
    entries,
    async *from(index) {
      yield* entries.slice(index);
    },
  };
}

function down(path: string): PortError {
  return new PortError('STORE_UNAVAILABLE', `The store went down at ${path}.`);
}
