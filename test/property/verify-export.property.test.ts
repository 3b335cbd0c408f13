import fc from 'fast-check';
import { beforeAll, describe, expect, it } from 'vitest';
import { writeProof } from '../../client/audit/write-proof.ts';
import type { Digest } from '../../domain/evidence/canonical-json.ts';
import { bodyFile, EXPORT_FILES, historyFile } from '../../domain/evidence/export-layout.ts';
import { verifyProof } from '../../domain/evidence/proof.ts';
import { verifyExport } from '../../domain/evidence/verify-export.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { DOCUMENTS, documentChange } from '../support/audited-documents.ts';
import {
  auditedLog,
  BAD,
  exportOf,
  type Files,
  GOOD,
  NOW_MS,
  readerOf,
  sourceOf,
} from '../support/audited-log.ts';

const input = { verify: verifyEd25519, nowMs: NOW_MS };
const SEED = 20_260_101;
let files: Files;
let size: number;
let reports: Digest[];
let proof: Uint8Array;

beforeAll(async () => {
  const writer = await auditedLog();
  await writer.say('freeze', { nonce: 'f-3', state: 'active' });
  reports = await documentChange(writer);
  const source = await sourceOf(writer);
  files = await exportOf(source);
  size = writer.entries.length;
  proof = (await writeProof(source, GOOD, input)).bytes;
});

/** Where in a file of any length, and which other value the byte gets. */
const flip = fc.record({
  at: fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true }),
  xor: fc.integer({ min: 1, max: 255 }),
});

function flipped(bytes: Uint8Array, { at, xor }: { at: number; xor: number }): Uint8Array {
  const position = Math.floor(at * bytes.length);
  return bytes.with(position, (bytes[position] ?? 0) ^ xor);
}

describe('a change of any one byte is caught', () => {
  it('of an export that is sound and has every kind of file', async () => {
    const { ok, discrepancies, effects } = await verifyExport(readerOf(files), input);
    expect(discrepancies).toEqual([]);
    expect({ ok, unjudged: effects.unjudged }).toEqual({ ok: true, unjudged: 0 });
    expect(reports.map((digest) => files.has(bodyFile(digest)))).toEqual([true, true]);
    const names = [...files.keys()].map((path) => path.replace(/[0-9a-f]{64}$/, '<hex>'));
    expect(new Set(names)).toEqual(
      new Set([
        ...Object.values(EXPORT_FILES),
        ...['tiles/tile/0/000.p/', 'tiles/tile/entries/000.p/'].map((tile) => `${tile}${size}`),
        'bodies/sha256/<hex>',
        ...[GOOD, BAD, DOCUMENTS].map((change) => historyFile(change, 'run-1')),
      ]),
    );
  });

  it('in every file of an export', async () => {
    for (const path of files.keys()) {
      await fc.assert(
        fc.asyncProperty(flip, async (where) => {
          const changed = new Map(files).set(path, flipped(files.get(path) ?? new Uint8Array(), where));
          const { ok, discrepancies } = await verifyExport(readerOf(changed), input);
          expect(ok).toBe(false);
          expect(discrepancies.some(({ file }) => file === path || path === 'manifest.json')).toBe(true);
        }),
        { numRuns: path === 'manifest.json' ? 40 : 6, seed: SEED },
      );
    }
  }, 60_000);

  it('in a proof', async () => {
    expect((await verifyProof(proof, input)).ok).toBe(true);
    await fc.assert(
      fc.asyncProperty(flip, async (where) => {
        expect((await verifyProof(flipped(proof, where), input)).ok).toBe(false);
      }),
      { numRuns: 150, seed: SEED },
    );
  }, 60_000);
});

describe('whatever the bytes are', () => {
  it('no file makes the verifier crash', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom(...files.keys()),
        fc.uint8Array({ maxLength: 300 }),
        async (path, bytes) => {
          expect((await verifyExport(readerOf(new Map(files).set(path, bytes)), input)).ok).toBe(false);
        },
      ),
      { numRuns: 60, seed: SEED },
    );
  }, 60_000);

  it('no JSON makes the verifier of proofs crash', async () => {
    await fc.assert(
      fc.asyncProperty(fc.json(), async (text) => {
        expect((await verifyProof(new TextEncoder().encode(text), input)).ok).toBe(false);
      }),
      { numRuns: 100, seed: SEED },
    );
  });
});
