/** What a witness, or whoever else follows logs, must never forget: of each, the last checkpoint that it accepted. */
export interface WitnessMemory {
  /** The checkpoint's bytes with the log's signature, and a witness's own; null when it has accepted none. */
  last(origin: string): Promise<Uint8Array | null>;
  /** Durable when it resolves. */
  keep(origin: string, checkpoint: Uint8Array): Promise<void>;
}
