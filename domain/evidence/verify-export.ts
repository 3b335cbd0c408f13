import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { DomainError, type ErrorCode } from '../errors.ts';
import type { Checkpoint } from '../log/checkpoint.ts';
import { parseVkey, type VerifyEd25519 } from '../log/signed-note.ts';
import type { EntryFate } from '../log/state.ts';
import { decodeEntryBundle, tileAt, tilePath } from '../log/tiles.ts';
import { judgeCheckpoint } from '../log/verify-checkpoint.ts';
import { type AuditedEntry, createEntryAudit, type Discrepancy, snapshotIn } from './audit-entries.ts';
import { toBase64 } from './base64.ts';
import { canonicalText, type Digest, parseJsonBytes } from './canonical-json.ts';
import {
  bodiesNamed,
  bodyFile,
  changeOfHistory,
  decodeManifest,
  decodePins,
  EXPORT_FILES,
  type ExportManifest,
  openTrust,
  type Pins,
  tileFile,
} from './export-layout.ts';
import { CSV_HEADER, csvLine, flatEntry, jsonLine } from './flat-log.ts';
import { bodiesInPlan } from './read-plan.ts';
import type { TrustDocument, TrustIndex } from './trust.ts';
import { tileFilesOf, verifiedEntries } from './verify-tiles.ts';

/** The exported folder, as whoever opens it can read it. Paths have forward slashes. */
export interface ExportReader {
  /** Every file, at any depth. */
  list(): Promise<readonly string[]>;
  /** A file's bytes in chunks of any size. Throws `NOT_FOUND`. */
  open(path: string): AsyncIterable<Uint8Array>;
}

export interface VerifyInput {
  verify: VerifyEd25519;
  nowMs: number;
  /** The auditor's own; without them those of the folder are believed, and the verdict is only as good as they are. */
  pins?: Pins | undefined;
}

export interface ExportVerdict {
  ok: boolean;
  environment: string | null;
  /** Entries that the checkpoint covers; null when there is none to believe. */
  size: number | null;
  /** Base64, as in the checkpoint. */
  root: string | null;
  /** When the log was known to be so long: the oldest of the witnesses' times. Null without witnesses. */
  cosignedAt: string | null;
  pins: Pins | null;
  fates: Record<EntryFate['fate'], number>;
  /** Changes whose bodies are here, and effects judged with them; `unjudged`: of changes whose bodies are not. */
  changes: number;
  effects: { judged: number; unjudged: number };
  discrepancies: Discrepancy[];
}

/**
 * Verifies an export offline, believing nothing but the pins: all files are there, none is another, none is unknown;
 * checkpoint and cosignatures; the whole tree; every entry's fate and every effect's proof (`createEntryAudit`); every
 * body by its digest; and that the flat log says what the entries say. Everything that is wrong is listed at once.
 * Throws only what the reader throws, apart from `NOT_FOUND`.
 */
export async function verifyExport(reader: ExportReader, input: VerifyInput): Promise<ExportVerdict> {
  const verdict = emptyVerdict();
  const report = (discrepancy: Discrepancy) => void verdict.discrepancies.push(discrepancy);
  const files = await accountForFiles(reader, report);
  const opened = files && (await openTrusted(reader, input, files, report));
  if (opened) {
    const { pins, trust, checkpoint, cosignedAtMs } = opened;
    Object.assign(verdict, {
      environment: pins.environment,
      pins,
      size: checkpoint.size,
      root: toBase64(checkpoint.root),
      cosignedAt: cosignedAtMs === null ? null : new Date(cosignedAtMs).toISOString(),
      changes: files.manifest.changes.length,
    });
    await judgeEntries(reader, { trust, checkpoint, pins, verify: input.verify, files }, verdict, report);
  }
  return { ...verdict, ok: verdict.discrepancies.length === 0 };
}

type Report = (discrepancy: Discrepancy) => void;

interface Files {
  manifest: ExportManifest;
  /** As found, not as the manifest says. */
  digests: ReadonlyMap<string, string>;
}

/** Null when there is no manifest: then nothing says what the folder is. */
async function accountForFiles(reader: ExportReader, report: Report): Promise<Files | null> {
  const manifest = await attempt(EXPORT_FILES.manifest, report, async () =>
    decodeManifest(await readAll(reader, EXPORT_FILES.manifest)),
  );
  if (manifest === null) return null;
  const found = new Set(await reader.list());
  const digests = new Map<string, string>();
  for (const [path, digest] of Object.entries(manifest.files)) {
    if (!found.has(path)) {
      report(wrong('file-is-here', path, 'The manifest lists it, and it is not here.', 'NOT_FOUND'));
      continue;
    }
    const actual = await digestFile(reader, path);
    digests.set(path, actual);
    if (actual !== digest)
      report(wrong('file-as-listed', path, `It has the digest ${actual}, not ${digest}.`));
  }
  for (const path of found) {
    if (path === EXPORT_FILES.manifest || Object.hasOwn(manifest.files, path)) continue;
    report(wrong('no-other-file', path, 'The manifest does not list it.'));
  }
  return { manifest, digests };
}

interface Trusted {
  pins: Pins;
  trust: TrustDocument;
  checkpoint: Checkpoint;
  cosignedAtMs: number | null;
}

async function openTrusted(
  reader: ExportReader,
  { verify, nowMs, pins: own }: VerifyInput,
  { manifest }: Files,
  report: Report,
): Promise<Trusted | null> {
  const theirs = await attempt(EXPORT_FILES.pins, report, async () =>
    decodePins(await readAll(reader, EXPORT_FILES.pins)),
  );
  const pins = own ?? theirs;
  if (pins === null) return null;
  if (own !== undefined && theirs !== null && canonicalText(own) !== canonicalText(theirs)) {
    report(
      wrong('pins-are-mine', EXPORT_FILES.pins, 'It pins other keys, or another trust document, than yours.'),
    );
  }
  const trust = await attempt(EXPORT_FILES.trust, report, async () =>
    openTrust(parseJsonBytes(await readAll(reader, EXPORT_FILES.trust)), pins.trustDigest),
  );
  const bytes = await attempt(EXPORT_FILES.checkpoint, report, () =>
    readAll(reader, EXPORT_FILES.checkpoint),
  );
  if (trust === null || bytes === null) return null;
  if (trust.environment !== manifest.environment || pins.environment !== manifest.environment) {
    report(
      wrong(
        'one-environment',
        EXPORT_FILES.manifest,
        `It is of ${manifest.environment}; pinned is ${pins.environment}.`,
      ),
    );
  }
  const judged = judgeCheckpoint(bytes, {
    logKey: parseVkey(pins.logKey),
    witnessKeys: pins.witnessKeys.map(parseVkey),
    threshold: pins.witnessKeys.length,
    verify,
    nowMs,
    // An export is read years later: how old its cosignatures are is for the reader of the verdict to judge.
    maxAgeMs: Number.POSITIVE_INFINITY,
  });
  if (judged.ok) return { pins, trust, checkpoint: judged.checkpoint, cosignedAtMs: judged.cosignedAtMs };
  for (const reason of judged.reasons) report({ ...reason, entry: null, file: EXPORT_FILES.checkpoint });
  return null;
}

async function judgeEntries(
  reader: ExportReader,
  {
    trust,
    checkpoint,
    pins,
    verify,
    files,
  }: Omit<Trusted, 'cosignedAtMs'> & { verify: VerifyEd25519; files: Files },
  verdict: ExportVerdict,
  report: Report,
): Promise<void> {
  const readTile = (path: string) => readOrNull(reader, tileFile(path));
  const expected = new Map<string, { entry: number; change: string | null }>();
  const flat = createFlatDigests();
  const selected = new Set(files.manifest.changes);
  const snapshotSizes = await snapshotSizesIn(checkpoint, readTile);
  const audit = createEntryAudit({
    environment: pins.environment,
    trust,
    verify,
    body: (digest) => readOrNull(reader, bodyFile(digest)),
    snapshotSizes,
  });
  for await (const bytes of verifiedEntries(checkpoint, readTile, report)) {
    const { trust: index } = audit.judge;
    const audited = await audit.next(bytes);
    verdict.fates[audited.fate.fate] += 1;
    flat.add(bytes, audited, index);
    if (audited.fate.fate === 'honoured') await expectBodies(reader, audited, selected, expected);
  }
  verdict.discrepancies.push(...audit.discrepancies);
  verdict.effects = { ...audit.effects };
  if (audit.state.trustInForce.index === null)
    report(wrong('trust-in-log', EXPORT_FILES.trust, 'No entry names it.'));
  accountForPurpose(files, checkpoint, expected, flat, audit.state, report);
}

/** Every file has a reason to be here, and every reason its file. */
function accountForPurpose(
  { manifest, digests }: Files,
  { size }: Checkpoint,
  bodies: ReadonlyMap<string, { entry: number }>,
  flat: FlatDigests,
  state: { changes: object; ended: object },
  report: Report,
): void {
  for (const [path, { entry }] of bodies) {
    if (!digests.has(path))
      report({
        ...wrong('body-is-here', path, 'An entry names it, and it is not here.', 'NOT_FOUND'),
        entry,
      });
    else if (bodyFile(digests.get(path) as Digest) !== path)
      report({ ...wrong('body-as-named', path, `Its bytes have the digest ${digests.get(path)}.`), entry });
  }
  for (const id of manifest.changes) {
    if (!Object.hasOwn(state.changes, id) && !Object.hasOwn(state.ended, id))
      report(
        wrong(
          'changes-in-log',
          EXPORT_FILES.manifest,
          `It lists the change ${id}, which the log does not know.`,
        ),
      );
  }
  if (new Set(manifest.changes).size !== manifest.changes.length)
    report(wrong('changes-once', EXPORT_FILES.manifest, 'It lists a change twice.'));
  const { manifest: _, ...single } = EXPORT_FILES;
  const known = new Set<string>([...Object.values(single), ...tileFilesOf(size), ...bodies.keys()]);
  for (const path of Object.keys(manifest.files)) {
    const change = changeOfHistory(path);
    if (known.has(path) || (change !== null && manifest.changes.includes(change))) continue;
    report(wrong('file-has-a-reason', path, 'No entry and no tile explains it.'));
  }
  for (const [path, digest] of Object.entries(flat.digests())) {
    if (digests.get(path) !== digest)
      report(wrong('flat-log-as-entries', path, `It does not say what the ${size} entries say.`));
  }
}

async function expectBodies(
  reader: ExportReader,
  { fate, statement }: AuditedEntry,
  selected: ReadonlySet<string>,
  expected: Map<string, { entry: number; change: string | null }>,
): Promise<void> {
  if (statement === null) return;
  const change = 'changeId' in statement.predicate ? statement.predicate.changeId : null;
  if (change !== null && !selected.has(change)) return;
  const expect = (digest: Digest) => {
    const path = bodyFile(digest);
    if (!expected.has(path)) expected.set(path, { entry: fate.index, change });
  };
  bodiesNamed(statement).forEach(expect);
  if (statement.type !== 'plan') return;
  const plan = await readOrNull(reader, bodyFile(statement.predicate.planDigest));
  if (plan !== null) bodiesInPlan(plan).forEach(expect);
}

/** Snapshots are named by entries behind them: a first look says at which sizes a state has to be remembered. */
async function snapshotSizesIn(
  { size }: Checkpoint,
  readTile: (path: string) => Promise<Uint8Array | null>,
): Promise<Set<number>> {
  const sizes = new Set<number>();
  for (let index = 0; ; index += 1) {
    const bundle = tileAt('entries', index, size);
    const bytes = bundle && (await readTile(tilePath(bundle)));
    if (!bundle || !bytes) return sizes;
    try {
      for (const entry of decodeEntryBundle(bytes, bundle)) {
        const snapshot = snapshotIn(entry);
        if (snapshot !== null) sizes.add(snapshot.size);
      }
    } catch {
      // A bundle that cannot be read is named, and ends the log, where its tree is made.
      return sizes;
    }
  }
}

type FlatDigests = ReturnType<typeof createFlatDigests>;

/** The digests that the flat log must have, without holding it in memory. */
function createFlatDigests() {
  const json = sha256.create();
  const csv = sha256.create().update(utf8ToBytes(CSV_HEADER));
  return {
    add(bytes: Uint8Array, { statement, fate }: AuditedEntry, index: TrustIndex) {
      const entry = flatEntry(bytes, statement, fate, index);
      json.update(utf8ToBytes(jsonLine(entry)));
      csv.update(utf8ToBytes(csvLine(entry)));
    },
    digests: () => ({
      [EXPORT_FILES.jsonLines]: `sha256:${bytesToHex(json.digest())}`,
      [EXPORT_FILES.csv]: `sha256:${bytesToHex(csv.digest())}`,
    }),
  };
}

function emptyVerdict(): ExportVerdict {
  return {
    ok: false,
    environment: null,
    size: null,
    root: null,
    cosignedAt: null,
    pins: null,
    fates: { honoured: 0, void: 0, duplicate: 0, inert: 0 },
    changes: 0,
    effects: { judged: 0, unjudged: 0 },
    discrepancies: [],
  };
}

async function readAll(reader: ExportReader, path: string): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of reader.open(path)) chunks.push(chunk);
  return concatBytes(...chunks);
}

async function readOrNull(reader: ExportReader, path: string): Promise<Uint8Array | null> {
  try {
    return await readAll(reader, path);
  } catch (error) {
    if (error instanceof DomainError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}

async function digestFile(reader: ExportReader, path: string): Promise<Digest> {
  const hash = sha256.create();
  for await (const chunk of reader.open(path)) hash.update(chunk);
  return `sha256:${bytesToHex(hash.digest())}`;
}

/** What cannot be read is a finding about its file. */
async function attempt<T>(file: string, report: Report, read: () => Promise<T>): Promise<T | null> {
  try {
    return await read();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    report(wrong('readable', file, error.message, error.code));
    return null;
  }
}

function wrong(
  rule: string,
  file: string,
  message: string,
  code: ErrorCode = 'DIGEST_MISMATCH',
): Discrepancy {
  const remedy =
    'Compare with another copy of the export, or export it again; if it stays so, page whoever runs the log.';
  return { code, rule, message, remedy, entry: null, file };
}
