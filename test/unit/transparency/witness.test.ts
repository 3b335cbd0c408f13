import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { createCosigner } from '../../../activities/witness.ts';
import { type Checkpoint, formatCheckpoint, logOrigin, signNote } from '../../../domain/log/checkpoint.ts';
import { consistencyProof, emptyRoot } from '../../../domain/log/merkle-tree.ts';
import {
  decodeNote,
  encodeNote,
  parseSignatureLines,
  type SignedNote,
} from '../../../domain/log/signed-note.ts';
import { judgeCheckpoint } from '../../../domain/log/verify-checkpoint.ts';
import { decodeAddCheckpoint, encodeAddCheckpoint, originHash } from '../../../domain/log/witness-request.ts';
import { createFileWitnessMemory } from '../../../infra/files/file-witness-memory.ts';
import type { HttpService } from '../../../infra/http/http-service.ts';
import { createHttpWitness } from '../../../infra/http/witness-client.ts';
import { startWitnessServer } from '../../../infra/http/witness-server.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import { entriesOf, hex, naiveRoot, readerOf } from '../../support/merkle.ts';
import { noteSigner } from '../../support/note-keys.ts';

const NOW_MS = Date.parse('2026-01-01T00:00:00Z');
const ORIGIN = logOrigin('prod');
const log = noteSigner('ed25519', ORIGIN, 'log');
const { key, sign } = noteSigner('cosignature/v1', 'w.example/1');
const ENTRIES = entriesOf(20);

let folder: string;
let server: HttpService;
let errors: unknown[];

function newCosigner(nowMs = NOW_MS) {
  const memory = createFileWitnessMemory(folder);
  const clock = { nowMs: () => nowMs };
  return createCosigner({ key, signer: { sign }, logKeys: [log.key], memory, verify: verifyEd25519, clock });
}

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'resilience-witness-'));
  errors = [];
  const memory = createFileWitnessMemory(folder);
  server = await startWitnessServer({
    host: '127.0.0.1',
    port: 0,
    addCheckpoint: (body) => newCosigner()(body),
    lastCosigned: (hash) => memory.last(hash === originHash(ORIGIN) ? ORIGIN : ''),
    onError: (error) => errors.push(error),
  });
});
afterEach(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const treeOf = (size: number, entries = ENTRIES): Checkpoint => ({
  origin: ORIGIN,
  size,
  root: naiveRoot(entries, 0, size),
});

async function noteOf(checkpoint: Checkpoint, signer = log): Promise<SignedNote> {
  const text = formatCheckpoint(checkpoint);
  return { text, signatures: [await signNote(text, signer.key, signer.sign)] };
}

const proofOf = (from: number, to: number, entries = ENTRIES) =>
  consistencyProof(from, to, readerOf(entries.slice(0, to)));

async function post(body: Uint8Array | string) {
  const init = { method: 'POST', body: typeof body === 'string' ? body : Uint8Array.from(body) };
  const response = await fetch(`${server.url}/add-checkpoint`, init);
  return { status: response.status, type: response.headers.get('content-type'), body: await response.text() };
}

async function add(checkpoint: Checkpoint, oldSize: number, proof: Uint8Array[] = [], signer = log) {
  const note = encodeNote(await noteOf(checkpoint, signer));
  return post(encodeAddCheckpoint({ oldSize, proof, note }));
}

describe('add-checkpoint (C2SP tlog-witness)', () => {
  test('cosigns the first, and what continues it', async () => {
    expect((await add(treeOf(5), 0)).status).toBe(200);
    const { status, body } = await add(treeOf(12), 5, await proofOf(5, 12));
    expect(status).toBe(200);
    const { text, signatures } = await noteOf(treeOf(12));
    const cosigned = encodeNote({ text, signatures: [...signatures, ...parseSignatureLines(body)] });
    const context = {
      logKey: log.key,
      witnessKeys: [key],
      threshold: 1,
      verify: verifyEd25519,
      maxAgeMs: 1000,
    };
    expect(judgeCheckpoint(cosigned, { ...context, nowMs: NOW_MS })).toMatchObject({
      ok: true,
      cosignedAtMs: NOW_MS,
    });
  });

  test('cosigns the same again: the way to a fresh time', async () => {
    await add(treeOf(5), 0);
    expect((await add(treeOf(5), 5)).status).toBe(200);
  });

  test('409 with its own size, when asked from another', async () => {
    await add(treeOf(5), 0);
    const refused = { status: 409, type: 'text/x.tlog.size', body: '5\n' };
    expect(await add(treeOf(12), 0)).toEqual(refused);
    expect(await add(treeOf(12), 7, await proofOf(7, 12))).toEqual(refused);
    expect(await add(treeOf(4), 0)).toEqual(refused);
  });

  test('422 for a fork, a rewritten past, a wrong proof, one too many, and a wrong empty root', async () => {
    expect((await add({ ...treeOf(5), size: 0 }, 0)).status).toBe(422);
    expect((await add(treeOf(5), 0, [emptyRoot()])).status).toBe(422);
    await add(treeOf(5), 0);
    const others = entriesOf(21).slice(1);
    expect((await add(treeOf(5, others), 5)).status).toBe(422);
    expect((await add(treeOf(12, others), 5, await proofOf(5, 12, others))).status).toBe(422);
    expect((await add(treeOf(12), 5, await proofOf(5, 11))).status).toBe(422);
    expect((await add(treeOf(5), 5, [emptyRoot()])).status).toBe(422);
    expect((await add(treeOf(12), 5, await proofOf(5, 12))).status).toBe(200);
  });

  test('400 when the old size is over the new one, 403 for another key, 404 for another log', async () => {
    await add(treeOf(5), 0);
    expect((await add(treeOf(4), 5)).status).toBe(400);
    expect((await add(treeOf(12), 5, [], noteSigner('ed25519', ORIGIN, 'stranger'))).status).toBe(403);
    expect((await add({ ...treeOf(12), origin: logOrigin('staging') }, 5)).status).toBe(404);
  });

  test.each([
    '',
    'old 0\n',
    'new 0\n\nx',
    'old 01\n\nx',
    'old -1\n\nx',
    'old 0\nAAAA\n\nx',
    'old 9007199254740992\n\nx',
    `old 0\n${'A'.repeat(1_000_000)}\n\nx`,
  ])('400 for %j', async (body) => {
    expect((await post(body)).status).toBe(400);
    expect(errors).toEqual([]);
  });

  test('400 for more than 63 lines of proof', async () => {
    const proof = Array.from({ length: 64 }, () => emptyRoot());
    expect((await add(treeOf(5), 0, proof)).status).toBe(400);
  });

  test('413 for more than any checkpoint needs', async () => {
    expect((await post(new Uint8Array(1_100_001))).status).toBe(413);
  });

  test('of many that come at once, one history is cosigned', async () => {
    const cosign = newCosigner();
    const others = entriesOf(21).slice(1);
    const bodies = await Promise.all(
      Array.from({ length: 8 }, async (_, i) =>
        encodeAddCheckpoint({
          oldSize: 0,
          proof: [],
          note: encodeNote(await noteOf(treeOf(3 + i, i % 2 ? others : ENTRIES))),
        }),
      ),
    );
    const statuses = (await Promise.all(bodies.map(cosign))).map(({ status }) => status);
    expect(statuses).toEqual([200, ...Array(7).fill(409)]);
  });
});

describe('its memory', () => {
  test('is served to monitors, with both signatures', async () => {
    const url = `${server.url}/${originHash(ORIGIN)}/checkpoint`;
    expect((await fetch(url)).status).toBe(404);
    await add(treeOf(5), 0);
    const note = decodeNote(new Uint8Array(await (await fetch(url)).arrayBuffer()));
    expect(note.signatures.map(({ name }) => name)).toEqual([ORIGIN, 'w.example/1']);
  });

  test('outlives it', async () => {
    await newCosigner()(
      encodeAddCheckpoint({ oldSize: 0, proof: [], note: encodeNote(await noteOf(treeOf(5))) }),
    );
    expect(await add(treeOf(4), 0)).toMatchObject({ status: 409, body: '5\n' });
    expect(readdirSync(join(folder, originHash(ORIGIN)))).toEqual(['checkpoint']);
  });

  test('that somebody changed stops it', async () => {
    await add(treeOf(5), 0);
    const path = join(folder, originHash(ORIGIN), 'checkpoint');
    const foreign = encodeNote(await noteOf(treeOf(3)));
    for (const bytes of [foreign, readFileSync(path).subarray(1), new Uint8Array()]) {
      writeFileSync(path, bytes);
      expect((await add(treeOf(12), 5, await proofOf(5, 12))).status).toBe(500);
    }
    expect(errors).toEqual(Array(3).fill(expect.objectContaining({ code: 'DIGEST_MISMATCH' })));
  });

  test('is believed however wrong the clock was', async () => {
    const request = async (size: number, oldSize: number) =>
      encodeAddCheckpoint({
        oldSize,
        proof: await proofOf(oldSize, size),
        note: encodeNote(await noteOf(treeOf(size))),
      });
    await newCosigner(NOW_MS + 1e9)(await request(5, 0));
    expect((await newCosigner(NOW_MS)(await request(6, 5))).status).toBe(200);
  });
});

describe('its client', () => {
  test('reads the cosignature, and the size of a refusal', async () => {
    const witness = createHttpWitness(server.url);
    const answer = await witness.addCheckpoint(await noteOf(treeOf(5)), 0, []);
    expect(answer).toMatchObject({ cosignatures: [{ name: 'w.example/1', keyId: key.keyId }] });
    expect(await witness.addCheckpoint(await noteOf(treeOf(12)), 0, [])).toEqual({ cosignedSize: 5 });
  });

  test('tells a fork, an unknown key and an absent witness apart', async () => {
    const witness = createHttpWitness(server.url);
    await witness.addCheckpoint(await noteOf(treeOf(5)), 0, []);
    const code = (wanted: string) => expect.objectContaining({ code: wanted });
    const fork = witness.addCheckpoint(await noteOf(treeOf(5, entriesOf(21).slice(1))), 5, []);
    await expect(fork).rejects.toThrow(code('LOG_FORKED'));
    const stranger = await noteOf(treeOf(5), noteSigner('ed25519', ORIGIN, 'stranger'));
    await expect(witness.addCheckpoint(stranger, 5, [])).rejects.toThrow(code('NOT_PERMITTED'));
    const nobody = createHttpWitness('http://127.0.0.1:1');
    await expect(nobody.addCheckpoint(await noteOf(treeOf(5)), 0, [])).rejects.toThrow(
      code('WITNESS_UNAVAILABLE'),
    );
  });
});

test('a request is the same after writing and reading', async () => {
  const request = { oldSize: 5, proof: await proofOf(5, 12), note: encodeNote(await noteOf(treeOf(12))) };
  const read = decodeAddCheckpoint(encodeAddCheckpoint(request));
  expect(read).toEqual({ ...request, note: expect.anything() });
  expect(hex(read.note)).toBe(hex(request.note));
});
