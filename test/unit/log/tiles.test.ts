import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  inclusionProof,
  judgeInclusion,
  leafHash,
  MAX_TREE_SIZE,
  treeRoot,
} from '../../../domain/log/merkle-tree.ts';
import {
  createHashReader,
  decodeEntryBundle,
  decodeHashes,
  encodeEntryBundle,
  encodeHashes,
  type Tile,
  tileAt,
  tilePath,
  tilesOfTree,
} from '../../../domain/log/tiles.ts';
import {
  EMPTY_EDGE,
  edgeRoot,
  edgeTile,
  growTree,
  openEdge,
  partialFiles,
} from '../../../domain/log/tree-edge.ts';
import { entriesOf, hex, naiveRoot } from '../../support/merkle.ts';

const at = (level: Tile['level'], index: number, width = 256): Tile => ({ level, index, width });

describe('paths', () => {
  // C2SP tlog-tiles names the first; the others are what Tessera's `api/layout` makes.
  test.each([
    [at(0, 1_234_067), 'tile/0/x001/x234/067'],
    [at(0, 0), 'tile/0/000'],
    [at(0, 0, 255), 'tile/0/000.p/255'],
    [at(1, 999), 'tile/1/999'],
    [at(1, 1000), 'tile/1/x001/000'],
    [at(6, 455_667), 'tile/6/x455/667'],
    [at(3, 123_456_789, 41), 'tile/3/x123/x456/789.p/41'],
    [at('entries', 0), 'tile/entries/000'],
    [at('entries', 1, 1), 'tile/entries/001.p/1'],
    [at('entries', 123_456_789), 'tile/entries/x123/x456/789'],
    [at(0, Math.floor(MAX_TREE_SIZE / 256), 255), 'tile/0/x035/x184/x372/x088/831.p/255'],
  ])('%o is %s', (tile, path) => expect(tilePath(tile)).toBe(path));
});

describe('the tiles of a tree', () => {
  const levels = (size: number) => Object.entries(Object.groupBy(tilesOfTree(size), ({ level }) => level));
  const lastOf = (size: number) =>
    Object.fromEntries(
      levels(size).map(([level, tiles = []]) => [level, tilePath(tiles.at(-1) ?? at(0, 0))]),
    );

  test('of size 70,000, as C2SP tlog-tiles counts them', () => {
    expect(levels(70_000).map(([level, tiles]) => [level, tiles?.length])).toEqual([
      ['0', 274],
      ['1', 2],
      ['2', 1],
      ['entries', 274],
    ]);
    expect(lastOf(70_000)).toEqual({
      entries: 'tile/entries/273.p/112',
      0: 'tile/0/273.p/112',
      1: 'tile/1/001.p/17',
      2: 'tile/2/000.p/1',
    });
  });

  test('of size 256: a full tile, and one hash above it', () => {
    expect(lastOf(256)).toEqual({ entries: 'tile/entries/000', 0: 'tile/0/000', 1: 'tile/1/000.p/1' });
  });

  test('of size 0: none', () => expect([...tilesOfTree(0)]).toEqual([]));

  test('beyond the edge there is none', () => {
    expect(tileAt(0, 1, 256)).toBeNull();
    expect(tileAt(1, 0, 255)).toBeNull();
    expect(tileAt('entries', 0, 3)).toEqual(at('entries', 0, 3));
  });
});

describe('bytes', () => {
  test('a bundle has each entry behind its length, big-endian', () => {
    const entries = [new Uint8Array(), Uint8Array.of(7), new Uint8Array(258).fill(9)];
    const bytes = encodeEntryBundle(entries);
    expect(hex(bytes.subarray(0, 7))).toBe('00000001070102');
    expect(decodeEntryBundle(bytes, at('entries', 0, 3))).toEqual(entries);
  });

  test('an entry of 65,535 bytes fits, one more is refused', () => {
    const largest = new Uint8Array(65_535).fill(1);
    expect(decodeEntryBundle(encodeEntryBundle([largest]), at('entries', 0, 1))).toEqual([largest]);
    expect(() => encodeEntryBundle([new Uint8Array(65_536)])).toThrow('fits no bundle');
  });

  test('a tile or bundle that is cut, longer, or of another width is refused', () => {
    const hashes = entriesOf(3).map(leafHash);
    const bundle = encodeEntryBundle(entriesOf(3));
    for (let length = 0; length < bundle.length; length += 1) {
      expect(() => decodeEntryBundle(bundle.subarray(0, length), at('entries', 0, 3))).toThrow(
        'tile/entries/000.p/3',
      );
    }
    expect(() => decodeEntryBundle(Uint8Array.of(...bundle, 0), at('entries', 0, 3))).toThrow('has');
    for (const width of [2, 4]) {
      expect(() => decodeEntryBundle(bundle, at('entries', 0, width))).toThrow('which are not');
      expect(() => decodeHashes(encodeHashes(hashes), at(0, 0, width))).toThrow('which are not');
    }
    expect(() => decodeHashes(encodeHashes(hashes).subarray(1), at(0, 0, 3))).toThrow('tile/0/000.p/3');
    expect(decodeHashes(encodeHashes(hashes), at(0, 0, 3))).toEqual(hashes);
  });
});

/** All files of a tree that grew by these steps, as a store would hold them. */
function grow(steps: readonly number[]) {
  const entries = entriesOf(steps.reduce((sum, step) => sum + step, 0));
  const files = new Map<string, Uint8Array>();
  let edge = EMPTY_EDGE;
  for (const step of steps) {
    const since = edge.size;
    const grown = growTree(edge, entries.slice(since, since + step));
    edge = grown.edge;
    for (const { path, bytes } of [...grown.full, ...partialFiles(edge, since)]) files.set(path, bytes);
  }
  const readTile = async (tile: Tile) => {
    const bytes = files.get(tilePath(tile));
    if (!bytes) throw new Error(`no ${tilePath(tile)}`);
    return bytes;
  };
  return { entries, files, edge, readTile };
}

describe('growth', () => {
  test.each([1, 2, 255, 256, 257, 511, 512, 513, 700])(
    'to %i at once: the tiles, and the root of RFC 6962',
    async (size) => {
      const { entries, files, edge, readTile } = grow([size]);
      expect([...files.keys()].sort()).toEqual([...tilesOfTree(size)].map(tilePath).sort());
      expect(hex(edgeRoot(edge))).toBe(hex(naiveRoot(entries)));
      expect(hex(await treeRoot(size, createHashReader(size, readTile)))).toBe(hex(naiveRoot(entries)));
    },
  );

  test('by any steps ends in the same bytes, and has every tile that any step needs', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 1, max: 300 }), { minLength: 1, maxLength: 6 }),
        async (steps) => {
          const grown = grow(steps);
          const { size } = grown.edge;
          for (const [path, bytes] of grow([size]).files) expect(hex(grown.files.get(path))).toBe(hex(bytes));
          let reached = 0;
          for (const step of steps) {
            reached += step;
            const root = await treeRoot(reached, createHashReader(reached, grown.readTile));
            expect(hex(root)).toBe(hex(naiveRoot(grown.entries, 0, reached)));
          }
        },
      ),
      { seed: 5, numRuns: 25 },
    );
  });

  test('through 65,536 opens the third level', async () => {
    const { entries, edge, files, readTile } = grow([65_000, 536, 1]);
    expect(hex(edgeRoot(edge))).toBe(hex(naiveRoot(entries)));
    expect(files.get('tile/2/000.p/1')?.length).toBe(32);
    const [index, size] = [40_000, 65_537];
    const proof = await inclusionProof(index, size, createHashReader(size, readTile));
    const leaf = leafHash(entries[index] ?? new Uint8Array());
    expect(judgeInclusion({ index, size, leaf, proof, root: edgeRoot(edge) })).toBeNull();
  });

  test.each([0, 1, 255, 256, 300, 512])('goes on from what is stored of %i', async (size) => {
    const { edge, readTile } = grow(size === 0 ? [] : [size]);
    const opened = await openEdge(size, readTile);
    expect(hex(edgeRoot(opened))).toBe(hex(edgeRoot(edge)));
    const more = entriesOf(size + 300).slice(size);
    expect(hex(edgeRoot(growTree(opened, more).edge))).toBe(hex(naiveRoot(entriesOf(size + 300))));
  });

  test('of an edge that was opened from a changed bundle is found out by the root', async () => {
    const { edge, readTile } = grow([300]);
    const opened = await openEdge(300, async (tile) => {
      const bytes = Uint8Array.from(await readTile(tile));
      return tile.level === 'entries' ? bytes.fill(1, bytes.length - 1) : bytes;
    });
    expect(hex(edgeRoot(opened))).not.toBe(hex(edgeRoot(edge)));
  });

  test('leaves the edge that it began with as it was', () => {
    const { edge } = grow([300]);
    const before = hex(edgeRoot(edge));
    growTree(edge, entriesOf(300));
    expect(hex(edgeRoot(edge))).toBe(before);
  });
});

test('the edge gives the tiles that are on it, and no other', () => {
  const { edge, files } = grow([300]);
  for (const tile of tilesOfTree(300)) {
    const bytes = edgeTile(edge, tile);
    if (tile.width === 256) expect(bytes).toBeNull();
    else expect(hex(bytes ?? undefined)).toBe(hex(files.get(tilePath(tile))));
  }
  expect(edgeTile(edge, at(0, 1, 43))).toBeNull();
});

test('a node outside the tree is refused before anything is read', async () => {
  const reader = createHashReader(5, async () => expect.unreachable());
  await expect(reader([{ level: 0, index: 5 }])).rejects.toThrow('has no node 5 of level 0');
  await expect(reader([{ level: 1, index: 2 }])).rejects.toThrow('has no node 2 of level 1');
  await expect(reader([{ level: 8, index: 0 }])).rejects.toThrow('has no node 0 of level 8');
});

test('a truncated tile stops a proof', async () => {
  const { readTile } = grow([300]);
  const reader = createHashReader(300, async (tile) => (await readTile(tile)).subarray(32));
  await expect(inclusionProof(7, 300, reader)).rejects.toThrow('which are not');
});
