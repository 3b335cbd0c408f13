import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIntegrator } from '../activities/integrate.ts';
import type { LogEntries } from '../activities/ports/log-entries.ts';
import { createTileReader } from '../activities/tile-reader.ts';
import { logOrigin } from '../domain/log/checkpoint.ts';
import { inclusionProof, judgeInclusion, leafHash } from '../domain/log/merkle-tree.ts';
import { createHashReader } from '../domain/log/tiles.ts';
import { createFileTileStore } from '../infra/files/file-tile-store.ts';
import { openNoteSigner } from '../infra/keys/note-signer.ts';
import { generatePersonKey } from '../infra/keys/person-keys.ts';
import { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
import { quantile } from './statistics.ts';

const ENTRIES = 100_000;
/** About a signed statement in its envelope. */
const ENTRY_BYTES = 1024;
const LONELY_APPENDS = 200;
const PROOFS = 200;

export interface TransparencyFigures {
  entries: number;
  /** Integrating all of them into an empty folder, every file synced, checkpoint included. */
  entriesPerSecond: number;
  /** One entry appended to that log, until a checkpoint on disk covers it. */
  lonelyAppendP50Ms: number;
  /** One inclusion proof from the folder's tiles, made and verified. */
  proofP50Ms: number;
  proofP99Ms: number;
}

/** Integrates into a temporary folder: hashing, tiles and signature, without a witness, S3 or KMS. */
export async function measureTransparency(): Promise<TransparencyFigures> {
  const folder = await mkdtemp(join(tmpdir(), 'resilience-bench-'));
  try {
    return await measureIn(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function measureIn(folder: string): Promise<TransparencyFigures> {
  const keyFile = join(folder, 'log.pem');
  await writeFile(keyFile, generatePersonKey().privateKeyPem, { mode: 0o600 });
  const { key, signer } = openNoteSigner('ed25519', logOrigin('bench'), keyFile);
  const tiles = createFileTileStore(join(folder, 'log'));
  const log = growingLog();
  const integrator = createIntegrator({
    entries: log,
    tiles,
    logKey: key,
    signer,
    witnesses: [],
    threshold: 0,
    verify: verifyEd25519,
    clock: { nowMs: () => Date.now() },
  });
  log.size = ENTRIES;
  const floodMs = await elapsedMs(() => integrator.integrate());
  const lonelyMs: number[] = [];
  for (let i = 0; i < LONELY_APPENDS; i += 1) {
    log.size += 1;
    lonelyMs.push(await elapsedMs(() => integrator.integrate()));
  }
  const { checkpoint } = await integrator.integrate();
  const { size, root } = checkpoint;
  const proofMs: number[] = [];
  for (let i = 0; i < PROOFS; i += 1) {
    const index = (i * 7919) % size;
    proofMs.push(
      await elapsedMs(async () => {
        const proof = await inclusionProof(index, size, createHashReader(size, createTileReader(tiles)));
        const why = judgeInclusion({ index, size, leaf: leafHash(entryAt(index)), proof, root });
        if (why !== null) throw new Error(`the proof of entry ${index} does not verify: ${why}`);
      }),
    );
  }
  return {
    entries: ENTRIES,
    entriesPerSecond: Math.round(ENTRIES / (floodMs / 1000)),
    lonelyAppendP50Ms: quantile(lonelyMs, 0.5),
    proofP50Ms: quantile(proofMs, 0.5),
    proofP99Ms: quantile(proofMs, 0.99),
  };
}

function growingLog(): LogEntries & { size: number } {
  return {
    size: 0,
    async *from(index) {
      for (let i = index; i < this.size; i += 1) yield entryAt(i);
    },
  };
}

function entryAt(index: number): Uint8Array {
  const entry = new Uint8Array(ENTRY_BYTES);
  new DataView(entry.buffer).setUint32(0, index);
  return entry;
}

async function elapsedMs(act: () => Promise<unknown>): Promise<number> {
  const startedMs = performance.now();
  await act();
  return performance.now() - startedMs;
}
