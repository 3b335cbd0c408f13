import { createHash } from 'node:crypto';
import { DomainError } from '../../domain/errors.ts';
import { canonicalBytes, type Digest, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import {
  bodiesNamed,
  bodyFile,
  EXPORT_FILES,
  encodeManifest,
  historyFile,
  type Pins,
  tileFile,
} from '../../domain/evidence/export-layout.ts';
import { CSV_HEADER, csvLine, flatEntry, jsonLine } from '../../domain/evidence/flat-log.ts';
import { bodiesInPlan } from '../../domain/evidence/read-plan.ts';
import type { Checkpoint } from '../../domain/log/checkpoint.ts';
import { sameBytes } from '../../domain/log/merkle-tree.ts';
import { parseVkey, type VerifyEd25519 } from '../../domain/log/signed-note.ts';
import { EMPTY_EDGE, edgeRoot, growTree, partialFiles, type TileFile } from '../../domain/log/tree-edge.ts';
import { judgeCheckpoint } from '../../domain/log/verify-checkpoint.ts';
import type { EvidenceSource } from './evidence-source.ts';
import { type FoldedEntry, foldedEntries } from './folded-entries.ts';

/** Which changes' bodies and histories are wanted; the log itself is always exported whole. */
export interface ExportSelection {
  changeId?: string;
  /** RFC 3339; a change is in when one of its entries says a time in between. */
  since?: string;
  until?: string;
}

/** Where the files go. */
export interface ExportFolder {
  write(path: string, bytes: Uint8Array): Promise<void>;
  append(path: string, text: string): Promise<void>;
}

export interface ExportSummary {
  environment: string;
  size: number;
  changes: string[];
  files: number;
  /** Bodies that an entry names and the store does not have: `audit verify` will say so too. */
  missing: { digest: Digest; entry: number }[];
}

/**
 * Writes an export (`EXPORT_FILES`). The tiles are made here, out of the log, and must end in the root of the
 * published checkpoint. The manifest comes last: a folder without one is no export. Throws `NOT_FOUND` where no
 * checkpoint is published or the change is unknown, `LOG_FORKED` where log and checkpoint are not of one tree, and
 * what the source throws.
 */
export async function writeExport(
  source: EvidenceSource,
  folder: ExportFolder,
  selection: ExportSelection,
  { verify, nowMs }: { verify: VerifyEd25519; nowMs: number },
): Promise<ExportSummary> {
  const { bytes, checkpoint, pins } = await openCheckpoint(source, verify, nowMs);
  const digests: Record<string, Digest> = {};
  const write = async (path: string, content: Uint8Array) => {
    if (Object.hasOwn(digests, path)) return;
    digests[path] = digestOfBytes(content);
    await folder.write(path, content);
  };
  const named = await writeLog(source, { folder, write, digests }, checkpoint, verify);
  const changes = selectChanges(named, selection);
  const missing = await writeBodies(source, write, named, changes);
  for (const changeId of changes) {
    for (const { runId, history } of await source.histories(changeId)) {
      await write(historyFile(changeId, runId), canonicalBytes(history));
    }
  }
  await write(EXPORT_FILES.trust, source.trustFile);
  await write(EXPORT_FILES.pins, canonicalBytes(pins));
  await write(EXPORT_FILES.checkpoint, bytes);
  const manifest = encodeManifest({ environment: source.environment, changes, files: digests });
  await folder.write(EXPORT_FILES.manifest, manifest);
  const { environment } = source;
  return { environment, size: checkpoint.size, changes, files: Object.keys(digests).length + 1, missing };
}

/** The published checkpoint, if log and witnesses signed it. Throws `NOT_FOUND`, `LOG_FORKED`. */
export async function openCheckpoint(
  source: EvidenceSource,
  verify: VerifyEd25519,
  nowMs: number,
): Promise<{ bytes: Uint8Array; checkpoint: Checkpoint; pins: Pins }> {
  const bytes = await source.checkpoint();
  const { pins } = source;
  if (bytes === null || pins === null) {
    throw new DomainError('NOT_FOUND', `No checkpoint of the log of ${source.environment} is published.`, {
      next: 'Start the witness and the integration of the log; without a signed checkpoint nothing proves it whole.',
    });
  }
  const judged = judgeCheckpoint(bytes, {
    logKey: parseVkey(pins.logKey),
    witnessKeys: pins.witnessKeys.map(parseVkey),
    threshold: pins.witnessKeys.length,
    verify,
    nowMs,
    maxAgeMs: Number.POSITIVE_INFINITY,
  });
  if (judged.ok) return { bytes, checkpoint: judged.checkpoint, pins };
  throw new DomainError(
    'LOG_FORKED',
    `The published checkpoint of ${source.environment} is not to be believed.`,
    {
      next: 'Page whoever runs the log: keep the checkpoint, it is evidence.',
      violations: judged.reasons,
    },
  );
}

type Write = (path: string, bytes: Uint8Array) => Promise<void>;

/** What each change names, and when it said something. */
interface Named {
  bodies: { digest: Digest; entry: number; changeId: string | null; isPlan: boolean; bytes?: Uint8Array }[];
  times: Map<string, string[]>;
}

async function writeLog(
  source: EvidenceSource,
  out: { folder: ExportFolder; write: Write; digests: Record<string, Digest> },
  { size, root }: Checkpoint,
  verify: VerifyEd25519,
): Promise<Named> {
  const named: Named = { bodies: [], times: new Map() };
  const flat = createFlatWriter(out);
  const writeTiles = (files: readonly TileFile[]) =>
    Promise.all(files.map(({ path, bytes }) => out.write(tileFile(path), bytes)));
  let edge = EMPTY_EDGE;
  for await (const entry of foldedEntries(source, verify)) {
    if (entry.index === size) break;
    const grown = growTree(edge, [entry.bytes]);
    edge = grown.edge;
    await writeTiles(grown.full);
    await flat.add(entry);
    await noteNamed(source, entry, named);
  }
  await flat.end();
  await writeTiles(partialFiles(edge, 0));
  if (edge.size === size && sameBytes(edgeRoot(edge), root)) return named;
  throw new DomainError(
    'LOG_FORKED',
    `The log's first ${edge.size} entries are not the ${size} that were signed in its checkpoint.`,
    { next: 'Page: somebody changed the log or its checkpoint. Keep both.' },
  );
}

async function noteNamed(
  source: EvidenceSource,
  { index, fate, statement }: FoldedEntry,
  named: Named,
): Promise<void> {
  if (fate.fate !== 'honoured' || statement === null) return;
  const { predicate } = statement;
  const changeId = 'changeId' in predicate ? predicate.changeId : null;
  if (changeId !== null) {
    const at = 'at' in predicate ? predicate.at : predicate.issuedAt;
    named.times.set(changeId, [...(named.times.get(changeId) ?? []), at]);
  }
  if (statement.type === 'snapshot') {
    const bytes = await source.snapshot(statement.predicate);
    named.bodies.push({
      digest: statement.predicate.stateDigest,
      entry: index,
      changeId: null,
      isPlan: false,
      ...(bytes === null ? {} : { bytes }),
    });
    return;
  }
  const planDigest = statement.type === 'plan' ? statement.predicate.planDigest : null;
  for (const digest of bodiesNamed(statement)) {
    named.bodies.push({ digest, entry: index, changeId, isPlan: digest === planDigest });
  }
}

function selectChanges({ times }: Named, { changeId, since, until }: ExportSelection): string[] {
  if (changeId !== undefined && !times.has(changeId)) {
    throw new DomainError('NOT_FOUND', `The log knows no change ${changeId}.`, {
      next: 'See `resilience-ctl status` for the changes that it knows.',
    });
  }
  return [...times]
    .filter(([id]) => changeId === undefined || id === changeId)
    .filter(([, ats]) => ats.some((at) => isBetween(at, since, until)))
    .map(([id]) => id)
    .sort();
}

function isBetween(at: string, since: string | undefined, until: string | undefined): boolean {
  const ms = Date.parse(at);
  return (since === undefined || ms >= Date.parse(since)) && (until === undefined || ms <= Date.parse(until));
}

async function writeBodies(
  source: EvidenceSource,
  write: Write,
  named: Named,
  changes: readonly string[],
): Promise<ExportSummary['missing']> {
  const selected = new Set<string | null>([null, ...changes]);
  const missing: ExportSummary['missing'] = [];
  const fetch = async (digest: Digest, entry: number, known?: Uint8Array) => {
    const bytes = known ?? (await source.body(digest));
    if (bytes === null) missing.push({ digest, entry });
    else await write(bodyFile(digest), bytes);
    return bytes;
  };
  for (const { digest, entry, changeId, isPlan, bytes } of named.bodies) {
    if (!selected.has(changeId)) continue;
    const body = await fetch(digest, entry, bytes);
    if (!isPlan || body === null) continue;
    for (const document of bodiesInPlan(body)) await fetch(document, entry);
  }
  return missing;
}

/** Lines that are put together before they are written. */
const LINES_AT_ONCE = 1000;

function createFlatWriter({ folder, digests }: { folder: ExportFolder; digests: Record<string, Digest> }) {
  const files = [
    { path: EXPORT_FILES.jsonLines, hash: createHash('sha256'), lineOf: jsonLine, lines: [] as string[] },
    { path: EXPORT_FILES.csv, hash: createHash('sha256'), lineOf: csvLine, lines: [CSV_HEADER] },
  ];
  const flush = async () => {
    for (const { path, hash, lines } of files) {
      const text = lines.splice(0).join('');
      hash.update(text);
      await folder.append(path, text);
    }
  };
  return {
    async add({ bytes, statement, fate, judge }: FoldedEntry) {
      const entry = flatEntry(bytes, statement, fate, judge.trust);
      for (const { lines, lineOf } of files) lines.push(lineOf(entry));
      if (fate.index % LINES_AT_ONCE === 0) await flush();
    },
    async end() {
      await flush();
      for (const { path, hash } of files) digests[path] = `sha256:${hash.digest('hex')}`;
    },
  };
}
