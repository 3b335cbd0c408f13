import type { StoredObjects } from '../activities/ports/stored-objects.ts';
import { sameBytes } from '../domain/log/merkle-tree.ts';
import { decodeEntryBundle, tileAt, tilePath } from '../domain/log/tiles.ts';

type ReadTile = (path: string) => Promise<Uint8Array | null>;

/** The first entry that the published bundles hold otherwise than the log; null when they do not say. */
export async function firstDifference(
  objects: StoredObjects,
  tile: ReadTile,
  size: number,
): Promise<number | null> {
  const bundles = bundlesOf(tile, size);
  for await (const { entries } of objects.log()) {
    for (const bytes of entries) {
      const { value, done } = await bundles.next();
      if (done) return null;
      if (!sameBytes(value.bytes, bytes)) return value.index;
    }
  }
  return null;
}

async function* bundlesOf(
  tile: ReadTile,
  size: number,
): AsyncGenerator<{ index: number; bytes: Uint8Array }, undefined> {
  let index = 0;
  for (let position = 0; ; position += 1) {
    const bundle = tileAt('entries', position, size);
    const stored = bundle && (await tile(tilePath(bundle)));
    if (!bundle || !stored) return undefined;
    for (const bytes of decodeEntryBundle(stored, bundle)) {
      yield { index, bytes };
      index += 1;
    }
  }
}
