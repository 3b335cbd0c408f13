import { PortError } from '../domain/errors.ts';
import type { Signer } from '../domain/evidence/dsse.ts';
import { type Checkpoint, formatCheckpoint, signNote } from '../domain/log/checkpoint.ts';
import { consistencyProof, type HashReader, sameBytes, treeRoot } from '../domain/log/merkle-tree.ts';
import { encodeNote, type NoteKey } from '../domain/log/signed-note.ts';
import { createHashReader } from '../domain/log/tiles.ts';
import {
  EMPTY_EDGE,
  edgeRoot,
  edgeTile,
  growTree,
  openEdge,
  partialFiles,
  type TileFile,
  type TreeEdge,
} from '../domain/log/tree-edge.ts';
import { type CheckpointVerdict, judgeCheckpoint } from '../domain/log/verify-checkpoint.ts';
import { cosign, type WitnessPorts } from './cosign.ts';
import type { Clock } from './ports/clock.ts';
import type { LogEntries } from './ports/log-entries.ts';
import type { TileStore } from './ports/tile-store.ts';
import { createTileReader } from './tile-reader.ts';

export interface IntegrationPorts extends WitnessPorts {
  entries: LogEntries;
  tiles: TileStore;
  /** The log's own key; its name is the origin. */
  logKey: NoteKey;
  signer: Pick<Signer, 'sign'>;
  clock: Clock;
}

/** What the store serves as `checkpoint`. */
export interface Published {
  checkpoint: Checkpoint;
  bytes: Uint8Array;
}

export interface Integrator {
  /**
   * Brings the tiles up to the log's head and publishes a cosigned checkpoint of it: when it resolves, everything that
   * was in the log when it was called is covered. Calls at the same time share one run. With nothing new it publishes
   * only to renew the cosignatures. Throws `WITNESS_UNAVAILABLE` when too few witnesses cosigned (the tiles are there,
   * the old checkpoint stands), `LOG_FORKED`, and what the ports throw; calling again is always safe.
   */
  integrate(): Promise<Published>;
}

/** The store's name for the checkpoint: C2SP tlog-tiles. */
export const CHECKPOINT_PATH = 'checkpoint';
/** Cosignatures of an idle log are renewed when they are so old, long before a reader finds them stale. */
export const RENEW_AFTER_MS = 30_000;
/** Entries that are hashed before their tiles are put: 16 full tiles, which bounds memory. */
const BATCH_ENTRIES = 4096;
/** Others may integrate the same log at the same time; whoever loses so often in a row gives up. */
const MAX_LOST_RACES = 16;

/** What a run builds upon: tiles that are durable, and the checkpoint that was last seen. */
interface Base {
  edge: TreeEdge;
  published: (Published & { version: string }) | null;
}

/**
 * Derives the tiled log from the log: see infra/aws/README.md, "Life of a leaf". All of it can be thrown away and made
 * again; two at once write the same bytes; a checkpoint is signed only over what is durable.
 */
export function createIntegrator(ports: IntegrationPorts): Integrator {
  let base: Base | undefined;
  let last: Promise<unknown> = Promise.resolve();
  let waiting: Promise<Published> | undefined;

  async function run(): Promise<Published> {
    let cosignedSize = 0;
    for (let lost = 0; lost < MAX_LOST_RACES; lost += 1) {
      base ??= await openBase(ports, EMPTY_EDGE);
      base = { ...base, edge: await writeTiles(ports, base) };
      const { edge, published } = base;
      if (edge.size < cosignedSize) throw shortened(edge.size, cosignedSize);
      if (published?.checkpoint.size === edge.size && isFresh(ports, published.bytes)) return published;
      const next = await publish(ports, base);
      if (next && 'version' in next) {
        base = { edge, published: next };
        return next;
      }
      cosignedSize = next?.cosignedSize ?? 0;
      base = await openBase(ports, edge);
    }
    throw new PortError('STORE_UNAVAILABLE', `Others replaced the checkpoint ${MAX_LOST_RACES} times.`, {
      next: 'Run fewer integrators of this log, then try again.',
    });
  }

  return {
    integrate: () => {
      // A run that has not begun yet serves everyone who asks until it begins.
      waiting ??= last.then(() => {
        waiting = undefined;
        return run();
      });
      last = waiting.catch(() => {});
      return waiting;
    },
  };
}

/** Believes what is published only as far as this log's key signed it and the tiles prove it. */
async function openBase(ports: IntegrationPorts, edge: TreeEdge): Promise<Base> {
  const stored = await ports.tiles.get(CHECKPOINT_PATH);
  if (!stored) return { edge, published: null };
  const { bytes, version } = stored;
  const verdict = judge(ports, bytes, { threshold: 0, maxAgeMs: Number.POSITIVE_INFINITY });
  if (!verdict.ok) throw foreign(verdict.reasons.map(({ message }) => message).join(' '));
  const { checkpoint } = verdict;
  const { size, root } = checkpoint;
  const readTile = createTileReader(ports.tiles);
  const longer = size <= edge.size ? edge : await openEdge(size, readTile);
  const ownRoot = size < longer.size ? await treeRoot(size, hashReader(ports, longer)) : edgeRoot(longer);
  if (!sameBytes(ownRoot, root)) throw foreign(`The tiles of ${size} entries have another root.`);
  return { edge: longer, published: { checkpoint, bytes, version } };
}

async function writeTiles(ports: IntegrationPorts, { edge, published }: Base): Promise<TreeEdge> {
  const put = (files: readonly TileFile[]) =>
    Promise.all(files.map(({ path, bytes }) => ports.tiles.put(path, bytes)));
  let grown = edge;
  for await (const entries of inBatches(ports.entries.from(edge.size))) {
    const next = growTree(grown, entries);
    await put(next.full);
    grown = next.edge;
  }
  await put(partialFiles(grown, published?.checkpoint.size ?? 0));
  return grown;
}

/** Null when somebody else replaced the checkpoint meanwhile; a size when a witness has seen a longer log. */
async function publish(
  ports: IntegrationPorts,
  { edge, published }: Base,
): Promise<Base['published'] | { cosignedSize: number }> {
  const { logKey, signer, tiles } = ports;
  const { size } = edge;
  const checkpoint = { origin: logKey.name, size, root: edgeRoot(edge) };
  const text = formatCheckpoint(checkpoint);
  const signature = await signNote(text, logKey, (message) => signer.sign(message));
  const note = await cosign(
    ports,
    { text, signatures: [signature] },
    {
      size,
      since: published?.checkpoint.size ?? 0,
      proofFrom: (oldSize) => consistencyProof(oldSize, size, hashReader(ports, edge)),
    },
  );
  if ('cosignedSize' in note) return note;
  const bytes = encodeNote(note);
  const version = await tiles.replace(CHECKPOINT_PATH, bytes, published?.version ?? null);
  return version === null ? null : { checkpoint, bytes, version };
}

function isFresh(ports: IntegrationPorts, bytes: Uint8Array): boolean {
  return judge(ports, bytes, { threshold: ports.threshold, maxAgeMs: RENEW_AFTER_MS }).ok;
}

function judge(
  { logKey, witnesses, verify, clock }: IntegrationPorts,
  bytes: Uint8Array,
  wanted: { threshold: number; maxAgeMs: number },
): CheckpointVerdict {
  const witnessKeys = wanted.threshold === 0 ? [] : witnesses.map(({ key }) => key);
  return judgeCheckpoint(bytes, { logKey, witnessKeys, verify, nowMs: clock.nowMs(), ...wanted });
}

/** Most of what a proof needs is on the edge, which is in memory. */
function hashReader({ tiles }: IntegrationPorts, edge: TreeEdge): HashReader {
  const stored = createTileReader(tiles);
  return createHashReader(edge.size, async (tile) => edgeTile(edge, tile) ?? stored(tile));
}

async function* inBatches(entries: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array[]> {
  let batch: Uint8Array[] = [];
  for await (const entry of entries) {
    batch.push(entry);
    if (batch.length < BATCH_ENTRIES) continue;
    yield batch;
    batch = [];
  }
  if (batch.length > 0) yield batch;
}

const PAGE =
  'Page: the log, its tiles or its checkpoint were changed by somebody else; nothing is signed meanwhile.';

function foreign(why: string): PortError {
  return new PortError('LOG_FORKED', `The published checkpoint is not one of this log. ${why}`, {
    next: PAGE,
  });
}

function shortened(size: number, cosignedSize: number): PortError {
  return new PortError(
    'LOG_FORKED',
    `The log has ${size} entries, and a witness has cosigned ${cosignedSize} of it.`,
    { next: PAGE },
  );
}
