import type { SpoolItem } from '../../domain/override/spool.ts';

/** Where break-glass writes ahead while the log is down: on its own disk, hash-chained. */
export interface BreakGlassSpool {
  /**
   * On disk, whole and in order, when it resolves. Throws `DIGEST_MISMATCH` or `ENTRY_MALFORMED` for a spool that
   * somebody edited, and then adds nothing.
   */
  append(items: readonly SpoolItem[]): Promise<void>;
  /** Everything that is not in the log yet. Throws as `append`. */
  read(): Promise<SpoolItem[]>;
  /** Puts what was read aside, once all of it is in the log; nothing is deleted. */
  retire(): Promise<void>;
}
