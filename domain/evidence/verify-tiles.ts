import { DomainError } from '../errors.ts';
import type { Checkpoint } from '../log/checkpoint.ts';
import { sameBytes } from '../log/merkle-tree.ts';
import {
  decodeEntryBundle,
  decodeHashes,
  TILE_WIDTH,
  type Tile,
  tileAt,
  tilePath,
  tilesOfTree,
} from '../log/tiles.ts';
import {
  EMPTY_EDGE,
  edgeRoot,
  growTree,
  partialFiles,
  type TileFile,
  type TreeEdge,
} from '../log/tree-edge.ts';
import type { Discrepancy } from './audit-entries.ts';
import { tileFile } from './export-layout.ts';

/** Every file that a tree of this size consists of, as an export names it. */
export function tileFilesOf(size: number): string[] {
  return [...tilesOfTree(size)].map((tile) => tileFile(tilePath(tile)));
}

/**
 * Reads the entries of a tiled log in order and makes the whole tree from them again: every tile must be the one that
 * the entries make, and the root that of the checkpoint. What is wrong goes to `report`; a bundle that cannot be read
 * ends the entries, for what follows has no place. Memory does not grow with the log.
 */
export async function* verifiedEntries(
  { size, root }: Checkpoint,
  readTile: (tilePath: string) => Promise<Uint8Array | null>,
  report: (discrepancy: Discrepancy) => void,
): AsyncGenerator<Uint8Array> {
  let edge: TreeEdge = EMPTY_EDGE;
  for (let index = 0; ; index += 1) {
    const bundle = tileAt('entries', index, size);
    if (bundle === null) break;
    const entries = await readBundle(bundle, readTile, report);
    if (entries === null) return;
    const grown = growTree(edge, entries);
    edge = grown.edge;
    await compareTiles(grown.full, readTile, report);
    yield* entries;
  }
  await compareTiles(partialFiles(edge, 0), readTile, report);
  if (sameBytes(edgeRoot(edge), root)) return;
  report(
    wrong(
      'root',
      'tiles/checkpoint',
      `The ${size} entries have another root than the checkpoint that was signed.`,
    ),
  );
}

async function readBundle(
  bundle: Tile,
  readTile: (tilePath: string) => Promise<Uint8Array | null>,
  report: (discrepancy: Discrepancy) => void,
): Promise<Uint8Array[] | null> {
  const path = tilePath(bundle);
  const bytes = await readTile(path);
  try {
    if (bytes !== null) return decodeEntryBundle(bytes, bundle);
    report(
      wrong(
        'entries',
        tileFile(path),
        'It is not here; nothing after it can be judged.',
        bundle.index * TILE_WIDTH,
      ),
    );
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    report(
      wrong(
        'entries',
        tileFile(path),
        `${error.message} Nothing after it can be judged.`,
        bundle.index * TILE_WIDTH,
      ),
    );
  }
  return null;
}

async function compareTiles(
  made: readonly TileFile[],
  readTile: (tilePath: string) => Promise<Uint8Array | null>,
  report: (discrepancy: Discrepancy) => void,
): Promise<void> {
  for (const { path, bytes } of made) {
    const found = await readTile(path);
    if (found !== null && sameBytes(found, bytes)) continue;
    const why = found === null ? 'It is not here' : 'It is not what the entries make of it';
    report(wrong('tile', tileFile(path), `${why}.`, firstDifference(path, found, bytes)));
  }
}

/** The entry whose leaf a tile of level 0 holds otherwise. */
function firstDifference(path: string, found: Uint8Array | null, made: Uint8Array): number | null {
  const match = /^tile\/0\/(.*?)(?:\.p\/\d+)?$/.exec(path);
  if (match === null || found === null || found.length !== made.length) return null;
  const tile: Tile = {
    level: 0,
    index: Number((match[1] ?? '').replace(/[x/]/g, '')),
    width: made.length / 32,
  };
  const own = decodeHashes(made, tile);
  const position = decodeHashes(found, tile).findIndex((hash, i) => !sameBytes(hash, own[i] ?? hash));
  return position < 0 ? null : tile.index * TILE_WIDTH + position;
}

function wrong(rule: string, file: string, message: string, entry: number | null = null): Discrepancy {
  return {
    code: 'LOG_FORKED',
    rule,
    message,
    remedy: 'Compare with another copy of the log; page whoever runs it if theirs is the same.',
    entry,
    file,
  };
}
