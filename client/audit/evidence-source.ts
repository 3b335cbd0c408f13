import type { ChangeHistory } from '../../activities/ports/history-archive.ts';
import type { Digest } from '../../domain/evidence/canonical-json.ts';
import type { Pins } from '../../domain/evidence/export-layout.ts';
import type { SnapshotPredicate } from '../../domain/evidence/statements.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';

export type { ChangeHistory };

/**
 * Where evidence comes from: an environment that runs, or an export of it. Nothing is believed by coming from here.
 * Methods throw `STORE_UNAVAILABLE`, `THROTTLED`, `NOT_PERMITTED`, and `LOG_FORKED` where the store was changed.
 */
export interface EvidenceSource {
  environment: string;
  /** The pinned one; the entries have those that followed. */
  trust: TrustDocument;
  /** The signed file that the trust document came in. */
  trustFile: Uint8Array;
  /** Null where nobody signs checkpoints of the log. */
  pins: Pins | null;
  /** Every entry, from the first. */
  entries(): AsyncIterable<Uint8Array>;
  /** The newest that was published; null where none was. */
  checkpoint(): Promise<Uint8Array | null>;
  /** By its path below the log's prefix; null for one that is not there. */
  tile(path: string): Promise<Uint8Array | null>;
  body(digest: Digest): Promise<Uint8Array | null>;
  snapshot(named: SnapshotPredicate): Promise<Uint8Array | null>;
  /** Of a change that is over, as they were archived; of another, as Temporal has them, if it answers. */
  histories(changeId: string): Promise<ChangeHistory[]>;
}

/** The build whose worker last moved a run on, as Temporal recorded it; null where it did not. */
export function buildOf({ history }: ChangeHistory): string | null {
  const builds = [...JSON.stringify(history).matchAll(/"buildId":"([^"]+)"/g)].map(([, build]) => build);
  return builds.at(-1) ?? null;
}
