import { concatBytes } from '@noble/hashes/utils.js';
import { DomainError } from '../errors.ts';
import { MAX_ENTRY_BYTES } from './entry.ts';
import { HASH_BYTES, type HashReader, nodeHash, type TreeNode } from './merkle-tree.ts';

/** Hashes in a full tile: C2SP tlog-tiles, "Merkle Tree"; a tile is a subtree of height 8. */
export const TILE_WIDTH = 256;
const TILE_HEIGHT = 8;

/** One resource of C2SP tlog-tiles: hashes of one level, or the entries of the tile of level 0 with this index. */
export interface Tile {
  level: number | 'entries';
  index: number;
  /** Hashes or entries in it, 1 to 256; below 256 it is partial, and only trees of some sizes have it. */
  width: number;
}

/** Its path below the log's prefix: `tile/0/x001/x234/067`, `tile/entries/000.p/17`. */
export function tilePath({ level, index, width }: Tile): string {
  const digits = String(index);
  const groups = digits.padStart(Math.ceil(digits.length / 3) * 3, '0').match(/\d{3}/g) ?? [];
  const path = groups.map((group, i) => (i < groups.length - 1 ? `x${group}` : group)).join('/');
  return `tile/${level}/${path}${width < TILE_WIDTH ? `.p/${width}` : ''}`;
}

/** How many hashes the level has in a tree of `size` leaves: each is the root of a full tile of the level below. */
export function hashesAtLevel(size: number, level: number): number {
  return Math.floor(size / TILE_WIDTH ** level);
}

/** The tile of that index as a tree of `size` leaves has it, or null when it has none. */
export function tileAt(level: Tile['level'], index: number, size: number): Tile | null {
  const hashes = hashesAtLevel(size, level === 'entries' ? 0 : level);
  const width = Math.min(hashes - index * TILE_WIDTH, TILE_WIDTH);
  return width > 0 ? { level, index, width } : null;
}

/** Every tile and entry bundle that a tree of `size` leaves consists of, in order of level and index. */
export function* tilesOfTree(size: number): Generator<Tile> {
  yield* tilesOfLevel('entries', size);
  for (let level = 0; hashesAtLevel(size, level) > 0; level += 1) yield* tilesOfLevel(level, size);
}

function* tilesOfLevel(level: Tile['level'], size: number): Generator<Tile> {
  for (let index = 0; ; index += 1) {
    const tile = tileAt(level, index, size);
    if (!tile) return;
    yield tile;
  }
}

export function encodeHashes(hashes: readonly Uint8Array[]): Uint8Array {
  return concatBytes(...hashes);
}

/** The hashes of a tile. Throws `ENTRY_MALFORMED` unless the bytes are exactly as many as its width asks for. */
export function decodeHashes(bytes: Uint8Array, tile: Tile): Uint8Array[] {
  if (bytes.length !== tile.width * HASH_BYTES) throw truncated(tile, bytes);
  return Array.from({ length: tile.width }, (_, i) => bytes.subarray(i * HASH_BYTES, (i + 1) * HASH_BYTES));
}

/** C2SP tlog-tiles, "Log entries": each entry behind its length in 16 bits, big-endian. */
export function encodeEntryBundle(entries: readonly Uint8Array[]): Uint8Array {
  return concatBytes(
    ...entries.flatMap((entry) => {
      if (entry.length > MAX_ENTRY_BYTES) {
        throw new DomainError('TOO_LARGE', `An entry of ${entry.length} bytes fits no bundle.`, {
          next: 'Report this defect: the log takes no such entry.',
        });
      }
      return [Uint8Array.of(entry.length >> 8, entry.length & 0xff), entry];
    }),
  );
}

/** The entries of a bundle. Throws `ENTRY_MALFORMED` unless the bytes are exactly as many entries as its width. */
export function decodeEntryBundle(bytes: Uint8Array, tile: Tile): Uint8Array[] {
  const entries: Uint8Array[] = [];
  let offset = 0;
  while (offset < bytes.length && entries.length < tile.width) {
    const [high, low] = bytes.subarray(offset, offset + 2);
    if (high === undefined || low === undefined) throw truncated(tile, bytes);
    const end = offset + 2 + high * 256 + low;
    if (end > bytes.length) throw truncated(tile, bytes);
    entries.push(bytes.subarray(offset + 2, end));
    offset = end;
  }
  if (entries.length !== tile.width || offset !== bytes.length) throw truncated(tile, bytes);
  return entries;
}

/**
 * Reads hashes of complete subtrees out of the tiles of a tree of `size` leaves. What it returns is believed only
 * when a proof made of it ends in a root that is believed. Throws `NOT_FOUND` for a node outside the tree,
 * `ENTRY_MALFORMED` for a truncated tile, and what `readTile` throws.
 */
export function createHashReader(size: number, readTile: (tile: Tile) => Promise<Uint8Array>): HashReader {
  return async (nodes) => {
    const wanted = nodes.map((node) => locate(node, size));
    const tiles = new Map(wanted.map(({ tile }) => [tilePath(tile), tile]));
    const read = await Promise.all(
      [...tiles].map(async ([path, tile]) => [path, decodeHashes(await readTile(tile), tile)] as const),
    );
    const hashes = new Map(read);
    return wanted.map(({ tile, from, to }) =>
      subtreeRoot((hashes.get(tilePath(tile)) ?? []).slice(from, to)),
    );
  };
}

/** Root of the complete subtree over these hashes: 2**n of them, at least one. */
export function subtreeRoot(hashes: readonly Uint8Array[]): Uint8Array {
  let row = hashes;
  while (row.length > 1) {
    const next: Uint8Array[] = [];
    for (let i = 0; i < row.length; i += 2) next.push(pairHash(row[i], row[i + 1]));
    row = next;
  }
  return row[0] ?? pairHash(undefined, undefined);
}

function pairHash(left: Uint8Array | undefined, right: Uint8Array | undefined): Uint8Array {
  if (!left || !right) throw new Error('A complete subtree has 2**n hashes: report this defect.');
  return nodeHash(left, right);
}

/** The tile that holds a subtree's hash, or the hashes from which it is made. */
function locate({ level, index }: TreeNode, size: number): { tile: Tile; from: number; to: number } {
  const tileLevel = Math.floor(level / TILE_HEIGHT);
  const width = 2 ** (level % TILE_HEIGHT);
  const first = index * width;
  const tile = tileAt(tileLevel, Math.floor(first / TILE_WIDTH), size);
  const from = first % TILE_WIDTH;
  if (!tile || from + width > tile.width) {
    throw new DomainError('NOT_FOUND', `A tree of ${size} leaves has no node ${index} of level ${level}.`, {
      next: 'Ask for a newer checkpoint.',
    });
  }
  return { tile, from, to: from + width };
}

function truncated(tile: Tile, bytes: Uint8Array): DomainError {
  return new DomainError(
    'ENTRY_MALFORMED',
    `${tilePath(tile)} has ${bytes.length} bytes, which are not ${tile.width} of what it holds.`,
    { next: 'Restore it from an earlier version or another copy; integration makes it again if it is gone.' },
  );
}
