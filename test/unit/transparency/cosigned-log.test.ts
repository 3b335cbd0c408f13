import { expect, test } from 'vitest';
import { createCosignedLog } from '../../../activities/cosigned-log.ts';
import { CHECKPOINT_PATH, createIntegrator } from '../../../activities/integrate.ts';
import type { Witness } from '../../../activities/ports/witness.ts';
import { cosignNote, logOrigin } from '../../../domain/log/checkpoint.ts';
import { leafHash } from '../../../domain/log/merkle-tree.ts';
import { decodeNote, encodeNote } from '../../../domain/log/signed-note.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import { createMemoryEntries, createMemoryTiles } from '../../support/memory-tiles.ts';
import { entriesOf } from '../../support/merkle.ts';
import { noteSigner } from '../../support/note-keys.ts';

const NOW_MS = Date.parse('2026-01-01T00:00:00Z');
const MINUTE_MS = 60_000;
const log = noteSigner('ed25519', logOrigin('prod'), 'log');
const witness = noteSigner('cosignature/v1', 'witness');

/** A log, an integrator whose witness cosigns whatever it gets, and whoever demands proof. */
function world() {
  const clock = { ms: NOW_MS, nowMs: () => clock.ms };
  const entries = createMemoryEntries();
  const tiles = createMemoryTiles();
  const kept = new Map<string, Uint8Array>();
  const memory = {
    last: async (origin: string) => kept.get(origin) ?? null,
    keep: async (origin: string, bytes: Uint8Array) => void kept.set(origin, bytes),
  };
  const gullible: Witness = {
    addCheckpoint: async ({ text }) => ({
      cosignatures: [await cosignNote(text, witness.key, Math.floor(clock.ms / 1000), witness.sign)],
    }),
  };
  const keys = { logKey: log.key, threshold: 1, verify: verifyEd25519, clock };
  const integratorOf = (store = tiles, source = entries) =>
    createIntegrator({
      ...keys,
      ...{ entries: source, tiles: store, signer: { sign: log.sign } },
      witnesses: [{ key: witness.key, witness: gullible }],
    });
  const read: string[] = [];
  const counted = {
    get: (path: string) => {
      read.push(path);
      return tiles.get(path);
    },
  };
  const open = () =>
    createCosignedLog({
      ...keys,
      tiles: counted,
      witnesses: () => ({ keys: [witness.key], threshold: keys.threshold }),
      memory,
    });
  const leafOf = (index: number) => leafHash(entries.entries[index] ?? new Uint8Array());
  return { clock, entries, tiles, kept, read, integratorOf, open, leafOf };
}

/** What another history publishes, signed and cosigned, in place of this one. */
async function publishInstead(scene: ReturnType<typeof world>, others: Uint8Array[]): Promise<void> {
  const elsewhere = createMemoryTiles();
  await scene.integratorOf(elsewhere, createMemoryEntries(others)).integrate();
  for (const [path, bytes] of elsewhere.files) scene.tiles.files.set(path, bytes);
}

test('an entry is covered from the checkpoint that covers it on, over tiles of every level', async () => {
  const scene = world();
  scene.entries.entries.push(...entriesOf(600));
  const { integrate } = scene.integratorOf();
  await integrate();
  const cosigned = scene.open();
  for (const index of [0, 255, 256, 599]) await cosigned.requireEntry(index, scene.leafOf(index));
  scene.entries.entries.push(...entriesOf(700).slice(600));
  await expect(cosigned.requireEntry(600, scene.leafOf(600))).rejects.toMatchObject({
    code: 'WITNESS_UNAVAILABLE',
    message: expect.stringContaining('covers 600 entries, not entry 600'),
  });
  await integrate();
  await Promise.all([600, 650, 699].map((index) => cosigned.requireEntry(index, scene.leafOf(index))));
});

test('those who ask together read the checkpoint once, and nothing is read twice under one checkpoint', async () => {
  const scene = world();
  scene.entries.entries.push(...entriesOf(300));
  await scene.integratorOf().integrate();
  const cosigned = scene.open();
  await Promise.all([1, 2, 299].map((index) => cosigned.requireEntry(index, scene.leafOf(index))));
  expect(scene.read.filter((path) => path === CHECKPOINT_PATH)).toHaveLength(1);
  await cosigned.requireEntry(298, scene.leafOf(298));
  const tiles = scene.read.filter((path) => path !== CHECKPOINT_PATH);
  expect(new Set(tiles).size).toBe(tiles.length);
});

test('nothing published, nothing proven', async () => {
  await expect(world().open().requireEntry(0, leafHash(new Uint8Array()))).rejects.toMatchObject({
    code: 'WITNESS_UNAVAILABLE',
  });
});

test('no leaf is no intent', async () => {
  const scene = world();
  scene.entries.entries.push(...entriesOf(3));
  await scene.integratorOf().integrate();
  await expect(scene.open().requireEntry(1, null)).rejects.toMatchObject({ code: 'BUNDLE_INCOMPLETE' });
});

test("the witness's word is good for five minutes of its own time", async () => {
  const scene = world();
  scene.entries.entries.push(...entriesOf(3));
  await scene.integratorOf().integrate();
  const cosigned = scene.open();
  scene.clock.ms += 5 * MINUTE_MS;
  await cosigned.requireEntry(1, scene.leafOf(1));
  scene.clock.ms += 1;
  await expect(cosigned.requireEntry(1, scene.leafOf(1))).rejects.toMatchObject({
    code: 'WITNESS_UNAVAILABLE',
    message: expect.stringContaining('at most 300000 ms'),
  });
});

test('a checkpoint that only the log signed is not enough', async () => {
  const scene = world();
  scene.entries.entries.push(...entriesOf(3));
  const { bytes } = await scene.integratorOf().integrate();
  const { text, signatures } = decodeNote(bytes);
  scene.tiles.files.set(CHECKPOINT_PATH, encodeNote({ text, signatures: signatures.slice(0, 1) }));
  await expect(scene.open().requireEntry(1, scene.leafOf(1))).rejects.toMatchObject({
    code: 'WITNESS_UNAVAILABLE',
    message: expect.stringContaining('0 of 1 witnesses'),
  });
});

test.each([
  ['longer', 6, /not shown to continue/],
  ['as long', 4, /different roots/],
  ['shorter', 3, /the one accepted before has 4/],
])('another history that is %s is refused, also after a restart', async (_, size, message) => {
  const scene = world();
  scene.entries.entries.push(...entriesOf(4));
  await scene.integratorOf().integrate();
  const cosigned = scene.open();
  await cosigned.requireEntry(1, scene.leafOf(1));
  await publishInstead(scene, entriesOf(size + 1).slice(1));
  const refusal = { code: 'LOG_FORKED', message: expect.stringMatching(message) };
  await expect(cosigned.requireEntry(1, scene.leafOf(1))).rejects.toMatchObject(refusal);
  await expect(scene.open().requireEntry(1, scene.leafOf(1))).rejects.toMatchObject(refusal);
  // Without a cosignature too: what is missing does not hide what is wrong.
  const { text, signatures } = decodeNote(scene.tiles.files.get(CHECKPOINT_PATH) ?? new Uint8Array());
  scene.tiles.files.set(CHECKPOINT_PATH, encodeNote({ text, signatures: signatures.slice(0, 1) }));
  await expect(cosigned.requireEntry(1, scene.leafOf(1))).rejects.toMatchObject(refusal);
});

test('an entry of other bytes than those that were folded is refused', async () => {
  const scene = world();
  scene.entries.entries.push(...entriesOf(4));
  await scene.integratorOf().integrate();
  await expect(scene.open().requireEntry(1, scene.leafOf(2))).rejects.toMatchObject({
    code: 'LOG_FORKED',
    message: expect.stringContaining('another entry 1'),
  });
});

test('a tile that is gone or broken stops it until the tile is back', async () => {
  const scene = world();
  scene.entries.entries.push(...entriesOf(4));
  await scene.integratorOf().integrate();
  const cosigned = scene.open();
  const path = 'tile/0/000.p/4';
  const tile = scene.tiles.files.get(path) ?? new Uint8Array();
  scene.tiles.files.delete(path);
  await expect(cosigned.requireEntry(1, scene.leafOf(1))).rejects.toMatchObject({ kind: 'unavailable' });
  scene.tiles.files.set(
    path,
    tile.map((byte) => byte ^ 1),
  );
  await expect(cosigned.requireEntry(1, scene.leafOf(1))).rejects.toMatchObject({ code: 'LOG_FORKED' });
  scene.tiles.files.set(path, tile);
  await cosigned.requireEntry(1, scene.leafOf(1));
});

test('a memory that somebody changed is not believed', async () => {
  const scene = world();
  scene.entries.entries.push(...entriesOf(4));
  await scene.integratorOf().integrate();
  await scene.open().requireEntry(1, scene.leafOf(1));
  const [[origin, bytes] = ['', new Uint8Array()]] = [...scene.kept];
  scene.kept.set(origin, new TextEncoder().encode(new TextDecoder().decode(bytes).replace('\n4\n', '\n3\n')));
  await expect(scene.open().requireEntry(1, scene.leafOf(1))).rejects.toMatchObject({
    code: 'DIGEST_MISMATCH',
  });
});
