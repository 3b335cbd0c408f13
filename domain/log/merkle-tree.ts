import { sha256 } from '@noble/hashes/sha2.js';
import { DomainError } from '../errors.ts';

/** Bytes of a SHA-256 hash. */
export const HASH_BYTES = 32;

/** Sizes are JavaScript integers: a tree of more entries is refused, never rounded. */
export const MAX_TREE_SIZE = Number.MAX_SAFE_INTEGER;

/** The hash of the complete subtree over the leaves `index * 2**level` up to `(index + 1) * 2**level`. */
export interface TreeNode {
  level: number;
  index: number;
}

/** Hashes of complete subtrees, in the order in which they were asked for: see `createHashReader` for tiles. */
export type HashReader = (nodes: readonly TreeNode[]) => Promise<Uint8Array[]>;

/** RFC 6962 §2.1: a leaf is hashed behind 0x00, so that no entry can pose as an inner node. */
export function leafHash(entry: Uint8Array): Uint8Array {
  return sha256.create().update(LEAF_PREFIX).update(entry).digest();
}

/** RFC 6962 §2.1: an inner node is hashed behind 0x01. */
export function nodeHash(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256.create().update(NODE_PREFIX).update(left).update(right).digest();
}

/** RFC 6962 §2.1: the root of the tree without leaves is the hash of nothing. */
export function emptyRoot(): Uint8Array {
  return sha256(new Uint8Array());
}

/** Whether it can be the size of a tree here: an integer from 0 to `MAX_TREE_SIZE`. */
export function isTreeSize(size: number): boolean {
  return Number.isSafeInteger(size) && size >= 0;
}

/** The Merkle tree hash over the first `size` leaves. Throws `TOO_LARGE`, and what the reader throws. */
export async function treeRoot(size: number, read: HashReader): Promise<Uint8Array> {
  requireTreeSize(size);
  if (size === 0) return emptyRoot();
  const [root] = await hashesOfRanges([{ from: 0, to: size }], read);
  return root ?? emptyRoot();
}

/**
 * Audit path of the leaf `index` in the tree of `size` leaves (RFC 6962 §2.1.1), the leaf's sibling first.
 * Throws `NOT_FOUND` for a leaf that is not in it, `TOO_LARGE`, and what the reader throws.
 */
export async function inclusionProof(index: number, size: number, read: HashReader): Promise<Uint8Array[]> {
  requireTreeSize(size);
  if (!isTreeSize(index) || index >= size) {
    throw new DomainError('NOT_FOUND', `A tree of ${size} leaves has no leaf ${index}.`, {
      next: 'Ask for a newer checkpoint, or correct the index.',
    });
  }
  return hashesOfRanges(inclusionRanges(index, size), read);
}

/**
 * Proof that the first `from` leaves of the tree of `to` leaves are the tree of `from` leaves (RFC 6962 §2.1.2).
 * Empty when `from` is 0 or `to`. Throws `NOT_FOUND` when `from` is over `to`, `TOO_LARGE`, and what the reader throws.
 */
export async function consistencyProof(from: number, to: number, read: HashReader): Promise<Uint8Array[]> {
  requireTreeSize(from);
  requireTreeSize(to);
  if (from > to) {
    throw new DomainError('NOT_FOUND', `A tree of ${to} leaves holds no tree of ${from}.`, {
      next: 'Ask for the proof the other way round.',
    });
  }
  return hashesOfRanges(consistencyRanges(from, to), read);
}

/**
 * Whether `proof` shows that `leaf` is the hash of leaf `index` under `root`: null, or why not
 * (RFC 9162 §2.1.3.2). Never throws.
 */
export function judgeInclusion(claim: {
  index: number;
  size: number;
  leaf: Uint8Array;
  proof: readonly Uint8Array[];
  root: Uint8Array;
}): string | null {
  const { index, size, leaf, proof, root } = claim;
  if (!isTreeSize(size)) return `${size} is no tree size`;
  if (!isTreeSize(index) || index >= size) return `a tree of ${size} leaves has no leaf ${index}`;
  const ranges = inclusionRanges(index, size);
  const misfit = judgeHashes(proof, ranges.length) ?? judgeHashes([leaf, root], 2);
  if (misfit) return misfit;
  const made = proof.reduce(
    (hash, sibling, i) => (isAfter(ranges[i], index + 1) ? nodeHash(hash, sibling) : nodeHash(sibling, hash)),
    leaf,
  );
  return sameBytes(made, root) ? null : `the proof for leaf ${index} of ${size} ends in another root`;
}

/**
 * Whether `proof` shows that the tree of `from` leaves is a prefix of the tree of `to` leaves: null, or why not
 * (RFC 9162 §2.1.4.2). Never throws.
 */
export function judgeConsistency(claim: {
  from: number;
  fromRoot: Uint8Array;
  to: number;
  toRoot: Uint8Array;
  proof: readonly Uint8Array[];
}): string | null {
  const { from, fromRoot, to, toRoot, proof } = claim;
  if (!isTreeSize(from) || !isTreeSize(to)) return `${from} or ${to} is no tree size`;
  if (from > to) return `${to} leaves hold no tree of ${from}`;
  const ranges = consistencyRanges(from, to);
  const misfit = judgeHashes(proof, ranges.length) ?? judgeHashes([fromRoot, toRoot], 2);
  if (misfit) return misfit;
  if (from === 0) return sameBytes(fromRoot, emptyRoot()) ? null : 'a tree without leaves has another root';
  // The proof begins with the last part of the old tree, unless all of the old tree is a part of the new one.
  const given = ranges[0]?.to === from ? [] : [fromRoot];
  const [start = fromRoot, ...rest] = [...given, ...proof];
  const steps = ranges.slice(ranges.length - rest.length);
  let oldHash = start;
  let newHash = start;
  rest.forEach((hash, i) => {
    const after = isAfter(steps[i], from);
    oldHash = after ? oldHash : nodeHash(hash, oldHash);
    newHash = after ? nodeHash(newHash, hash) : nodeHash(hash, newHash);
  });
  if (!sameBytes(oldHash, fromRoot)) return `the proof from ${from} to ${to} begins at another old root`;
  return sameBytes(newHash, toRoot) ? null : `the proof from ${from} to ${to} ends in another new root`;
}

/**
 * The hash over consecutive complete subtrees of falling size, as they make up a tree or its right edge: each takes
 * all that is right of it as its sibling. Throws for none.
 */
export function foldRight(hashes: readonly Uint8Array[]): Uint8Array {
  return hashes.reduceRight((right, left) => nodeHash(left, right));
}

export function sameBytes(a: Uint8Array, b: Uint8Array): boolean {
  if (a.length !== b.length) return false;
  // A loop: `every` calls a function for each byte, and verifying a log compares all its tiles.
  for (let i = 0; i < a.length; i += 1) if (a[i] !== b[i]) return false;
  return true;
}

const LEAF_PREFIX = Uint8Array.of(0x00);
const NODE_PREFIX = Uint8Array.of(0x01);

/** Leaves `from` up to, without, `to`; always one that the tree's own splits make. */
interface Range {
  from: number;
  to: number;
}

function isAfter(range: Range | undefined, leaf: number): boolean {
  return range !== undefined && range.from >= leaf;
}

function judgeHashes(hashes: readonly Uint8Array[], count: number): string | null {
  if (hashes.length !== count) return `the proof has ${hashes.length} hashes instead of ${count}`;
  return hashes.every(({ length }) => length === HASH_BYTES) ? null : 'a hash does not have 32 bytes';
}

/** From the leaf up. */
function inclusionRanges(index: number, size: number): Range[] {
  const ranges: Range[] = [];
  let [from, to] = [0, size];
  while (to - from > 1) {
    const middle = from + largestPowerBelow(to - from);
    if (index < middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  return ranges.reverse();
}

/** RFC 6962 §2.1.2, SUBPROOF, without its recursion: from the old tree's right edge up. */
function consistencyRanges(oldSize: number, newSize: number): Range[] {
  if (oldSize === 0) return [];
  const ranges: Range[] = [];
  let [from, to] = [0, newSize];
  while (to !== oldSize) {
    const middle = from + largestPowerBelow(to - from);
    if (oldSize <= middle) {
      ranges.push({ from: middle, to });
      to = middle;
    } else {
      ranges.push({ from, to: middle });
      from = middle;
    }
  }
  // From leaf 0 on, what is left is the whole old tree, whose root the verifier has.
  if (from > 0) ranges.push({ from, to });
  return ranges.reverse();
}

/** One reading for all of them, so that a reader can fetch what it needs at once. */
async function hashesOfRanges(ranges: readonly Range[], read: HashReader): Promise<Uint8Array[]> {
  const parts = ranges.map(completeSubtrees);
  const hashes = await read(parts.flat());
  let next = 0;
  return parts.map(({ length }) => {
    next += length;
    return foldRight(hashes.slice(next - length, next));
  });
}

/** The complete subtrees that make up a range, left to right: each is the largest that fits. */
function completeSubtrees({ from, to }: Range): TreeNode[] {
  const nodes: TreeNode[] = [];
  let start = from;
  while (start < to) {
    let [level, width] = [0, 1];
    while (start % (width * 2) === 0 && start + width * 2 <= to) {
      level += 1;
      width *= 2;
    }
    nodes.push({ level, index: start / width });
    start += width;
  }
  return nodes;
}

/** Numbers up to 2**53 have no bit operations; a loop has no rounding. */
function largestPowerBelow(n: number): number {
  let power = 1;
  while (power * 2 < n) power *= 2;
  return power;
}

function requireTreeSize(size: number): void {
  if (isTreeSize(size)) return;
  throw new DomainError(
    'TOO_LARGE',
    `${size} is no tree size: it is an integer from 0 to ${MAX_TREE_SIZE}.`,
    {
      next: 'Find out who claims a log of that size.',
    },
  );
}
