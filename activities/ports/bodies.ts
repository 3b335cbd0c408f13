import type { Digest } from '../../domain/evidence/canonical-json.ts';

/** Content-addressed bodies beside the log: body first, entry second. */
export interface Bodies {
  /** Stores the bytes under their digest; doing so again is a no-op. Throws `STORE_UNAVAILABLE`, `THROTTLED`. */
  put(bytes: Uint8Array): Promise<Digest>;
  /** Throws `NOT_FOUND`, `DIGEST_MISMATCH` (and names the object), `STORE_UNAVAILABLE`, `THROTTLED`. */
  get(digest: Digest): Promise<Uint8Array>;
}
