import type { Envelope } from '../../domain/evidence/dsse.ts';
import type { Judge } from '../../domain/log/authority.ts';
import type { EntryFate, LogState } from '../../domain/log/state.ts';

/**
 * The environment's one append-only log (DESIGN §6). Every instance folds for itself, from its own pinned trust
 * document on, and believes nothing that it has not verified.
 */
export interface ChangeLog {
  /**
   * Reads to the head, or only until `atLeast` entries are folded, and returns the state. The returned object is
   * the live fold: read it, never write it. Throws `STORE_UNAVAILABLE`, `THROTTLED`, `LOG_FORKED`.
   */
  sync(options?: { atLeast?: number }): Promise<LogState>;
  /** The last state folded, without any IO: what is left when the store is down. */
  lastKnown(): LogState;
  /**
   * Appends in one atomic, consecutive run and returns each entry's fate, in order. Idempotent by key: an entry
   * whose key is already honoured is not written again and comes back as `duplicate`. After a lost answer it
   * looks at the winner before it concludes. Concurrent calls share one object (group commit).
   */
  append(envelopes: readonly Envelope[]): Promise<EntryFate[]>;
  /**
   * The leaf (RFC 6962 §2.1) of an honoured intent of an open change, out of the bytes that this instance folded: what
   * a proof of inclusion must be about. Null for any other entry. No IO.
   */
  intentLeaf(index: number): Uint8Array | null;
  /**
   * Every entry from index `from` to the head, in order, as the log holds it, inert and void ones included: what
   * an auditor reads. Throws as `sync`.
   */
  entries(from: number): AsyncIterable<LogEntry>;
}

export interface LogEntry {
  index: number;
  /** Final: the canonical JSON of its envelope. */
  bytes: Uint8Array;
  fate: EntryFate;
  /** By what it was judged: the trust document that was in force there. */
  judge: Judge;
}
