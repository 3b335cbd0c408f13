import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FactorStore, SealedFactorStore } from '../../activities/ports/factor-store.ts';
import { type FactorUse, mergeUses, parseFactorUse, UNUSED } from '../../domain/approval/factor-use.ts';
import { DomainError } from '../../domain/errors.ts';
import { canonicalBytes, type Digest, digestHex, digestOf } from '../../domain/evidence/canonical-json.ts';
import { createTurns } from '../turns.ts';
import { isCode, replaceFile } from './durable-write.ts';

export interface RememberingFactorStore extends FactorStore {
  /**
   * Brings disk and store to one knowledge, so that what nobody has asked for yet is here when it is needed, and what
   * was used alone is used elsewhere. While the store is down, a no-op for what is remembered already.
   */
  remember(person: string, commitment: Digest): Promise<void>;
}

/** What a `version` says was read: the disk, and the store's own version unless it was down. */
interface ReadVersion {
  disk: Digest;
  store?: string | null;
}

/**
 * A store of second factors that goes on from its own disk while the real one is down: factors as they are kept, still
 * encrypted, and what is known to be used of them, here or elsewhere. The disk is replaced by compare-and-swap, as the
 * store is, so in one process no code counts twice, whatever is down when. The folder belongs to one process. Two
 * processes that are both alone may each take one code; that is why only break-glass goes on then (`isAlone`).
 */
export function createRememberingFactorStore(
  store: SealedFactorStore,
  folder: string,
): RememberingFactorStore {
  const turns = new Map<string, ReturnType<typeof createTurns>>();
  const pathOf = (person: string, commitment: Digest, what: 'secret' | 'use') =>
    join(folder, encodeURIComponent(person), `${digestHex(commitment)}.${what}`);

  /** One after another for each file, so that nothing comes between a look and a write. */
  function inTurn<T>(path: string, task: () => Promise<T>): Promise<T> {
    const turn = turns.get(path) ?? createTurns();
    turns.set(path, turn);
    return turn(task);
  }

  async function sealed(person: string, commitment: Digest): Promise<Uint8Array> {
    const path = pathOf(person, commitment, 'secret');
    try {
      const bytes = await store.sealed(person, commitment);
      await replaceFile(path, bytes);
      return bytes;
    } catch (error) {
      const bytes = isDown(error) ? await remembered(path) : null;
      if (bytes === null) throw error;
      return bytes;
    }
  }

  /** What the store knows; null while it is down. */
  async function storesUse(person: string, commitment: Digest) {
    try {
      return await store.use(person, commitment);
    } catch (error) {
      if (isDown(error)) return null;
      throw error;
    }
  }

  /** What disk and store know together, which is on disk from then on. */
  async function use(person: string, commitment: Digest) {
    const path = pathOf(person, commitment, 'use');
    const found = await storesUse(person, commitment);
    return inTurn(path, async () => {
      const own = await rememberedUse(path);
      const known = found === null ? own : mergeUses(found.use, own);
      const disk = digestOf(known);
      if (disk !== digestOf(own)) await replaceFile(path, canonicalBytes(known));
      const version: ReadVersion = found === null ? { disk } : { disk, store: found.version };
      return {
        answer: { use: known, version: JSON.stringify(version), isAlone: found === null },
        isNewsToStore: found !== null && disk !== digestOf(found.use),
      };
    });
  }

  const replaceUse: FactorStore['replaceUse'] = (person, commitment, next, version) => {
    const path = pathOf(person, commitment, 'use');
    const read = JSON.parse(version ?? '{}') as ReadVersion;
    return inTurn(path, async () => {
      if (digestOf(await rememberedUse(path)) !== read.disk) return false;
      const isTaken =
        read.store === undefined || (await store.replaceUse(person, commitment, next, read.store));
      if (isTaken) await replaceFile(path, canonicalBytes(next));
      return isTaken;
    });
  };

  return {
    replaceUse,
    async remember(person, commitment) {
      await sealed(person, commitment);
      const { answer, isNewsToStore } = await use(person, commitment);
      // Lost to somebody else, it is news the next time as well.
      if (isNewsToStore) await replaceUse(person, commitment, answer.use, answer.version);
    },
    enrol: (person, factor) => store.enrol(person, factor),
    factor: async (person, commitment) => store.open(person, commitment, await sealed(person, commitment)),
    use: async (person, commitment) => (await use(person, commitment)).answer,
  };
}

async function rememberedUse(path: string): Promise<FactorUse> {
  const bytes = await remembered(path);
  return bytes === null ? UNUSED : parseFactorUse(bytes);
}

async function remembered(path: string): Promise<Uint8Array | null> {
  try {
    return new Uint8Array(await readFile(path));
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw error;
  }
}

function isDown(error: unknown): boolean {
  return error instanceof DomainError && error.code === 'STORE_UNAVAILABLE';
}
