import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FactorStore, SealedFactorStore } from '../../activities/ports/factor-store.ts';
import { type FactorUse, mergeUses, UNUSED } from '../../domain/approval/factor-use.ts';
import { DomainError } from '../../domain/errors.ts';
import {
  canonicalBytes,
  type Digest,
  digestHex,
  parseJsonBytes,
} from '../../domain/evidence/canonical-json.ts';
import { isCode, replaceFile } from './durable-write.ts';

/** The version of what is remembered here, which no store hands out. */
const ALONE = 'alone';

export interface RememberingFactorStore extends FactorStore {
  /** Fetches what nobody has asked for yet, so that it is here when it is needed. */
  remember(person: string, commitment: Digest): Promise<void>;
}

/**
 * A store of second factors that goes on from its own disk while the real one is down: factors as they are kept, still
 * encrypted, and what has been used of them. What was used meanwhile is used when the real one is back. Two processes
 * that are both alone may each take one code; that is why only break-glass goes on then (`isAlone`).
 */
export function createRememberingFactorStore(
  store: SealedFactorStore,
  folder: string,
): RememberingFactorStore {
  const pathOf = (person: string, commitment: Digest, what: 'secret' | 'use') =>
    join(folder, encodeURIComponent(person), `${digestHex(commitment)}.${what}`);

  async function remembered(path: string): Promise<Uint8Array | null> {
    try {
      return new Uint8Array(await readFile(path));
    } catch (error) {
      if (isCode(error, 'ENOENT')) return null;
      throw error;
    }
  }

  async function rememberedUse(person: string, commitment: Digest): Promise<FactorUse> {
    const bytes = await remembered(pathOf(person, commitment, 'use'));
    return bytes === null ? UNUSED : (parseJsonBytes(bytes) as FactorUse);
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

  return {
    remember: async (person, commitment) => {
      await sealed(person, commitment);
    },
    enrol: (person, factor) => store.enrol(person, factor),
    factor: async (person, commitment) => store.open(person, commitment, await sealed(person, commitment)),
    async use(person, commitment) {
      const own = await rememberedUse(person, commitment);
      try {
        const found = await store.use(person, commitment);
        return { ...found, use: mergeUses(found.use, own) };
      } catch (error) {
        if (!isDown(error)) throw error;
        return { use: own, version: ALONE, isAlone: true };
      }
    },
    async replaceUse(person, commitment, use, version) {
      if (version !== ALONE && !(await store.replaceUse(person, commitment, use, version))) return false;
      await replaceFile(pathOf(person, commitment, 'use'), canonicalBytes(use));
      return true;
    },
  };
}

function isDown(error: unknown): boolean {
  return error instanceof DomainError && error.code === 'STORE_UNAVAILABLE';
}
