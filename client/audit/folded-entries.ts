import type { OpenedStatement } from '../../domain/evidence/statement-codec.ts';
import type { Judge } from '../../domain/log/authority.ts';
import { readEntry } from '../../domain/log/entry.ts';
import { createFold } from '../../domain/log/fold.ts';
import type { VerifyEd25519 } from '../../domain/log/signed-note.ts';
import type { EntryFate, LogState } from '../../domain/log/state.ts';
import type { EvidenceSource } from './evidence-source.ts';

export interface FoldedEntry {
  index: number;
  bytes: Uint8Array;
  fate: EntryFate;
  /** Null when it cannot be read. */
  statement: OpenedStatement | null;
  /** By what it was judged. */
  judge: Judge;
  /** After this entry: the live fold, read it and never write it. */
  state: LogState;
}

/** The entries of a log with their fates, folded here from the source's pinned trust document on. */
export async function* foldedEntries(
  { environment, trust, entries }: Pick<EvidenceSource, 'environment' | 'trust' | 'entries'>,
  verify: VerifyEd25519,
): AsyncGenerator<FoldedEntry> {
  const fold = createFold({ environment, trust, verify });
  for await (const bytes of entries()) {
    const { judge } = fold;
    const read = readEntry(bytes);
    const fate = fold.apply(bytes, read);
    const statement = typeof read === 'string' ? null : read;
    yield { index: fate.index, bytes, fate, statement, judge, state: fold.state };
  }
}
