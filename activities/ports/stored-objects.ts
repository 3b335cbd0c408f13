import type { Digest } from '../../domain/evidence/canonical-json.ts';

/** A name in the bucket, with what was ever put under it. */
export interface StoredName {
  name: string;
  /** In the order in which they were put. `tag` names the content, for `restore`. */
  versions: { versionId: string; tag: string }[];
  /** Whether its newest version is a delete marker. */
  isDeleted: boolean;
}

export interface ChainedObject {
  name: string;
  digest: Digest;
  /** Index of the first of its entries. */
  first: number;
  entries: readonly Uint8Array[];
}

/** The parts of the bucket that the log names. */
export type StoredPart = 'log' | 'bodies' | 'snapshots' | 'tiles';

/**
 * An environment's bucket as whoever keeps it sees it: every version of every object. Methods throw
 * `STORE_UNAVAILABLE`, `THROTTLED` and `NOT_PERMITTED`.
 */
export interface StoredObjects {
  /** The log along its chain of names, from first versions: what readers of the log see. */
  log(): AsyncIterable<ChainedObject>;
  list(part: StoredPart): Promise<Map<string, StoredName>>;
  read(name: string, versionId: string): Promise<Uint8Array>;
  /**
   * Puts bytes over the version whose tag this is, or, for null, where nothing is to be seen. Throws `STALE_BASE` when
   * something else is there by now.
   */
  restore(name: string, bytes: Uint8Array, over: string | null): Promise<void>;
  /** The names of what entries name by digest, and of tiles by their path below the log's prefix. */
  readonly names: {
    body(digest: Digest): string;
    snapshot(named: { size: number; stateDigest: Digest }): string;
    tile(path: string): string;
  };
}
