import { describe, expect, test } from 'vitest';
import { createIntegrator, type IntegrationPorts, RENEW_AFTER_MS } from '../../../activities/integrate.ts';
import type { Witness } from '../../../activities/ports/witness.ts';
import type { WitnessMemory } from '../../../activities/ports/witness-memory.ts';
import { createTileReader } from '../../../activities/tile-reader.ts';
import { createCosigner } from '../../../activities/witness.ts';
import { PortError } from '../../../domain/errors.ts';
import { logOrigin, parseTreeSize } from '../../../domain/log/checkpoint.ts';
import { inclusionProof, judgeInclusion, leafHash } from '../../../domain/log/merkle-tree.ts';
import { encodeNote, type NoteKey, parseSignatureLines } from '../../../domain/log/signed-note.ts';
import { createHashReader, tilePath, tilesOfTree } from '../../../domain/log/tiles.ts';
import { judgeCheckpoint } from '../../../domain/log/verify-checkpoint.ts';
import { encodeAddCheckpoint } from '../../../domain/log/witness-request.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import { createMemoryEntries, createMemoryTiles, type MemoryTiles } from '../../support/memory-tiles.ts';
import { entriesOf, hex, naiveRoot } from '../../support/merkle.ts';
import { noteSigner } from '../../support/note-keys.ts';

const NOW_MS = Date.parse('2026-01-01T00:00:00Z');
const log = noteSigner('ed25519', logOrigin('prod'), 'log');

function memoryOf(): WitnessMemory & { kept: Map<string, Uint8Array> } {
  const kept = new Map<string, Uint8Array>();
  return {
    kept,
    last: async (origin) => kept.get(origin) ?? null,
    keep: async (origin, bytes) => void kept.set(origin, bytes),
  };
}

/** A real witness, called without HTTP in between. */
function witnessOf(name: string, clock = { nowMs: () => NOW_MS }, memory = memoryOf()) {
  const { key, sign } = noteSigner('cosignature/v1', name);
  const cosign = createCosigner({
    key,
    signer: { sign },
    logKeys: [log.key],
    memory,
    verify: verifyEd25519,
    clock,
  });
  const asked: number[] = [];
  const witness: Witness = {
    async addCheckpoint(note, oldSize, proof) {
      asked.push(oldSize);
      const answer = await cosign(encodeAddCheckpoint({ oldSize, proof, note: encodeNote(note) }));
      if (answer.status === 200) return { cosignatures: parseSignatureLines(answer.body) };
      if (answer.status === 409) return { cosignedSize: parseTreeSize(answer.body.trim()) };
      throw new PortError('LOG_FORKED', answer.body);
    },
  };
  return { key, witness, memory, asked };
}

const dead = (key: NoteKey) => ({
  key,
  witness: {
    addCheckpoint: async (): Promise<never> => {
      throw new PortError('WITNESS_UNAVAILABLE', 'nobody there');
    },
  },
});

function world(change: Partial<IntegrationPorts> = {}) {
  const clock = { ms: NOW_MS, nowMs: () => clock.ms };
  const witness = witnessOf('w.example/1', clock);
  const entries = createMemoryEntries();
  const tiles = createMemoryTiles();
  const ports: IntegrationPorts = {
    entries,
    tiles,
    logKey: log.key,
    signer: { sign: log.sign },
    witnesses: [witness],
    threshold: 1,
    verify: verifyEd25519,
    clock,
    ...change,
  };
  return { clock, witness, entries, tiles, ports, integrator: createIntegrator(ports) };
}

/** What a reader checks, and that every tile is there: `files` prove every entry under the published checkpoint. */
async function expectProven(
  files: Map<string, Uint8Array>,
  entries: readonly Uint8Array[],
  witnessKey: NoteKey,
) {
  const verdict = judgeCheckpoint(files.get('checkpoint') ?? new Uint8Array(), {
    logKey: log.key,
    witnessKeys: [witnessKey],
    threshold: 1,
    verify: verifyEd25519,
    nowMs: NOW_MS,
    maxAgeMs: 60_000,
  });
  if (!verdict.ok) throw new Error(JSON.stringify(verdict.reasons));
  const { size, root } = verdict.checkpoint;
  expect(hex(root)).toBe(hex(naiveRoot(entries, 0, size)));
  for (const tile of tilesOfTree(size)) expect(files.has(tilePath(tile)), tilePath(tile)).toBe(true);
  const read = createHashReader(size, createTileReader(createMemoryTiles(files)));
  for (const index of [0, Math.floor(size / 2), size - 1]) {
    const leaf = leafHash(entries[index] ?? new Uint8Array());
    expect(
      judgeInclusion({ index, size, leaf, proof: await inclusionProof(index, size, read), root }),
    ).toBeNull();
  }
  return size;
}

describe('integration', () => {
  test('of a log that grows: each checkpoint covers it, and everything is proven', async () => {
    const { integrator, entries, tiles, witness } = world();
    for (const size of [1, 2, 255, 256, 257, 600, 5000]) {
      entries.entries.push(...entriesOf(size).slice(entries.entries.length));
      expect((await integrator.integrate()).checkpoint.size).toBe(size);
      expect(await expectProven(tiles.files, entries.entries, witness.key)).toBe(size);
    }
  });

  test('of an empty log publishes the empty tree', async () => {
    const { integrator } = world();
    const { checkpoint } = await integrator.integrate();
    expect(checkpoint.size).toBe(0);
    expect(hex(checkpoint.root)).toBe(hex(naiveRoot([])));
  });

  test('with nothing new writes nothing, until the cosignature gets old', async () => {
    const { integrator, entries, tiles, clock, witness } = world();
    entries.entries.push(...entriesOf(3));
    const first = await integrator.integrate();
    const writes = tiles.writes.length;
    expect(await integrator.integrate()).toBe(first);
    clock.ms += RENEW_AFTER_MS;
    expect(await integrator.integrate()).toBe(first);
    expect(tiles.writes).toHaveLength(writes);
    clock.ms += 1000;
    const renewed = await integrator.integrate();
    expect(tiles.writes.slice(writes)).toEqual(['checkpoint']);
    expect(renewed.checkpoint).toEqual(first.checkpoint);
    expect(hex(renewed.bytes)).not.toBe(hex(first.bytes));
    expect(witness.asked).toEqual([0, 3]);
  });

  test('of one more entry puts one bundle, one tile and the checkpoint', async () => {
    const { integrator, entries, tiles } = world();
    entries.entries.push(...entriesOf(700));
    await integrator.integrate();
    const before = tiles.writes.length;
    entries.entries.push(...entriesOf(701).slice(700));
    await integrator.integrate();
    expect(tiles.writes.slice(before)).toEqual(['tile/entries/002.p/189', 'tile/0/002.p/189', 'checkpoint']);
  });

  test('shares one run among those who ask while another is under way', async () => {
    const { integrator, entries, tiles } = world();
    entries.entries.push(...entriesOf(1));
    const first = integrator.integrate();
    await Promise.resolve();
    entries.entries.push(...entriesOf(2).slice(1));
    const others = [integrator.integrate(), integrator.integrate(), integrator.integrate()];
    await first;
    expect((await Promise.all(others)).map(({ checkpoint }) => checkpoint.size)).toEqual([2, 2, 2]);
    expect(tiles.writes.filter((path) => path === 'checkpoint').length).toBeLessThanOrEqual(2);
  });

  test('goes on where another process stopped, without asking for old entries', async () => {
    const { integrator, entries, ports, tiles } = world();
    entries.entries.push(...entriesOf(300));
    await integrator.integrate();
    const asked: number[] = [];
    entries.entries.push(...entriesOf(310).slice(300));
    const next = createIntegrator({
      ...ports,
      entries: {
        from: (index) => {
          asked.push(index);
          return entries.from(index);
        },
      },
    });
    expect((await next.integrate()).checkpoint.size).toBe(310);
    expect(asked).toEqual([300]);
    expect(tiles.writes.at(-1)).toBe('checkpoint');
  });
});

describe('a crash', () => {
  const SIZES = [300, 256, 520] as const;

  /** The bytes of every file after these sizes, undisturbed. */
  async function undisturbed() {
    const { integrator, entries, tiles, witness } = world();
    for (const size of SIZES) {
      entries.entries.push(...entriesOf(entries.entries.length + size).slice(entries.entries.length));
      await integrator.integrate();
    }
    return { tiles, witness };
  }

  test.each([false, true])(
    'at any write (done: %s) heals by running again, to the same bytes',
    async (after) => {
      const wanted = (await undisturbed()).tiles;
      for (let write = 0; write < wanted.writes.length; write += 1) {
        const { ports, entries, tiles, witness } = world();
        tiles.failFrom = { write, after };
        for (const size of SIZES) {
          entries.entries.push(...entriesOf(entries.entries.length + size).slice(entries.entries.length));
          try {
            await createIntegrator(ports).integrate();
          } catch {
            // Whatever is published is proven by what is durable at that moment.
            if (tiles.files.has('checkpoint')) await expectProven(tiles.files, entries.entries, witness.key);
            tiles.failFrom = null;
            await createIntegrator(ports).integrate();
          }
        }
        for (const [path, bytes] of wanted.files)
          expect(hex(tiles.files.get(path)), `${path} after ${write}`).toBe(hex(bytes));
      }
    },
  );

  test('after the witness cosigned and before the checkpoint was published: the witness is asked from its size', async () => {
    const { ports, entries, tiles, witness } = world();
    entries.entries.push(...entriesOf(5));
    tiles.failFrom = { write: 2, after: false };
    await expect(createIntegrator(ports).integrate()).rejects.toThrow('went down at checkpoint');
    tiles.failFrom = null;
    entries.entries.push(...entriesOf(9).slice(5));
    await createIntegrator(ports).integrate();
    expect(witness.asked).toEqual([0, 0, 5]);
    await expectProven(tiles.files, entries.entries, witness.key);
  });

  test('of the store under one integrator that lives on heals as well', async () => {
    const { integrator, entries, tiles, witness } = world();
    entries.entries.push(...entriesOf(400));
    for (let write = 0; write < 6; write += 1) {
      tiles.failFrom = { write: tiles.writes.length + write, after: write % 2 === 0 };
      await integrator.integrate().catch(() => undefined);
    }
    tiles.failFrom = null;
    await integrator.integrate();
    expect(await expectProven(tiles.files, entries.entries, witness.key)).toBe(400);
  });
});

describe('two integrators at once', () => {
  test('end in the tiles of one, and neither is taken back', async () => {
    const { ports, entries, tiles, witness } = world();
    const integrators = [createIntegrator(ports), createIntegrator(ports), createIntegrator(ports)];
    const sizes: number[] = [];
    const count = (store: MemoryTiles) =>
      Number(
        Buffer.from(store.files.get('checkpoint') ?? '')
          .toString()
          .split('\n')[1],
      );
    for (let size = 40; size <= 1000; size += 40) {
      entries.entries.push(...entriesOf(size).slice(size - 40));
      await Promise.all(integrators.map((one) => one.integrate()));
      sizes.push(count(tiles));
    }
    expect(sizes).toEqual(sizes.toSorted((a, b) => a - b));
    expect(await expectProven(tiles.files, entries.entries, witness.key)).toBe(1000);
  });

  test.each([0, 1])(
    'one that was overtaken while it signed covers the longer log (%i witnesses)',
    async (count) => {
      const { ports: all, entries, tiles } = world();
      const ports = { ...all, witnesses: all.witnesses.slice(0, count), threshold: count };
      entries.entries.push(...entriesOf(3));
      let overtaken = false;
      const slow = createIntegrator({
        ...ports,
        signer: {
          sign: async (message) => {
            if (!overtaken) {
              overtaken = true;
              entries.entries.push(...entriesOf(300).slice(3));
              await createIntegrator(ports).integrate();
            }
            return log.sign(message);
          },
        },
      });
      expect((await slow.integrate()).checkpoint.size).toBe(300);
      expect(tiles.writes.filter((path) => path === 'checkpoint')).toHaveLength(1);
    },
  );
});

describe('witnesses', () => {
  test('without enough of them nothing is published, and the old checkpoint stands', async () => {
    const { ports, entries, tiles, integrator } = world();
    entries.entries.push(...entriesOf(3));
    const { bytes } = await integrator.integrate();
    entries.entries.push(...entriesOf(5).slice(3));
    const alone = createIntegrator({ ...ports, witnesses: ports.witnesses.map(({ key }) => dead(key)) });
    await expect(alone.integrate()).rejects.toThrow(expect.objectContaining({ code: 'WITNESS_UNAVAILABLE' }));
    expect(hex(tiles.files.get('checkpoint'))).toBe(hex(bytes));
    expect((await integrator.integrate()).checkpoint.size).toBe(5);
  });

  test('two of three are enough where two must', async () => {
    const [a, b, c] = ['w.example/a', 'w.example/b', 'w.example/c'].map((name) => witnessOf(name));
    if (!a || !b || !c) throw new Error('three witnesses');
    const { integrator, entries, tiles } = world({ witnesses: [a, dead(b.key), c], threshold: 2 });
    entries.entries.push(...entriesOf(3));
    await integrator.integrate();
    await expectProven(tiles.files, entries.entries, a.key);
    await expectProven(tiles.files, entries.entries, c.key);
  });

  test('more are wanted than there are', async () => {
    const { integrator } = world({ threshold: 2 });
    await expect(integrator.integrate()).rejects.toThrow('only 1 are configured');
  });

  test('one that answers with a cosignature of another key is none', async () => {
    const other = noteSigner('cosignature/v1', 'w.example/1', 'stranger');
    const { ports } = world();
    const { integrator } = world({
      witnesses: ports.witnesses.map(({ witness }) => ({ key: other.key, witness })),
    });
    await expect(integrator.integrate()).rejects.toThrow('without a cosignature by');
  });

  test('a log that was shortened is not signed again', async () => {
    const { ports, entries, tiles, integrator } = world();
    entries.entries.push(...entriesOf(9));
    await integrator.integrate();
    entries.entries.length = 5;
    tiles.files.clear();
    await expect(createIntegrator(ports).integrate()).rejects.toThrow(
      'has 5 entries, and a witness has cosigned 9',
    );
    expect(tiles.files.has('checkpoint')).toBe(false);
  });

  test('a log that was rewritten is not cosigned', async () => {
    const { ports, entries, tiles, integrator } = world();
    entries.entries.push(...entriesOf(9));
    await integrator.integrate();
    entries.entries.splice(0, 9, ...entriesOf(12).slice(1));
    tiles.files.clear();
    await expect(createIntegrator(ports).integrate()).rejects.toThrow(
      expect.objectContaining({ code: 'LOG_FORKED' }),
    );
    expect(tiles.files.has('checkpoint')).toBe(false);
  });
});

describe('a store that somebody changed', () => {
  // No witness: it would refuse as well, and the log must not sign in the first place.
  async function changed(path: string, bytes: Uint8Array) {
    const { ports, entries, tiles, integrator } = world({ witnesses: [], threshold: 0 });
    entries.entries.push(...entriesOf(300));
    await integrator.integrate();
    tiles.files.set(path, bytes);
    entries.entries.push(...entriesOf(301).slice(300));
    return createIntegrator(ports).integrate();
  }
  const forked = expect.objectContaining({ code: 'LOG_FORKED' });

  test('its checkpoint: nothing is signed', async () => {
    await expect(changed('checkpoint', new TextEncoder().encode('rubbish'))).rejects.toThrow(forked);
    const own = await world().integrator.integrate();
    const stranger = noteSigner('ed25519', logOrigin('prod'), 'stranger');
    const text = new TextDecoder().decode(own.bytes).split('\n\n')[0] ?? '';
    const signature = {
      name: stranger.key.name,
      keyId: stranger.key.keyId,
      signature: await stranger.sign(own.bytes),
    };
    const foreign = encodeNote({ text: `${text}\n`, signatures: [signature] });
    await expect(changed('checkpoint', foreign)).rejects.toThrow(forked);
  });

  test('its last bundle: nothing is signed', async () => {
    const bundle = new Uint8Array(44 * 2);
    await expect(changed('tile/entries/001.p/44', bundle)).rejects.toThrow(forked);
  });

  test('a tile under the name that is needed next: nothing is signed', async () => {
    await expect(changed('tile/0/001.p/45', new Uint8Array(45 * 32))).rejects.toThrow(forked);
  });
});
