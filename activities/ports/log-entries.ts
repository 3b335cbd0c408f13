/** The log's entries alone, not folded: for whoever derives something from their final bytes. */
export interface LogEntries {
  /**
   * From index `from` to the head, in order, inert ones included. Going on where the last call ended is cheap; any
   * other place reads the log from its first entry, because only the chain of names proves what belongs to it.
   * Throws `LOG_FORKED`, `STORE_UNAVAILABLE`, `THROTTLED`, `NOT_PERMITTED`.
   */
  from(index: number): AsyncIterable<Uint8Array>;
}
