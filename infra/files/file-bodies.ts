import { readdir, readFile, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { Bodies } from '../../activities/ports/bodies.ts';
import { PortError } from '../../domain/errors.ts';
import { type Digest, digestHex, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import { createFile, isCode } from './durable-write.ts';

export interface FileBodies extends Bodies {
  /** Removes every body that is not named. */
  retain(digests: ReadonlySet<Digest>): Promise<void>;
}

/** Bodies as files `<hex digest>` of one folder, believed only by their digest. */
export function createFileBodies(folder: string): FileBodies {
  const pathOf = (digest: Digest) => join(folder, digestHex(digest));
  return {
    async put(bytes) {
      const digest = digestOfBytes(bytes);
      if (await createFile(pathOf(digest), bytes)) return digest;
      // A damaged one would stay for good under a name that is taken.
      if (digestOfBytes(await readFile(pathOf(digest))) === digest) return digest;
      await unlink(pathOf(digest));
      await createFile(pathOf(digest), bytes);
      return digest;
    },

    async get(digest) {
      const bytes = new Uint8Array(await read(pathOf(digest)));
      const found = digestOfBytes(bytes);
      if (found === digest) return bytes;
      throw new PortError('DIGEST_MISMATCH', `The file ${pathOf(digest)} has the digest ${found}.`, {
        next: 'Delete it: it is read from the store again.',
      });
    },

    async retain(digests) {
      const kept = new Set([...digests].map(digestHex));
      const files = await readdir(folder).catch((error: unknown) => {
        if (isCode(error, 'ENOENT')) return [];
        throw error;
      });
      await Promise.all(files.filter((file) => !kept.has(file)).map((file) => unlink(join(folder, file))));
    },
  };
}

async function read(path: string): Promise<Uint8Array> {
  try {
    return await readFile(path);
  } catch (cause) {
    if (!isCode(cause, 'ENOENT')) throw cause;
    throw new PortError('NOT_FOUND', `There is no file ${path}.`, { next: 'Read it from the store.' }, cause);
  }
}
