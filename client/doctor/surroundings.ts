import type { TrustDocument } from '../../domain/evidence/trust.ts';
import type { LogState } from '../../domain/log/state.ts';
import type { KnownKey } from '../compose.ts';

/** What the doctor looks at. Each look is its own: one that throws says nothing about the others. */
export interface Surroundings {
  nowMs(): number;
  /** In force; as pinned while the log cannot be read. */
  trust(): Promise<TrustDocument>;
  keys(): Promise<(KnownKey & { fileMode: number })[]>;
  bucket(): Promise<BucketReading>;
  log(): Promise<LogState>;
  /** The published checkpoint, if log and witnesses signed it; null where none is published. */
  checkpoint(): Promise<{ size: number } | null>;
  fence(zone: string): Promise<string | null>;
  /** Who polls a task queue. */
  pollers(queue: string): Promise<Poller[]>;
}

export interface BucketReading {
  /** The store's own clock, when it answered. */
  dateMs: number;
  /** Null where this person may not ask. */
  versioning: boolean | null;
  objectLock: boolean | null;
  /** Whether its policy refuses puts that could replace an object, and deletes. */
  refusesOverwrites: boolean | null;
  refusesDeletes: boolean | null;
}

export interface Poller {
  /** `enactor@4711 0.1.0+5f0c2a91b3d4`: role, process, build. */
  identity: string;
  lastSeenMs: number;
}
