import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, type TestContext, test } from 'vitest';
import { createIntegrator } from '../../activities/integrate.ts';
import { createCosigner } from '../../activities/witness.ts';
import { createExportFolder } from '../../client/audit/export-folder.ts';
import { writeExport } from '../../client/audit/write-export.ts';
import { logOrigin } from '../../domain/log/checkpoint.ts';
import { formatVkey } from '../../domain/log/signed-note.ts';
import { createFileTileStore } from '../../infra/files/file-tile-store.ts';
import { createFileWitnessMemory } from '../../infra/files/file-witness-memory.ts';
import type { HttpService } from '../../infra/http/http-service.ts';
import { createHttpWitness } from '../../infra/http/witness-client.ts';
import { startWitnessServer } from '../../infra/http/witness-server.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { documentChange } from '../support/audited-documents.ts';
import { auditedLog, NOW_MS, pins, sourceOf } from '../support/audited-log.ts';
import { createMemoryEntries } from '../support/memory-tiles.ts';
import { entriesOf } from '../support/merkle.ts';
import { noteSigner } from '../support/note-keys.ts';

/**
 * Tools that nobody here wrote accept what is published: Go's `sumdb/note` and `sumdb/tlog`, and Tessera's `fsck`.
 * Their versions are pinned in go/go.mod and go/go.sum; the first run builds them, which takes minutes.
 */
const SOURCES = fileURLToPath(new URL('go', import.meta.url));
const BUILD_TIMEOUT_MS = 600_000;
const RUN_TIMEOUT_MS = 5_000;
const OFFLINE = /dial tcp|no such host|lookup .*: |toolchain not available|requires go >=|i\/o timeout/;

const folder = mkdtempSync(join(tmpdir(), 'resilience-interop-'));
const log = noteSigner('ed25519', logOrigin('interop'), 'log');
const witness = noteSigner('cosignature/v1', 'witness.example/interop');
let server: HttpService;
let missing: string | null = null;

beforeAll(async () => {
  missing = build();
  const clock = { nowMs: () => Date.now() };
  const memory = createFileWitnessMemory(join(folder, 'witness'));
  server = await startWitnessServer({
    host: '127.0.0.1',
    port: 0,
    addCheckpoint: createCosigner({
      key: witness.key,
      signer: { sign: witness.sign },
      logKeys: [log.key],
      memory,
      verify: verifyEd25519,
      clock,
    }),
    lastCosigned: () => memory.last(log.key.name),
    onError: (error) => {
      throw error;
    },
  });
  const entries = createMemoryEntries();
  const integrator = createIntegrator({
    entries,
    tiles: createFileTileStore(published.tiles),
    logKey: log.key,
    signer: { sign: log.sign },
    witnesses: [{ key: witness.key, witness: createHttpWitness(server.url) }],
    threshold: 1,
    verify: verifyEd25519,
    clock,
  });
  for (const size of [300, 1000]) {
    entries.entries.push(...entriesOf(size).slice(entries.entries.length));
    const { bytes } = await integrator.integrate();
    writeFileSync(join(folder, `checkpoint-${size}`), bytes);
  }
  await exportLog();
}, BUILD_TIMEOUT_MS);

afterAll(async () => {
  await server.close();
  rmSync(folder, { recursive: true, force: true });
});

/** Null when both programs are there, else what is missing on this machine. */
function build(): string | null {
  for (const name of ['.', 'github.com/transparency-dev/tessera/cmd/fsck']) {
    const args = ['build', '-mod=readonly', '-o', join(folder, name === '.' ? 'verify' : 'fsck'), name];
    const built = spawnSync('go', args, { cwd: SOURCES, encoding: 'utf8' });
    if (built.error) return 'go is not installed: install Go 1.25 or newer to run the interoperability tests';
    if (built.status === 0) continue;
    if (OFFLINE.test(built.stderr))
      return `go cannot get its modules: ${built.stderr.trim().split('\n').at(-1)}`;
    throw new Error(built.stderr);
  }
  return null;
}

function run(
  context: TestContext,
  program: string,
  args: string[],
): { status: number | null; output: string } {
  context.skip(missing !== null, missing ?? '');
  const { status, stdout, stderr } = spawnSync(join(folder, program), args, {
    encoding: 'utf8',
    timeout: RUN_TIMEOUT_MS,
  });
  return { status, output: stdout + stderr };
}

/** A folder of tiles with its checkpoint, an older one of the same log, and the vkeys of log and witness. */
interface Published {
  tiles: string;
  older: string;
  logKey: string;
  witnessKey: string;
}

function verify(context: TestContext, { tiles, older, logKey, witnessKey }: Published) {
  return run(context, 'verify', [tiles, older, logKey, witnessKey]);
}

function fsck(context: TestContext, { tiles, logKey }: Published) {
  const vkey = join(folder, 'vkey');
  writeFileSync(vkey, logKey);
  return run(context, 'fsck', [`--storage_url=file://${tiles}`, `--public_key=${vkey}`, '--ui=false']);
}

const published: Published = {
  tiles: join(folder, 'log'),
  older: join(folder, 'checkpoint-300'),
  logKey: formatVkey(log.key),
  witnessKey: formatVkey(witness.key),
};
const exported: Published = {
  tiles: join(folder, 'evidence', 'tiles'),
  older: join(folder, 'checkpoint-exported-earlier'),
  logKey: pins.logKey,
  witnessKey: pins.witnessKeys[0] ?? '',
};
const ENTRIES_EXPORTED = 600;

/** A real export of changes of every kind, taken home when the log was longer than one tile; and a checkpoint before. */
async function exportLog(): Promise<void> {
  const writer = await auditedLog();
  await writer.say('freeze', { nonce: 'f-3', state: 'active' });
  await documentChange(writer);
  for (let n = 0; writer.entries.length < ENTRIES_EXPORTED; n += 1)
    await writer.say('freeze', { nonce: `f-${n}-again`, state: 'active' });
  const earlier = await (await sourceOf(writer, 300)).checkpoint();
  writeFileSync(exported.older, earlier ?? '');
  const source = await sourceOf(writer);
  await writeExport(
    source,
    await createExportFolder(join(folder, 'evidence')),
    {},
    { verify: verifyEd25519, nowMs: NOW_MS },
  );
}

/** Runs the check with one byte of a file changed, then puts it back. */
function withChangedByte<T>({ tiles }: Published, path: string, check: () => T): T {
  const file = join(tiles, path);
  const bytes = readFileSync(file);
  writeFileSync(
    file,
    bytes.map((byte, i) => (i === 40 ? byte ^ 1 : byte)),
  );
  try {
    return check();
  } finally {
    writeFileSync(file, bytes);
  }
}

describe("Go's sumdb", () => {
  test('opens the checkpoint, its cosignature, every entry and the proof from an earlier one', (context) => {
    expect(verify(context, published)).toEqual({ status: 0, output: '1000 entries verified\n' });
  });

  test.for(['checkpoint', 'tile/entries/001', 'tile/0/002', 'tile/1/000.p/3'])(
    'refuses one changed byte of %s',
    (path, context) => {
      const found = withChangedByte(published, path, () => verify(context, published));
      expect(found.status).toBe(1);
    },
  );
});

describe("Tessera's fsck", () => {
  test('accepts the folder', (context) => {
    const { output } = fsck(context, published);
    expect(output).toContain("Successfully fsck'd log with size 1000");
  });

  test.for(['checkpoint', 'tile/entries/001', 'tile/0/002', 'tile/1/000.p/3'])(
    'does not accept one changed byte of %s',
    (path, context) => {
      // It says so in words, with status 0, or waits for ever.
      const { output } = withChangedByte(published, path, () => fsck(context, published));
      expect(output).not.toContain('Successfully');
    },
  );
});

describe('the folder that an auditor took home, as it is', () => {
  const files = ['checkpoint', 'tile/entries/001', 'tile/0/000', 'tile/1/000.p/2'];

  test("is accepted by Go's sumdb and by Tessera's fsck", (context) => {
    expect(verify(context, exported)).toEqual({
      status: 0,
      output: `${ENTRIES_EXPORTED} entries verified\n`,
    });
    const { output } = fsck(context, exported);
    expect(output).toContain(`Successfully fsck'd log with size ${ENTRIES_EXPORTED}`);
  });

  test.for(files)('is accepted by neither with one changed byte of %s', (path, context) => {
    withChangedByte(exported, path, () => {
      expect(verify(context, exported).status).toBe(1);
      expect(fsck(context, exported).output).not.toContain('Successfully');
    });
  });
});
