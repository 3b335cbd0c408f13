import { z } from 'zod';
import { DomainError } from '../errors.ts';
import { movesIn } from '../log/override-authority.ts';
import { formatVkey, type NoteKey, parseVkey } from '../log/signed-note.ts';
import {
  canonicalBytes,
  type Digest,
  digestHex,
  digestOfBytes,
  isDigest,
  parseCanonicalBytes,
} from './canonical-json.ts';
import type { Said } from './statement-codec.ts';
import { openPayload } from './statement-codec.ts';
import { parseTrustDocument, type TrustDocument } from './trust.ts';

/**
 * An export is a folder that proves itself:
 *
 * | file | what it is |
 * |---|---|
 * | `manifest.json` | every other file with its digest, and the changes whose bodies are here; canonical JSON |
 * | `pins.json` | what the auditor must get from somewhere else too: the trust document's digest, the vkeys |
 * | `trust.json` | the signed trust document: who may say what |
 * | `tiles/` | the log as C2SP tlog-tiles, with its cosigned checkpoint: usable as it is by any tool |
 * | `bodies/sha256/<hex>` | what entries name by digest: requests, plans, zone readings, consumers' reports, documents, snapshots |
 * | `histories/<change>/<run>.json` | the workflow's histories, as archived or as Temporal still had them: unsigned, for `replay` alone |
 * | `log.jsonl`, `log.csv` | the entries again, flat, for people and spreadsheets |
 */
export const EXPORT_FILES = {
  manifest: 'manifest.json',
  pins: 'pins.json',
  trust: 'trust.json',
  checkpoint: 'tiles/checkpoint',
  jsonLines: 'log.jsonl',
  csv: 'log.csv',
} as const;

export function tileFile(tilePath: string): string {
  return `tiles/${tilePath}`;
}

export function bodyFile(digest: Digest): string {
  return `bodies/sha256/${digestHex(digest)}`;
}

export function historyFile(changeId: string, runId: string): string {
  return `histories/${changeId}/${runId}.json`;
}

/** The change whose history a file is; null for any other file. */
export function changeOfHistory(path: string): string | null {
  return /^histories\/([A-Za-z0-9][A-Za-z0-9._-]*)\/[A-Za-z0-9-]+\.json$/.exec(path)?.[1] ?? null;
}

const digest = z.custom<Digest>(isDigest);

const manifestSchema = z.strictObject({
  apiVersion: z.literal('resilience-ctl/export/v1'),
  environment: z.string(),
  /** Changes whose bodies and histories are here, sorted. The log itself is always whole. */
  changes: z.array(z.string()),
  /** Path → digest, of every file but the manifest. */
  files: z.record(z.string(), digest),
});

const pinsSchema = z.strictObject({
  apiVersion: z.literal('resilience-ctl/pins/v1'),
  environment: z.string(),
  trustDigest: digest,
  /** The vkey of the log; its name is the log's origin. */
  logKey: z.string(),
  /** The vkeys of the witnesses, all of which must have cosigned. */
  witnessKeys: z.array(z.string()),
});

export type ExportManifest = z.infer<typeof manifestSchema>;

/** What everything else is believed by. Whoever brings their own believes nothing in the folder. */
export type Pins = z.infer<typeof pinsSchema>;

export function encodeManifest(manifest: Omit<ExportManifest, 'apiVersion'>): Uint8Array {
  return canonicalBytes({ apiVersion: 'resilience-ctl/export/v1', ...manifest });
}

/** Throws `ENTRY_MALFORMED` for bytes that `encodeManifest` does not make. */
export function decodeManifest(bytes: Uint8Array): ExportManifest {
  return decodeAs(manifestSchema, bytes, EXPORT_FILES.manifest);
}

export function pinsOf(
  environment: string,
  trustDigest: Digest,
  keys: { log: NoteKey & { type: 'ed25519' }; witnesses: readonly (NoteKey & { type: 'cosignature/v1' })[] },
): Pins {
  return {
    apiVersion: 'resilience-ctl/pins/v1',
    environment,
    trustDigest,
    logKey: formatVkey(keys.log),
    witnessKeys: keys.witnesses.map(formatVkey),
  };
}

/** Throws `ENTRY_MALFORMED` for what are no pins, and `SCHEMA_INVALID` for a key in them that is none. */
export function decodePins(bytes: Uint8Array): Pins {
  return readPins(parseCanonicalBytes(bytes));
}

/** As `decodePins`, of a value that was parsed already. */
export function readPins(value: unknown): Pins {
  const pins = parseAs(pinsSchema, value, EXPORT_FILES.pins);
  for (const vkey of [pins.logKey, ...pins.witnessKeys]) parseVkey(vkey);
  return pins;
}

/** The document in a signed trust file, if it is the pinned one. Throws `ENTRY_MALFORMED`, `DIGEST_MISMATCH`, `SCHEMA_INVALID`. */
export function openTrust(signedFile: unknown, pinned: Digest): TrustDocument {
  return openTrustPayload(openPayload(signedFile).payload, pinned);
}

/** As `openTrust`, of the document's own bytes. */
export function openTrustPayload(payload: Uint8Array, pinned: Digest): TrustDocument {
  const found = digestOfBytes(payload);
  if (found !== pinned) {
    throw new DomainError(
      'DIGEST_MISMATCH',
      `The trust document has the digest ${found}; pinned is ${pinned}.`,
      {
        next: 'Ask whoever gave you the pin which of the two they stand for.',
      },
    );
  }
  return parseTrustDocument(parseCanonicalBytes(payload));
}

/** The bodies that an entry names and that must be beside it. The plan's own: `bodiesInPlan`. */
export function bodiesNamed(said: Said): Digest[] {
  switch (said.type) {
    case 'request':
      return [said.predicate.requestDigest];
    case 'plan': {
      const { planDigest, readingDigest } = said.predicate;
      return readingDigest === undefined ? [planDigest] : [planDigest, readingDigest];
    }
    case 'override-intent':
      return [said.predicate.requestDigest, said.predicate.planDigest];
    case 'override-commit': {
      const { requestDigest, planDigest } = said.predicate;
      const documents = movesIn(said.predicate).flatMap(({ to }) => to ?? []);
      return [requestDigest, planDigest, ...documents];
    }
    case 'stage-verdict': {
      const { reportsDigest } = said.predicate;
      return reportsDigest === undefined ? [] : [reportsDigest];
    }
    case 'commit':
      return said.predicate.moves.flatMap(({ versionDigest }) => versionDigest ?? []);
    case 'snapshot':
      return [said.predicate.stateDigest];
    default:
      return [];
  }
}

function decodeAs<T>(schema: z.ZodType<T>, bytes: Uint8Array, name: string): T {
  return parseAs(schema, parseCanonicalBytes(bytes), name);
}

function parseAs<T>(schema: z.ZodType<T>, value: unknown, name: string): T {
  const parsed = schema.safeParse(value);
  if (parsed.success) return parsed.data;
  throw new DomainError(
    'ENTRY_MALFORMED',
    `${name} is not of this version:\n${z.prettifyError(parsed.error)}`,
    {
      next: 'Get the file again from where it was exported.',
    },
  );
}
