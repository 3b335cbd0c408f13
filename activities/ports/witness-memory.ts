/** What a witness must never forget: of each log, the last checkpoint that it cosigned. */
export interface WitnessMemory {
  /** The checkpoint's bytes with the log's signature and the witness's own; null when it has cosigned none. */
  last(origin: string): Promise<Uint8Array | null>;
  /** Durable when it resolves. */
  keep(origin: string, checkpoint: Uint8Array): Promise<void>;
}
