import { emptyRoot, foldRight, leafHash } from './merkle-tree.ts';
import {
  decodeEntryBundle,
  decodeHashes,
  encodeEntryBundle,
  encodeHashes,
  hashesAtLevel,
  subtreeRoot,
  TILE_WIDTH,
  type Tile,
  tileAt,
  tilePath,
} from './tiles.ts';

/**
 * All that a tree needs to remember in order to grow: what is in its partial tiles. Each entry is hashed once; a tile
 * is hashed into the level above once, when it is full.
 */
export interface TreeEdge {
  size: number;
  /** Of the last entry bundle; none while it is full. */
  entries: readonly Uint8Array[];
  /** By level, the hashes of its last tile; none while it is full. */
  levels: readonly (readonly Uint8Array[])[];
}

/** A tile's or bundle's path below the log's prefix, and its bytes. */
export interface TileFile {
  path: string;
  bytes: Uint8Array;
}

export const EMPTY_EDGE: TreeEdge = { size: 0, entries: [], levels: [] };

/** The edge after more entries, and every tile and bundle that became full: those never change again. */
export function growTree(
  edge: TreeEdge,
  entries: readonly Uint8Array[],
): { edge: TreeEdge; full: TileFile[] } {
  const full: TileFile[] = [];
  const levels = edge.levels.map((hashes) => [...hashes]);
  let bundle = [...edge.entries];
  let size = edge.size;

  function push(level: number, hash: Uint8Array): void {
    const hashes = levels[level] ?? [];
    levels[level] = hashes;
    hashes.push(hash);
    if (hashes.length < TILE_WIDTH) return;
    levels[level] = [];
    const index = hashesAtLevel(size, level + 1) - 1;
    full.push({ path: tilePath({ level, index, width: TILE_WIDTH }), bytes: encodeHashes(hashes) });
    push(level + 1, subtreeRoot(hashes));
  }

  for (const entry of entries) {
    size += 1;
    bundle.push(entry);
    if (bundle.length === TILE_WIDTH) {
      const index = hashesAtLevel(size, 1) - 1;
      full.push({
        path: tilePath({ level: 'entries', index, width: TILE_WIDTH }),
        bytes: encodeEntryBundle(bundle),
      });
      bundle = [];
    }
    push(0, leafHash(entry));
  }
  return { edge: { size, entries: bundle, levels }, full };
}

/** The partial tiles and the bundle of this size, without those that the tree of `since` leaves has as well. */
export function partialFiles(edge: TreeEdge, since: number): TileFile[] {
  return edgeTiles(edge.size)
    .filter(({ level }) => hashesIn(edge.size, level) !== hashesIn(since, level))
    .map((tile) => ({ path: tilePath(tile), bytes: encodeEdge(edge, tile) }));
}

/** The bytes of a tile or bundle that is on the edge; null for one that is full or of another size. */
export function edgeTile(edge: TreeEdge, tile: Tile): Uint8Array | null {
  const last = lastTile(tile.level, edge.size);
  return last?.index === tile.index && last.width === tile.width ? encodeEdge(edge, tile) : null;
}

/** The Merkle tree hash of the whole tree. */
export function edgeRoot(edge: TreeEdge): Uint8Array {
  const subtrees = edge.levels.toReversed().flatMap(completeSubtrees);
  return subtrees.length === 0 ? emptyRoot() : foldRight(subtrees);
}

/**
 * The edge of a tree of `size` leaves out of its partial tiles and bundle. Believe it when `edgeRoot` is a root that
 * you believe. Throws `ENTRY_MALFORMED` for a truncated one, and what `readTile` throws.
 */
export async function openEdge(
  size: number,
  readTile: (tile: Tile) => Promise<Uint8Array>,
): Promise<TreeEdge> {
  const opened: { entries: Uint8Array[]; levels: Uint8Array[][] } = { entries: [], levels: [] };
  const files = await Promise.all(
    // The bundle's entries say what the tile of level 0 holds, and the root says whether they do.
    edgeTiles(size)
      .filter(({ level }) => level !== 0)
      .map(async (tile) => ({ tile, bytes: await readTile(tile) })),
  );
  for (const { tile, bytes } of files) {
    if (tile.level === 'entries') opened.entries = decodeEntryBundle(bytes, tile);
    else opened.levels[tile.level] = decodeHashes(bytes, tile);
  }
  const levels = Array.from(
    { length: Math.max(opened.levels.length, 1) },
    (_, level) => opened.levels[level] ?? [],
  );
  levels[0] = opened.entries.map(leafHash);
  return { size, entries: opened.entries, levels };
}

function edgeTiles(size: number): Tile[] {
  const levels: Tile['level'][] = ['entries'];
  for (let level = 0; hashesAtLevel(size, level) > 0; level += 1) levels.push(level);
  return levels.flatMap((level) => lastTile(level, size) ?? []);
}

/** Null while it is full, or there is none. */
function lastTile(level: Tile['level'], size: number): Tile | null {
  return tileAt(level, Math.floor(hashesIn(size, level) / TILE_WIDTH), size);
}

function hashesIn(size: number, level: Tile['level']): number {
  return hashesAtLevel(size, level === 'entries' ? 0 : level);
}

function encodeEdge(edge: TreeEdge, { level }: Tile): Uint8Array {
  return level === 'entries' ? encodeEntryBundle(edge.entries) : encodeHashes(edge.levels[level] ?? []);
}

/** What the hashes of one partial tile add to the root: complete subtrees, the largest first. */
function completeSubtrees(hashes: readonly Uint8Array[]): Uint8Array[] {
  const roots: Uint8Array[] = [];
  let start = 0;
  for (let width = TILE_WIDTH / 2; width >= 1; width /= 2) {
    if (start + width > hashes.length) continue;
    roots.push(subtreeRoot(hashes.slice(start, start + width)));
    start += width;
  }
  return roots;
}
