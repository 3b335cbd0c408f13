/**
 * The tiled log of one environment (C2SP tlog-tiles): small objects by their path below the log's prefix, such as
 * `checkpoint` and `tile/0/000`. Nothing read from it is believed before a signed root proves it.
 */
export interface TileStore {
  /**
   * Puts what never changes; durable when it resolves. The same bytes again, by anybody, are no error. Throws
   * `LOG_FORKED` when other bytes are there, `STORE_UNAVAILABLE`, `THROTTLED`, `NOT_PERMITTED`.
   */
  put(path: string, bytes: Uint8Array): Promise<void>;
  /** What is there, and the token that `replace` wants; null for nothing. Throws as `put`. */
  get(path: string): Promise<StoredTile | null>;
  /**
   * Puts over exactly the version that was read (null: nothing was there); durable when it resolves to the new
   * version. Null when something else is there by now: look before you conclude, it may be one's own, from an answer
   * that was lost. Throws as `put`, without `LOG_FORKED`.
   */
  replace(path: string, bytes: Uint8Array, version: string | null): Promise<string | null>;
}

export interface StoredTile {
  bytes: Uint8Array;
  /** Names this content of this path; opaque. */
  version: string;
}
