import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import {
  consistencyProof,
  emptyRoot,
  type HashReader,
  inclusionProof,
  judgeConsistency,
  judgeInclusion,
  leafHash,
  MAX_TREE_SIZE,
  nodeHash,
  treeRoot,
} from '../../domain/log/merkle-tree.ts';
import {
  entriesOf,
  hex,
  naiveConsistency,
  naiveInclusion,
  naiveLeaf,
  naiveRoot,
  readerOf,
} from '../support/merkle.ts';

const LARGEST = 70;
const ENTRIES = entriesOf(LARGEST);
const ROOTS = Array.from({ length: LARGEST + 1 }, (_, size) => naiveRoot(ENTRIES.slice(0, size)));
const LEAVES = ENTRIES.map(naiveLeaf);
const rootOf = (size: number) => ROOTS[size] ?? emptyRoot();
const leafOf = (index: number) => LEAVES[index] ?? emptyRoot();
const sizes = Array.from({ length: LARGEST }, (_, i) => i + 1);

/** A tree of equal leaves has one hash a level, so that trees of any size can be read. */
const EQUAL = Array.from({ length: 53 }).reduce<Uint8Array[]>(
  (levels) => [
    ...levels,
    nodeHash(levels.at(-1) ?? leafHash(new Uint8Array()), levels.at(-1) ?? leafHash(new Uint8Array())),
  ],
  [leafHash(new Uint8Array())],
);
const equalLeaves: HashReader = async (nodes) => nodes.map(({ level }) => EQUAL[level] ?? emptyRoot());

function flip(bytes: Uint8Array, at: number): Uint8Array {
  return bytes.map((byte, i) => (i === at % bytes.length ? byte ^ (1 << (at % 8)) : byte));
}

describe('inclusion', () => {
  test.each(sizes)('every leaf of %i: the path of RFC 6962, and it verifies', async (size) => {
    const entries = ENTRIES.slice(0, size);
    for (let index = 0; index < size; index += 1) {
      const proof = await inclusionProof(index, size, readerOf(entries));
      expect(proof.map(hex)).toEqual(naiveInclusion(index, entries).map(hex));
      expect(judgeInclusion({ index, size, leaf: leafOf(index), proof, root: rootOf(size) })).toBeNull();
    }
  });

  test('a proof shows no other leaf, place, size or root', async () => {
    for (let index = 0; index < 13; index += 1) {
      const proof = await inclusionProof(index, 13, readerOf(ENTRIES.slice(0, 13)));
      const claim = { index, size: 13, leaf: leafOf(index), proof, root: rootOf(13) };
      for (let other = 0; other < 13; other += 1) {
        if (other === index) continue;
        expect(judgeInclusion({ ...claim, index: other })).not.toBeNull();
        expect(judgeInclusion({ ...claim, leaf: leafOf(other) })).not.toBeNull();
        expect(judgeInclusion({ ...claim, root: rootOf(other) })).not.toBeNull();
      }
      expect(judgeInclusion({ ...claim, proof: proof.slice(1) })).toMatch('hashes instead of');
      expect(judgeInclusion({ ...claim, proof: [...proof, leafOf(0)] })).toMatch('hashes instead of');
    }
  });

  test('one bit changed anywhere, and it fails', async () => {
    const reader = readerOf(ENTRIES);
    await fc.assert(
      fc.asyncProperty(fc.nat(LARGEST - 1), fc.nat(), fc.nat(255), async (index, which, at) => {
        const proof = await inclusionProof(index, LARGEST, reader);
        const claim = { index, size: LARGEST, leaf: leafOf(index), proof, root: rootOf(LARGEST) };
        const parts = [claim.leaf, claim.root, ...proof];
        const [leaf = claim.leaf, root = claim.root, ...rest] = parts.map((part, i) =>
          i === which % parts.length ? flip(part, at) : part,
        );
        expect(judgeInclusion({ ...claim, leaf, root, proof: rest })).toMatch('another root');
      }),
      { seed: 5, numRuns: 300 },
    );
  });
});

describe('consistency', () => {
  test.each(sizes)('every prefix of %i: the proof of RFC 6962, and it verifies', async (to) => {
    const entries = ENTRIES.slice(0, to);
    for (let from = 0; from <= to; from += 1) {
      const proof = await consistencyProof(from, to, readerOf(entries));
      expect(proof.map(hex)).toEqual(naiveConsistency(from, entries).map(hex));
      const claim = { from, fromRoot: rootOf(from), to, toRoot: rootOf(to), proof };
      expect(judgeConsistency(claim)).toBeNull();
      expect(judgeConsistency({ ...claim, fromRoot: flip(claim.fromRoot, to) })).not.toBeNull();
      if (from > 0) expect(judgeConsistency({ ...claim, toRoot: flip(claim.toRoot, from) })).not.toBeNull();
      if (proof.length > 0) {
        expect(
          judgeConsistency({
            ...claim,
            proof: proof.map((one, i) => (i === from % proof.length ? flip(one, to) : one)),
          }),
        ).not.toBeNull();
      }
      expect(judgeConsistency({ ...claim, proof: [...proof, rootOf(1)] })).toMatch('hashes instead of');
    }
  });

  test('a rewritten prefix has no proof', async () => {
    const forked = ENTRIES.map((entry, i) => (i === 3 ? (ENTRIES[4] ?? entry) : entry));
    for (let from = 4; from < LARGEST; from += 1) {
      const proof = await consistencyProof(from, LARGEST, readerOf(forked));
      const claim = { from, fromRoot: rootOf(from), to: LARGEST, toRoot: naiveRoot(forked), proof };
      expect(judgeConsistency(claim)).not.toBeNull();
    }
  });
});

describe('sizes', () => {
  const around = Array.from({ length: 53 }, (_, k) => [2 ** k - 1, 2 ** k, 2 ** k + 1]).flat();
  const large = [...new Set([...around, MAX_TREE_SIZE - 1, MAX_TREE_SIZE])].filter(
    (n) => n > 0 && n <= MAX_TREE_SIZE,
  );

  test('at and beside every power of two, up to 2**53 - 1', async () => {
    for (const size of large) {
      const root = await treeRoot(size, equalLeaves);
      const leaf = EQUAL[0] ?? emptyRoot();
      for (const index of [0, Math.floor(size / 2), size - 1]) {
        const proof = await inclusionProof(index, size, equalLeaves);
        expect(judgeInclusion({ index, size, leaf, proof, root })).toBeNull();
      }
      for (const from of [1, Math.ceil(size / 2), Math.ceil(size / 3), size]) {
        const proof = await consistencyProof(from, size, equalLeaves);
        const fromRoot = await treeRoot(from, equalLeaves);
        expect(judgeConsistency({ from, fromRoot, to: size, toRoot: root, proof })).toBeNull();
      }
    }
  });

  test.each([MAX_TREE_SIZE + 1, 2 ** 63, 2 ** 64, -1, 0.5, Number.NaN, Number.POSITIVE_INFINITY])(
    '%d is refused, not rounded',
    async (size) => {
      await expect(treeRoot(size, equalLeaves)).rejects.toThrow('is no tree size');
      await expect(inclusionProof(0, size, equalLeaves)).rejects.toThrow('is no tree size');
      await expect(consistencyProof(0, size, equalLeaves)).rejects.toThrow('is no tree size');
      const root = rootOf(1);
      expect(judgeInclusion({ index: 0, size, leaf: root, proof: [], root })).toMatch('no tree size');
      expect(judgeInclusion({ index: size, size: 4, leaf: root, proof: [], root })).toMatch('has no leaf');
      expect(judgeConsistency({ from: 0, fromRoot: root, to: size, toRoot: root, proof: [] })).toMatch(
        'no tree size',
      );
      expect(judgeConsistency({ from: size, fromRoot: root, to: 1, toRoot: root, proof: [] })).toMatch(
        'no tree size',
      );
    },
  );

  test('the empty tree has a root, no leaf, and is the beginning of every tree', async () => {
    expect(hex(await treeRoot(0, equalLeaves))).toBe(hex(naiveRoot([])));
    await expect(inclusionProof(0, 0, equalLeaves)).rejects.toThrow('has no leaf 0');
    expect(judgeInclusion({ index: 0, size: 0, leaf: rootOf(1), proof: [], root: emptyRoot() })).toMatch(
      'no leaf',
    );
    const claim = { from: 0, fromRoot: emptyRoot(), to: 7, toRoot: rootOf(7), proof: [] };
    expect(judgeConsistency(claim)).toBeNull();
    expect(judgeConsistency({ ...claim, fromRoot: rootOf(1) })).toMatch('another root');
    expect(judgeConsistency({ ...claim, proof: [rootOf(1)] })).toMatch('hashes instead of');
  });

  test('a smaller tree continues no larger one', async () => {
    await expect(consistencyProof(8, 7, equalLeaves)).rejects.toThrow('no tree of 8');
    expect(judgeConsistency({ from: 8, fromRoot: rootOf(8), to: 7, toRoot: rootOf(7), proof: [] })).toMatch(
      'no tree of 8',
    );
  });

  test('rubbish is refused without a throw', () => {
    const anything = fc.uint8Array({ maxLength: 40 });
    fc.assert(
      fc.property(fc.double(), fc.double(), anything, anything, fc.array(anything), (a, b, x, y, proof) => {
        expect(judgeInclusion({ index: a, size: b, leaf: x, proof, root: y })).toBeTypeOf('string');
        if (a !== 0)
          expect(judgeConsistency({ from: a, fromRoot: x, to: b, toRoot: y, proof })).toBeTypeOf('string');
      }),
      { seed: 5, numRuns: 500 },
    );
  });
});
