import type { Digest } from '../domain/evidence/canonical-json.ts';

/** One version of a resource, as the commit that made it live says; a null digest is its removal. */
export interface StoredVersion {
  resource: string;
  digest: Digest | null;
  /** SemVer; null for DNS records and for a removal. */
  version: string | null;
  /** The digest that it replaced; null for the first one. */
  parent: Digest | null;
  dependsOn: string[];
  changeId: string;
  /** Who asked for the change; null when no honoured request says so. */
  author: string | null;
  planDigest: Digest;
  /** Of the commit. */
  index: number;
  /** RFC 3339 UTC, as the enactor signed it. */
  at: string;
}

/** After so many entries, at a time, or now. A time means what was live before the first commit signed later. */
export type Instant = { size: number } | { time: string } | 'head';

export interface StoredState {
  /** Number of entries that it is made of. */
  size: number;
  /** True when commits after that prefix are signed with an earlier time: a clock went back, and the prefix won. */
  ambiguous: boolean;
  /** What is live, by name. Removed resources are not listed. */
  versions: StoredVersion[];
}

/**
 * An entry that says it makes versions live, or that cannot be read at all, and that counts for nothing: not signed by
 * an enactor, or signed where its clock had gone back.
 */
export interface IgnoredMove {
  index: number;
  /** What it says it moves; empty for one that cannot be read. */
  resources: string[];
  reason: string;
}

/** Which version of a resource is meant. */
export type Selector = Instant | { version: string };

/**
 * The history of what production reads: the log's honoured commits, and the bodies that they name. Canary arms are not
 * versions: nobody's state until they are committed. The log is held to what its witnesses cosigned, and to what this
 * machine saw of it before. Throws `NOT_FOUND`, with names that are close; `DIGEST_MISMATCH`, `ENTRY_MALFORMED`,
 * `LOG_FORKED` for what is not as it was signed: then nothing is served; and `STORE_UNAVAILABLE`, `THROTTLED`.
 */
export interface Store {
  stateAt(instant: Instant): Promise<StoredState>;
  /** Every version, oldest first, removals included. */
  versionsOf(resource: string): Promise<StoredVersion[]>;
  /** The version that was live then; of a removed resource, its removal. */
  versionAt(resource: string, selector: Selector): Promise<StoredVersion>;
  /**
   * The document, or a DNS resource's record sets, checked against the digest, and a document's against its signed
   * version statement; undefined for a removal.
   */
  bodyOf(version: StoredVersion): Promise<unknown>;
  /** In the order of the log. Nothing of them is served; whoever reads should hear of them. */
  ignored(): Promise<IgnoredMove[]>;
}
