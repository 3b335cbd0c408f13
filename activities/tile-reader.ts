import { PortError } from '../domain/errors.ts';
import { type Tile, tilePath } from '../domain/log/tiles.ts';
import type { TileStore } from './ports/tile-store.ts';

/**
 * Reads tiles and bundles, for `createHashReader` and whoever makes proofs of it. Throws `NOT_FOUND` for one that is
 * not there, and what the store throws.
 */
export function createTileReader(tiles: Pick<TileStore, 'get'>): (tile: Tile) => Promise<Uint8Array> {
  return async (tile) => {
    const path = tilePath(tile);
    const stored = await tiles.get(path);
    if (stored) return stored.bytes;
    throw new PortError('NOT_FOUND', `The tile ${path} is not in the store.`, {
      next: 'Ask for a size that a checkpoint covers; if one does, restore the tile from another copy.',
    });
  };
}
