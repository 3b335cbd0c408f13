import { GetObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { Bodies } from '../../activities/ports/bodies.ts';
import { PortError } from '../../domain/errors.ts';
import { type Digest, digestHex, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import { isNameTaken, toPortError } from './aws-errors.ts';

/** Plans and requests are read again at every step of a change. */
const CACHED_BODIES = 64;
const CACHED_BODY_BYTES = 256 * 1024;

export function bodyName(environment: string, digest: Digest): string {
  return `bodies/${environment}/sha256/${digestHex(digest)}`;
}

/** Bodies as objects `bodies/<environment>/sha256/<hex>`, put if absent, believed only by their digest. */
export function createS3Bodies(input: { s3: S3Client; bucket: string; environment: string }): Bodies {
  const cache = new Map<Digest, Uint8Array>();
  const nameOf = (digest: Digest) => bodyName(input.environment, digest);

  async function put(bytes: Uint8Array): Promise<Digest> {
    const digest = digestOfBytes(bytes);
    if (cache.has(digest)) return digest;
    try {
      await input.s3.send(
        new PutObjectCommand({ Bucket: input.bucket, Key: nameOf(digest), Body: bytes, IfNoneMatch: '*' }),
      );
    } catch (error) {
      if (!isNameTaken(error)) throw toPortError('store', `put ${nameOf(digest)}`, error);
      // Somebody put it before us: what is there must be it.
      await get(digest);
    }
    remember(digest, bytes);
    return digest;
  }

  async function get(digest: Digest): Promise<Uint8Array> {
    const cached = cache.get(digest);
    if (cached) return cached;
    const bytes = await read(nameOf(digest));
    const found = digestOfBytes(bytes);
    if (found !== digest) {
      throw new PortError('DIGEST_MISMATCH', `The object ${nameOf(digest)} has the digest ${found}.`, {
        next: "Page: somebody changed the store; the bucket's versions hold what was there first.",
      });
    }
    remember(digest, bytes);
    return bytes;
  }

  async function read(name: string): Promise<Uint8Array> {
    try {
      const answer = await input.s3.send(new GetObjectCommand({ Bucket: input.bucket, Key: name }));
      return (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
    } catch (error) {
      throw toPortError('store', `read ${name}`, error);
    }
  }

  function remember(digest: Digest, bytes: Uint8Array): void {
    if (bytes.length > CACHED_BODY_BYTES) return;
    cache.set(digest, bytes);
    const [oldest] = cache.keys();
    if (cache.size > CACHED_BODIES && oldest) cache.delete(oldest);
  }

  return { put, get };
}
