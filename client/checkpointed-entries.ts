import { PortError } from '../domain/errors.ts';
import type { Checkpoint } from '../domain/log/checkpoint.ts';
import { sameBytes } from '../domain/log/merkle-tree.ts';
import { EMPTY_EDGE, edgeRoot, growTree } from '../domain/log/tree-edge.ts';

/**
 * The log's entries from the first one, held to a checkpoint that was read *before* them: what its witnesses cosigned
 * must be there, and nothing else in its place. Believe the entries when all of them have come. Throws `LOG_FORKED`
 * for an entry that is not the next one, for a log that is shorter, and for one with another root.
 */
export async function* checkpointedEntries<Entry extends { index: number; bytes: Uint8Array }>(
  entries: AsyncIterable<Entry>,
  checkpoint: Checkpoint | null,
): AsyncGenerator<Entry> {
  const { size: covered, root } = checkpoint ?? { size: 0, root: new Uint8Array() };
  let edge = EMPTY_EDGE;
  let size = 0;
  for await (const entry of entries) {
    if (entry.index !== size) throw missingEntry(size, entry.index);
    size += 1;
    if (size <= covered) {
      edge = growTree(edge, [entry.bytes]).edge;
      if (size === covered && !sameBytes(edgeRoot(edge), root)) throw otherRoot(covered);
    }
    yield entry;
  }
  if (size < covered) throw shorter(size, covered);
}

const PAGE =
  'Page whoever keeps the bucket, and see `resilience-ctl store check`: nothing is served from it.';

function missingEntry(expected: number, found: number): PortError {
  return new PortError('LOG_FORKED', `The log gives entry ${found} where entry ${expected} belongs.`, {
    next: PAGE,
  });
}

function otherRoot(size: number): PortError {
  return new PortError(
    'LOG_FORKED',
    `The first ${size} entries of the log are not those that its witnesses cosigned.`,
    { next: PAGE },
  );
}

function shorter(size: number, covered: number): PortError {
  return new PortError('LOG_FORKED', `The log has ${size} entries; its witnesses cosigned ${covered}.`, {
    next: PAGE,
  });
}
