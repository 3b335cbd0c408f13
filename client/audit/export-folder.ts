import { createReadStream } from 'node:fs';
import { appendFile, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { dirname, join, relative, sep } from 'node:path';
import { DomainError } from '../../domain/errors.ts';
import { parseJsonBytes } from '../../domain/evidence/canonical-json.ts';
import {
  bodyFile,
  changeOfHistory,
  decodePins,
  EXPORT_FILES,
  openTrust,
  tileFile,
} from '../../domain/evidence/export-layout.ts';
import type { ExportReader } from '../../domain/evidence/verify-export.ts';
import { parseCheckpoint } from '../../domain/log/checkpoint.ts';
import { decodeNote } from '../../domain/log/signed-note.ts';
import { decodeEntryBundle, tileAt, tilePath } from '../../domain/log/tiles.ts';
import type { EvidenceSource } from './evidence-source.ts';
import type { ExportFolder } from './write-export.ts';

/** A new export's folder. Throws `RESERVED` when something is in it already. */
export async function createExportFolder(dir: string): Promise<ExportFolder> {
  await mkdir(dir, { recursive: true });
  if ((await readdir(dir)).length > 0) {
    throw new DomainError('RESERVED', `The folder ${dir} is not empty.`, {
      next: 'Name a new one: an export is verified with every file in its folder.',
    });
  }
  const at = async (path: string) => {
    const file = join(dir, path);
    await mkdir(dirname(file), { recursive: true });
    return file;
  };
  return {
    write: async (path, bytes) => writeFile(await at(path), bytes),
    append: async (path, text) => appendFile(await at(path), text),
  };
}

/** An export as the verifier reads it. */
export function readExportFolder(dir: string): ExportReader {
  return {
    async list() {
      const all = await readdir(dir, { recursive: true, withFileTypes: true });
      return all
        .filter((one) => !one.isDirectory())
        .map((one) => relative(dir, join(one.parentPath, one.name)).split(sep).join('/'));
    },
    async *open(path) {
      try {
        yield* createReadStream(join(dir, path));
      } catch (error) {
        throw isMissing(error) ? notHere(dir, path) : error;
      }
    },
  };
}

/** Evidence out of an export, for whoever reads it without verifying it first. Throws what the files' parsers throw. */
export async function openExport(dir: string): Promise<EvidenceSource> {
  const get = async (path: string) => new Uint8Array(await readOrThrow(dir, path));
  const getOrNull = async (path: string) => {
    try {
      return new Uint8Array(await readFile(join(dir, path)));
    } catch (error) {
      if (isMissing(error)) return null;
      throw error;
    }
  };
  const pins = decodePins(await get(EXPORT_FILES.pins));
  const trustFile = await get(EXPORT_FILES.trust);
  const checkpoint = await get(EXPORT_FILES.checkpoint);
  const { size } = parseCheckpoint(decodeNote(checkpoint).text);
  return {
    environment: pins.environment,
    trust: openTrust(parseJsonBytes(trustFile), pins.trustDigest),
    trustFile,
    pins,
    checkpoint: async () => checkpoint,
    async *entries() {
      for (let index = 0; ; index += 1) {
        const bundle = tileAt('entries', index, size);
        if (bundle === null) return;
        yield* decodeEntryBundle(await get(tileFile(tilePath(bundle))), bundle);
      }
    },
    tile: (path) => getOrNull(tileFile(path)),
    body: (digest) => getOrNull(bodyFile(digest)),
    snapshot: ({ stateDigest }) => getOrNull(bodyFile(stateDigest)),
    async histories(changeId) {
      const files = (await readExportFolder(dir).list()).filter((path) => changeOfHistory(path) === changeId);
      return Promise.all(
        files.map(async (path) => ({
          runId: (path.split('/').at(-1) ?? '').replace(/\.json$/, ''),
          history: parseJsonBytes(await get(path)),
        })),
      );
    },
  };
}

async function readOrThrow(dir: string, path: string): Promise<Uint8Array> {
  try {
    return await readFile(join(dir, path));
  } catch (error) {
    throw isMissing(error) ? notHere(dir, path) : error;
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && 'code' in error && (error.code === 'ENOENT' || error.code === 'ENOTDIR');
}

function notHere(dir: string, path: string): DomainError {
  return new DomainError('NOT_FOUND', `${join(dir, path)} is not there.`, {
    next: 'Name the folder that `resilience-ctl audit export --out DIR` wrote.',
  });
}
