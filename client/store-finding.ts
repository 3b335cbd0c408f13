import { sameBytes } from '../domain/log/merkle-tree.ts';

/**
 * What is wrong with an object: `missing` (no version is left), `deleted` (behind a delete marker), `overwritten` (by
 * other bytes), `truncated` (by its own beginning), `altered` (no version is right), `disagrees` (it is what an entry
 * names, and says something else than the entries).
 */
export type Damage = 'missing' | 'deleted' | 'overwritten' | 'truncated' | 'altered' | 'disagrees';

export interface StoreFinding {
  /** In the bucket. */
  name: string;
  /** The entry that names it; of a log object its first; null for tiles and the checkpoint. */
  entry: number | null;
  damage: Damage;
  message: string;
  isRepaired: boolean;
  /** What is left to do; null when it is repaired. */
  next: string | null;
}

/** Damage by what is to be seen under the name, and by what should be. */
export function describeDamage(
  name: string,
  found: Uint8Array | null,
  right: Uint8Array | null,
  versionCount: number,
  wrong: (bytes: Uint8Array) => string | null,
): { damage: Damage; message: string } {
  if (found === null && versionCount === 0) {
    return { damage: 'missing', message: `${name} is not in the bucket, in no version.` };
  }
  if (found === null) {
    const rest = right === null ? ', and none of its versions is right' : '';
    return { damage: 'deleted', message: `${name} was deleted${rest}.` };
  }
  if (right === null) return { damage: 'altered', message: `${name} was changed: ${wrong(found)}.` };
  if (found.length < right.length && sameBytes(found, right.subarray(0, found.length))) {
    const message = `${name} was cut off: ${found.length} of ${right.length} bytes are there.`;
    return { damage: 'truncated', message };
  }
  return { damage: 'overwritten', message: `${name} was overwritten: ${wrong(found)}.` };
}

export const PAGE = 'Page whoever keeps the bucket.';
export const UNREPAIRABLE =
  'No version in the bucket is right: bring it back from an audit export or a backup, and find out who could destroy versions.';

export function finding(
  name: string,
  entry: number | null,
  damage: Damage,
  message: string,
  next: string,
): StoreFinding {
  return { name, entry, damage, message, isRepaired: false, next };
}
