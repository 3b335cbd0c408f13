import { DomainError, PortError } from '../domain/errors.ts';
import { type Checkpoint, parseCheckpoint } from '../domain/log/checkpoint.ts';
import { consistencyProof, inclusionProof, judgeInclusion, sameBytes } from '../domain/log/merkle-tree.ts';
import { decodeNote, type NoteKey, type VerifyEd25519 } from '../domain/log/signed-note.ts';
import { createHashReader, type Tile, tilePath } from '../domain/log/tiles.ts';
import { type CheckpointReason, judgeCheckpoint } from '../domain/log/verify-checkpoint.ts';
import { CHECKPOINT_PATH } from './integrate.ts';
import type { Clock } from './ports/clock.ts';
import type { TileStore } from './ports/tile-store.ts';
import type { WitnessMemory } from './ports/witness-memory.ts';
import { createTileReader } from './tile-reader.ts';

export interface CosignedLogPorts {
  tiles: Pick<TileStore, 'get'>;
  /** The log keeps its key. */
  logKey: NoteKey;
  /** The keys that the trust document in force lists, and how many of the witnesses must have cosigned. */
  witnesses(): { keys: readonly NoteKey[]; threshold: number };
  verify: VerifyEd25519;
  clock: Clock;
  /** Of the last checkpoint accepted, so that a restart does not make its holder believe a shorter log. */
  memory: WitnessMemory;
}

/** The log as its witnesses have seen it (DESIGN §7, G8 and G9). */
export interface CosignedLog {
  /**
   * Resolves when a published checkpoint covers the entry `index` with this leaf: cosigned by enough witnesses within
   * the last five minutes, by their own time, and a continuation of the last checkpoint accepted here. Throws
   * `WITNESS_UNAVAILABLE` while none does, `LOG_FORKED` when what is published is another history, what the store
   * throws, and `DIGEST_MISMATCH` when the memory was changed.
   */
  requireEntry(index: number, leaf: Uint8Array | null): Promise<void>;
}

/** How old a witness's word may be. The orchestrator renews it ten times in that while. */
const MAX_AGE_MS = 5 * 60_000;

type TileCache = Map<string, Promise<Uint8Array>>;

interface Accepted {
  bytes: Uint8Array;
  checkpoint: Checkpoint;
  tiles: TileCache;
}

/** Believes nothing that the store says before signatures and proofs have shown it. */
export function createCosignedLog(ports: CosignedLogPorts): CosignedLog {
  let accepted: Accepted | null = null;
  let last: Promise<unknown> = Promise.resolve();
  let waiting: Promise<Accepted> | undefined;

  async function accept(): Promise<Accepted> {
    const previous = accepted ?? (await recall(ports));
    const stored = await ports.tiles.get(CHECKPOINT_PATH);
    if (!stored) throw uncovered('The log has no published checkpoint');
    const { bytes } = stored;
    const isNew = previous === null || !sameBytes(previous.bytes, bytes);
    const tiles = isNew ? fullTiles(previous) : previous.tiles;
    const checkpoint = await judge(ports, bytes, previous, tiles);
    if (isNew) await ports.memory.keep(ports.logKey.name, bytes);
    accepted = { bytes, checkpoint, tiles };
    return accepted;
  }

  return {
    async requireEntry(index, leaf) {
      // One reading that has not begun yet serves everyone who asks until it begins: never an older one after a newer.
      waiting ??= last.then(() => {
        waiting = undefined;
        return accept();
      });
      last = waiting.catch(() => {});
      const seen = await waiting;
      try {
        await requireInclusion(ports, seen, index, leaf);
      } catch (error) {
        // A tile that proves nothing may be mended in the store.
        seen.tiles.clear();
        throw error;
      }
    },
  };
}

/** The checkpoint, if these bytes are one that may follow the previous one. */
async function judge(
  ports: CosignedLogPorts,
  bytes: Uint8Array,
  previous: Accepted | null,
  tiles: TileCache,
): Promise<Checkpoint> {
  const { logKey, verify, clock } = ports;
  const { keys: witnessKeys, threshold } = ports.witnesses();
  const { size } = parseCheckpoint(decodeNote(bytes).text);
  const from = previous?.checkpoint.size ?? 0;
  const proof =
    size > from ? await proving(() => consistencyProof(from, size, reader(ports, size, tiles))) : [];
  const verdict = judgeCheckpoint(bytes, {
    ...{ logKey, witnessKeys, threshold, verify, proof },
    previous: previous?.checkpoint,
    nowMs: clock.nowMs(),
    maxAgeMs: MAX_AGE_MS,
  });
  if (verdict.ok) return verdict.checkpoint;
  throw unbelieved(verdict.reasons);
}

async function requireInclusion(
  ports: CosignedLogPorts,
  { checkpoint, tiles }: Accepted,
  index: number,
  leaf: Uint8Array | null,
): Promise<void> {
  const { size, root } = checkpoint;
  if (index >= size) throw uncovered(`The published checkpoint covers ${size} entries, not entry ${index}`);
  if (leaf === null) {
    throw new DomainError('BUNDLE_INCOMPLETE', `Entry ${index} is no honoured intent of an open change.`, {
      next: 'Order the stage through its workflow.',
    });
  }
  const proof = await proving(() => inclusionProof(index, size, reader(ports, size, tiles)));
  const why = judgeInclusion({ index, size, leaf, proof, root });
  if (why === null) return;
  throw new PortError(
    'LOG_FORKED',
    `The cosigned log of ${size} entries has another entry ${index}: ${why}.`,
    {
      next: PAGE,
    },
  );
}

/** The last checkpoint accepted before this process started, believed by the log's own signature. */
async function recall({ memory, logKey, verify }: CosignedLogPorts): Promise<Accepted | null> {
  const bytes = await memory.last(logKey.name);
  if (!bytes) return null;
  const whenever = { threshold: 0, nowMs: 0, maxAgeMs: Number.POSITIVE_INFINITY };
  const verdict = judgeCheckpoint(bytes, { logKey, witnessKeys: [], verify, ...whenever });
  if (verdict.ok) return { bytes, checkpoint: verdict.checkpoint, tiles: new Map() };
  throw new DomainError('DIGEST_MISMATCH', `The memory of ${logKey.name} is not what was kept here.`, {
    next: 'Restore it from a copy, and find out who changed it. Without it the next checkpoint is believed blindly.',
    reasons: verdict.reasons.map(({ message }) => message),
  });
}

function reader({ tiles }: CosignedLogPorts, size: number, cache: TileCache) {
  const read = createTileReader(tiles);
  return createHashReader(size, (tile: Tile) => {
    const path = tilePath(tile);
    const reading = cache.get(path) ?? read(tile);
    cache.set(path, reading);
    return reading;
  });
}

/** Those never change; partial ones are of one size. */
function fullTiles(previous: Accepted | null): TileCache {
  const partial = /\.p\/\d+$/;
  return new Map([...(previous?.tiles ?? [])].filter(([path]) => !partial.test(path)));
}

/** A checkpoint covers only what is durable: a tile that is not there was taken away, and may be brought back. */
async function proving(proof: () => Promise<Uint8Array[]>): Promise<Uint8Array[]> {
  try {
    return await proof();
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'NOT_FOUND') throw error;
    throw new PortError('STORE_UNAVAILABLE', error.message, error.details, error);
  }
}

const PAGE =
  'Page: keep the checkpoint and its tiles; nothing moves forward until it is known who rewrote the log.';

function unbelieved(reasons: readonly CheckpointReason[]): PortError {
  const messages = reasons.map(({ message }) => message).join(' ');
  const missing = reasons.every(({ code }) => code === 'QUORUM_LOST');
  if (missing) return uncovered(messages.replace(/\.$/, ''));
  return new PortError('LOG_FORKED', `The published checkpoint is not to be believed. ${messages}`, {
    next: PAGE,
  });
}

function uncovered(why: string): PortError {
  return new PortError('WITNESS_UNAVAILABLE', `${why}: forward motion waits for a cosigned checkpoint.`, {
    next: 'Check that witness and orchestrator run; it goes on by itself. A rollback does not wait for it.',
  });
}
