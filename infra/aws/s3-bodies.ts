import type { Bodies } from '../../activities/ports/bodies.ts';
import { PortError } from '../../domain/errors.ts';
import { type Digest, digestHex, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import { type Bucket, IF_ABSENT, putObject, readObject } from './s3-objects.ts';

/** Plans and requests are read again at every step of a change. */
const CACHED_BODIES = 64;
const CACHED_BODY_BYTES = 256 * 1024;

export function bodyName(environment: string, digest: Digest): string {
  return `bodies/${environment}/sha256/${digestHex(digest)}`;
}

/** Bodies as objects `bodies/<environment>/sha256/<hex>`, put if absent, believed only by their digest. */
export function createS3Bodies(input: Bucket & { environment: string }): Bodies {
  const cache = new Map<Digest, Uint8Array>();
  const nameOf = (digest: Digest) => bodyName(input.environment, digest);

  async function put(bytes: Uint8Array): Promise<Digest> {
    const digest = digestOfBytes(bytes);
    if (cache.has(digest)) return digest;
    // Where somebody put it before us, what is there must be it.
    if ((await putObject(input, nameOf(digest), bytes, IF_ABSENT)) === null) await get(digest);
    remember(digest, bytes);
    return digest;
  }

  async function get(digest: Digest): Promise<Uint8Array> {
    const cached = cache.get(digest);
    if (cached) return cached;
    const { bytes } = await readObject(input, nameOf(digest));
    const found = digestOfBytes(bytes);
    if (found !== digest) {
      throw new PortError('DIGEST_MISMATCH', `The object ${nameOf(digest)} has the digest ${found}.`, {
        next: "Page: somebody changed the store; the bucket's versions hold what was there first.",
      });
    }
    remember(digest, bytes);
    return bytes;
  }

  function remember(digest: Digest, bytes: Uint8Array): void {
    if (bytes.length > CACHED_BODY_BYTES) return;
    cache.set(digest, bytes);
    const [oldest] = cache.keys();
    if (cache.size > CACHED_BODIES && oldest) cache.delete(oldest);
  }

  return { put, get };
}
