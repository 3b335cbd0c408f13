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
  /**
   * Puts all of it aside, once everything that counts is in the log, under a name that says whether that was everything,
   * and returns that name; nothing is deleted.
   */
  retire(as: 'reconciled' | 'not-counted'): Promise<string>;
}
