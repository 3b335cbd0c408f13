import {
  GetObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { StoredTile, TileStore } from '../../activities/ports/tile-store.ts';
import { PortError } from '../../domain/errors.ts';
import { sameBytes } from '../../domain/log/merkle-tree.ts';
import { isNameTaken, toPortError } from './aws-errors.ts';

export function tileName(environment: string, path: string): string {
  return `tiles/${environment}/${path}`;
}

/**
 * The tiled log as objects `tiles/<environment>/…`: see README.md, "Life of a leaf". Tiles are put if absent; the
 * checkpoint alone is replaced, and only by `If-Match` on the ETag that was read (the bucket's policy lets no other
 * put through).
 */
export function createS3TileStore(input: { s3: S3Client; bucket: string; environment: string }): TileStore {
  const { s3, bucket, environment } = input;
  const nameOf = (path: string) => tileName(environment, path);

  async function get(path: string): Promise<StoredTile | null> {
    const name = nameOf(path);
    try {
      const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: name }));
      const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      return { bytes, version: answer.ETag ?? '' };
    } catch (error) {
      const failure = toPortError('store', `read ${name}`, error);
      if (failure.code === 'NOT_FOUND') return null;
      throw failure;
    }
  }

  /** Null when the condition did not hold: 412, 409 while another put is under way, 404 for `If-Match` on nothing. */
  async function putIf(
    path: string,
    bytes: Uint8Array,
    condition: Pick<PutObjectCommandInput, 'IfMatch' | 'IfNoneMatch'>,
  ): Promise<string | null> {
    const name = nameOf(path);
    const contentType = path === 'checkpoint' ? 'text/plain; charset=utf-8' : 'application/octet-stream';
    try {
      const answer = await s3.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: name,
          Body: bytes,
          ContentType: contentType,
          ...condition,
        }),
      );
      return answer.ETag ?? '';
    } catch (error) {
      const failure = toPortError('store', `put ${name}`, error);
      if (isNameTaken(error) || (condition.IfMatch && failure.code === 'NOT_FOUND')) return null;
      throw failure;
    }
  }

  async function put(path: string, bytes: Uint8Array): Promise<void> {
    if ((await putIf(path, bytes, { IfNoneMatch: '*' })) !== null) return;
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
    replace: (path, bytes, version) =>
      putIf(path, bytes, version === null ? { IfNoneMatch: '*' } : { IfMatch: version }),
  };
}
