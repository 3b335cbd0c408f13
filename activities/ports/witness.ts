import type { NoteSignature, SignedNote } from '../../domain/log/signed-note.ts';

/** Somebody else who watches that the log only grows: C2SP tlog-witness, `add-checkpoint`. */
export interface Witness {
  /**
   * Asks for a cosignature on a checkpoint that continues the tree of `oldSize` entries, as `proof` shows. When the
   * witness cosigned another size last, it answers with that. Throws `LOG_FORKED` when it refuses the proof,
   * `NOT_PERMITTED` when it does not know the log or its key, `WITNESS_UNAVAILABLE`.
   */
  addCheckpoint(
    note: SignedNote,
    oldSize: number,
    proof: readonly Uint8Array[],
  ): Promise<{ cosignatures: readonly NoteSignature[] } | { cosignedSize: number }>;
}
