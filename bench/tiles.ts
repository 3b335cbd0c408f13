import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createIntegrator, type Integrator } from '../activities/integrate.ts';
import type { LogEntries } from '../activities/ports/log-entries.ts';
import type { TileStore } from '../activities/ports/tile-store.ts';
import { createTileReader } from '../activities/tile-reader.ts';
import { logOrigin } from '../domain/log/checkpoint.ts';
import { inclusionProof, judgeInclusion, leafHash } from '../domain/log/merkle-tree.ts';
import { createHashReader } from '../domain/log/tiles.ts';
import { createFileTileStore } from '../infra/files/file-tile-store.ts';
import { openNoteSigner } from '../infra/keys/note-signer.ts';
import { generatePersonKey } from '../infra/keys/person-keys.ts';
import { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
import { amountOf, type Run, roundsOf } from './part.ts';
import type { Finding, Measured } from './report.ts';
import { median, quantile } from './statistics.ts';
import { buildTessera, runTessera, type TesseraFigures } from './tessera.ts';

const ROUNDS = 3;
const ENTRIES = 20_000;
const CALLERS = 1024;
const LONELY_ENTRIES = 100;
/** About a signed statement in its envelope. */
const ENTRY_BYTES = 1024;
const PROOFS = 200;
const PROOF_LIMIT_MS = 5;

interface Round {
  perSecond: number;
  lonelyMs: number;
  proofMs: number[];
  tessera: TesseraFigures | null;
}

/**
 * Our integration into a folder beside Tessera's POSIX driver, both writing durable tiles to the same disk, a key in
 * the process and no witness. Every caller brings one entry at a time and waits until it is in the tree.
 */
export async function measureTiles(run: Run): Promise<Measured> {
  const home = await mkdtemp(join(tmpdir(), 'resilience-bench-tiles-'));
  try {
    const program = buildTessera(home, run);
    const rounds: Round[] = [];
    const size = { entries: amountOf(run, ENTRIES), callers: CALLERS, lonely: amountOf(run, LONELY_ENTRIES) };
    for (let round = 0; round < roundsOf(run, ROUNDS); round += 1) {
      const folder = join(home, String(round));
      const tessera = program === null ? null : runTessera(program, join(folder, 'tessera'), size);
      rounds.push({ ...(await measureOurs(join(folder, 'ours'), size)), tessera });
      run.say(
        `tiles: ${Math.round(rounds.at(-1)?.perSecond ?? 0)}/s, Tessera ${Math.round(tessera?.perSecond ?? 0)}/s`,
      );
    }
    return { findings: findingsOf(rounds), figures: figuresOf(rounds) };
  } finally {
    await rm(home, { recursive: true, force: true });
  }
}

function findingsOf(rounds: readonly Round[]): Finding[] {
  const beside = rounds.flatMap(({ tessera, ...ours }) => (tessera === null ? [] : { ours, tessera }));
  const proofMs = rounds.flatMap((round) => round.proofMs);
  const peers: Finding[] = [
    {
      name: `12 tiles: entries/s of ${CALLERS} callers / Tessera POSIX`,
      ratio: median(beside.map(({ ours, tessera }) => ours.perSecond / tessera.perSecond)),
      bound: 'min',
      target: 1,
    },
    {
      name: '12 tiles: p50 of a lonely entry / Tessera POSIX, published',
      ratio: median(beside.map(({ ours, tessera }) => ours.lonelyMs / tessera.lonelyPublishedMs)),
      bound: 'max',
      target: 0.2,
    },
  ];
  return [
    ...(beside.length > 0 ? peers : []),
    {
      name: `13 one inclusion proof, p99 / ${PROOF_LIMIT_MS} ms`,
      ratio: quantile(proofMs, 0.99) / PROOF_LIMIT_MS,
      bound: 'max',
      target: 1,
    },
  ];
}

function figuresOf(rounds: readonly Round[]): Measured['figures'] {
  const proofMs = rounds.flatMap((round) => round.proofMs);
  const theirs = rounds.flatMap(({ tessera }) => tessera ?? []);
  return {
    'tiles, entries per second': median(rounds.map(({ perSecond }) => perSecond)),
    'tiles, lonely entry published, p50 ms': median(rounds.map(({ lonelyMs }) => lonelyMs)),
    'inclusion proof, p50 ms': median(proofMs),
    'inclusion proof, p99 ms': quantile(proofMs, 0.99),
    ...(theirs.length === 0
      ? {}
      : {
          'Tessera, entries per second': median(theirs.map(({ perSecond }) => perSecond)),
          'Tessera, lonely entry integrated, p50 ms': median(theirs.map((one) => one.lonelyIntegratedMs)),
          'Tessera, lonely entry published, p50 ms': median(theirs.map((one) => one.lonelyPublishedMs)),
        }),
  };
}

async function measureOurs(
  folder: string,
  { entries, callers, lonely }: { entries: number; callers: number; lonely: number },
): Promise<Omit<Round, 'tessera'>> {
  const { log, integrator, tiles } = await openTiles(folder);
  const floodMs = await elapsedMs(() =>
    Promise.all(
      Array.from({ length: callers }, async () => {
        while (log.size < entries) {
          log.size += 1;
          await integrator.integrate();
        }
      }),
    ),
  );
  const lonelyMs: number[] = [];
  for (let i = 0; i < lonely; i += 1) {
    log.size += 1;
    lonelyMs.push(await elapsedMs(() => integrator.integrate()));
  }
  const { checkpoint } = await integrator.integrate();
  return {
    perSecond: entries / (floodMs / 1000),
    lonelyMs: median(lonelyMs),
    proofMs: await measureProofs(tiles, checkpoint),
  };
}

async function measureProofs(tiles: TileStore, { size, root }: { size: number; root: Uint8Array }) {
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
  return proofMs;
}

async function openTiles(
  folder: string,
): Promise<{ log: LogEntries & { size: number }; integrator: Integrator; tiles: TileStore }> {
  const tiles = createFileTileStore(folder);
  const keyFile = `${folder}.pem`;
  await writeFile(keyFile, generatePersonKey().privateKeyPem, { mode: 0o600 });
  const { key, signer } = openNoteSigner('ed25519', logOrigin('bench'), keyFile);
  const log = growingLog();
  const integrator = createIntegrator({
    ...{ entries: log, tiles, logKey: key, signer, witnesses: [], threshold: 0, verify: verifyEd25519 },
    clock: { nowMs: () => Date.now() },
  });
  return { log, integrator, tiles };
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
