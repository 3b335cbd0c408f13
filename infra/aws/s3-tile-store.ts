import type { StoredTile, TileStore } from '../../activities/ports/tile-store.ts';
import { PortError } from '../../domain/errors.ts';
import { sameBytes } from '../../domain/log/merkle-tree.ts';
import { type Bucket, findObject, IF_ABSENT, inPlaceOf, type PutCondition, putObject } from './s3-objects.ts';

export function tileName(environment: string, path: string): string {
  return `tiles/${environment}/${path}`;
}

/**
 * The tiled log as objects `tiles/<environment>/…`: see README.md, "Life of a leaf". Tiles are put if absent; the
 * checkpoint alone is replaced, and only by `If-Match` on the ETag that was read (the bucket's policy lets no other
 * put through).
 */
export function createS3TileStore(input: Bucket & { environment: string }): TileStore {
  const nameOf = (path: string) => tileName(input.environment, path);

  const get = (path: string): Promise<StoredTile | null> => findObject(input, nameOf(path));

  /** Null also for `If-Match` on nothing, which S3 answers with 404. */
  async function putIf(path: string, bytes: Uint8Array, condition: PutCondition): Promise<string | null> {
    const contentType = path === 'checkpoint' ? 'text/plain; charset=utf-8' : 'application/octet-stream';
    try {
      return await putObject(input, nameOf(path), bytes, condition, contentType);
    } catch (error) {
      if ('IfMatch' in condition && error instanceof PortError && error.code === 'NOT_FOUND') return null;
      throw error;
    }
  }

  async function put(path: string, bytes: Uint8Array): Promise<void> {
    if ((await putIf(path, bytes, IF_ABSENT)) !== null) return;
    const found = await get(path);
    if (found && sameBytes(found.bytes, bytes)) return;
    // Taken by a put that is still under way: nothing is known yet, and trying again is safe.
    if (!found) {
      throw new PortError('STORE_UNAVAILABLE', `${nameOf(path)} is being put by somebody else.`, {
        next: 'Try again.',
      });
    }
    throw new PortError(
      'LOG_FORKED',
      `The tile ${nameOf(path)} holds other bytes than the log makes of it.`,
      {
        next: "Page: somebody changed the store; the bucket's versions hold what was there first.",
      },
    );
  }

  return {
    put,
    get,
    replace: (path, bytes, version) => putIf(path, bytes, inPlaceOf(version)),
  };
}
