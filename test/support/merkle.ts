import { createHash } from 'node:crypto';
import type { HashReader } from '../../domain/log/merkle-tree.ts';

/** The tree as RFC 6962 §2.1 defines it, by recursion and with another SHA-256: what tests compare with. */

const sha256 = (...parts: Uint8Array[]) =>
  new Uint8Array(createHash('sha256').update(Buffer.concat(parts)).digest());

export function naiveLeaf(entry: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(0), entry);
}

export function naiveNode(left: Uint8Array, right: Uint8Array): Uint8Array {
  return sha256(Uint8Array.of(1), left, right);
}

/** Of the leaves `from` up to `to`; each range of one array is hashed once. */
export function naiveRoot(entries: readonly Uint8Array[], from = 0, to = entries.length): Uint8Array {
  const known = hashed.get(entries) ?? new Map<string, Uint8Array>();
  hashed.set(entries, known);
  const root = known.get(`${from}-${to}`) ?? hashRange(entries, from, to);
  known.set(`${from}-${to}`, root);
  return root;
}

const hashed = new WeakMap<readonly Uint8Array[], Map<string, Uint8Array>>();

function hashRange(entries: readonly Uint8Array[], from: number, to: number): Uint8Array {
  const only = entries[from];
  if (from === to || !only) return sha256();
  if (to - from === 1) return naiveLeaf(only);
  const middle = from + split(to - from);
  return naiveNode(naiveRoot(entries, from, middle), naiveRoot(entries, middle, to));
}

/** §2.1.1, PATH. */
export function naiveInclusion(
  index: number,
  entries: readonly Uint8Array[],
  from = 0,
  to = entries.length,
): Uint8Array[] {
  if (to - from <= 1) return [];
  const middle = from + split(to - from);
  return index < middle
    ? [...naiveInclusion(index, entries, from, middle), naiveRoot(entries, middle, to)]
    : [...naiveInclusion(index, entries, middle, to), naiveRoot(entries, from, middle)];
}

/** §2.1.2, PROOF. */
export function naiveConsistency(size: number, entries: readonly Uint8Array[]): Uint8Array[] {
  const subproof = (from: number, to: number, whole: boolean): Uint8Array[] => {
    if (size === to) return whole ? [] : [naiveRoot(entries, from, to)];
    const middle = from + split(to - from);
    return size <= middle
      ? [...subproof(from, middle, whole), naiveRoot(entries, middle, to)]
      : [...subproof(middle, to, false), naiveRoot(entries, from, middle)];
  };
  return size === 0 ? [] : subproof(0, entries.length, true);
}

/** Hashes of complete subtrees, made from the entries anew each time. */
export function readerOf(entries: readonly Uint8Array[]): HashReader {
  return async (nodes) =>
    nodes.map(({ level, index }) => naiveRoot(entries, index * 2 ** level, (index + 1) * 2 ** level));
}

export function entriesOf(count: number): Uint8Array[] {
  return Array.from({ length: count }, (_, i) => new TextEncoder().encode(`entry ${i}`));
}

export const hex = (bytes: Uint8Array | undefined) => Buffer.from(bytes ?? []).toString('hex');
export const bytesOf = (text: string) => new Uint8Array(Buffer.from(text, 'hex'));

function split(n: number): number {
  let k = 1;
  while (k * 2 < n) k *= 2;
  return k;
}
