import { utf8ToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import type { ErrorCode } from '../errors.ts';
import type { Checkpoint } from '../log/checkpoint.ts';
import { MAX_ENTRY_BYTES } from '../log/entry.ts';
import { judgeInclusion, leafHash } from '../log/merkle-tree.ts';
import { parseVkey } from '../log/signed-note.ts';
import { judgeCheckpoint } from '../log/verify-checkpoint.ts';
import { createEntryAudit, type Discrepancy, type EntryAudit } from './audit-entries.ts';
import { fromBase64, toBase64 } from './base64.ts';
import {
  canonicalBytes,
  canonicalText,
  type Digest,
  digestOf,
  isDigest,
  parseCanonicalBytes,
} from './canonical-json.ts';
import { bodiesNamed, openTrustPayload, type Pins, readPins } from './export-layout.ts';
import { bodiesInPlan } from './read-plan.ts';
import type { OpenedStatement } from './statement-codec.ts';
import type { VerifyInput } from './verify-export.ts';

const proofSchema = z.strictObject({
  apiVersion: z.literal('resilience-ctl/proof/v1'),
  changeId: z.string(),
  pins: z.unknown(),
  /** The pinned trust document itself. */
  trust: z.unknown(),
  /** The signed note, as text. */
  checkpoint: z.string(),
  entries: z.array(
    z.strictObject({
      index: z.int().min(0),
      /** The envelope; its canonical JSON is the entry. */
      entry: z.unknown(),
      /** Audit path (RFC 6962 §2.1.1), base64. */
      proof: z.array(z.string()),
    }),
  ),
  bodies: z.record(z.string(), z.unknown()),
});

/**
 * One change, in one file that proves itself: the honoured entries about it and those with the trust documents, each with its audit path under a cosigned checkpoint, and the bodies that they name. What it cannot show is what is
 * *not* in the log (an entry that was left out, a freeze, another change's commit in between): for that, export it all.
 */
export type ChangeProof = z.infer<typeof proofSchema>;

export interface ProvenEntry {
  index: number;
  bytes: Uint8Array;
  statement: OpenedStatement;
  proof: readonly Uint8Array[];
}

export interface ProofParts {
  changeId: string;
  pins: Pins;
  trust: unknown;
  checkpoint: Uint8Array;
  entries: readonly ProvenEntry[];
  bodies: ReadonlyMap<Digest, Uint8Array>;
}

/** The file's bytes: canonical JSON (RFC 8785). Throws `ENTRY_MALFORMED` for a body that is no canonical JSON. */
export function encodeProof({ changeId, pins, trust, checkpoint, entries, bodies }: ProofParts): Uint8Array {
  return canonicalBytes({
    apiVersion: 'resilience-ctl/proof/v1',
    changeId,
    pins,
    trust,
    checkpoint: new TextDecoder().decode(checkpoint),
    entries: entries.map(({ index, bytes, proof }) => ({
      index,
      entry: parseCanonicalBytes(bytes),
      proof: proof.map(toBase64),
    })),
    bodies: Object.fromEntries([...bodies].map(([digest, bytes]) => [digest, parseCanonicalBytes(bytes)])),
  } satisfies ChangeProof);
}

export interface ProofVerdict {
  ok: boolean;
  changeId: string | null;
  environment: string | null;
  size: number | null;
  root: string | null;
  cosignedAt: string | null;
  pins: Pins | null;
  /** What the entries say, in order, once each is proven to be in the log. */
  entries: { index: number; statement: OpenedStatement }[];
  effects: { judged: number; unjudged: number };
  discrepancies: Discrepancy[];
}

/** Verifies a proof offline, believing nothing but the pins. Everything that is wrong is listed at once; never throws. */
export async function verifyProof(bytes: Uint8Array, input: VerifyInput): Promise<ProofVerdict> {
  const verdict: ProofVerdict = {
    ok: false,
    changeId: null,
    environment: null,
    size: null,
    root: null,
    cosignedAt: null,
    pins: null,
    entries: [],
    effects: { judged: 0, unjudged: 0 },
    discrepancies: [],
  };
  try {
    await judgeProof(proofSchema.parse(parseCanonicalBytes(bytes)), input, verdict);
  } catch (error) {
    verdict.discrepancies.push(
      wrong('readable', error instanceof Error ? error.message : String(error), 'ENTRY_MALFORMED'),
    );
  }
  return { ...verdict, ok: verdict.discrepancies.length === 0 };
}

type Report = (rule: string, message: string, entry?: number) => void;

async function judgeProof(proof: ChangeProof, input: VerifyInput, verdict: ProofVerdict): Promise<void> {
  const report: Report = (rule, message, entry) =>
    void verdict.discrepancies.push({ ...wrong(rule, message), entry: entry ?? null });
  const theirs = readPins(proof.pins);
  const pins = input.pins ?? theirs;
  if (canonicalText(pins) !== canonicalText(theirs))
    report('pins-are-mine', 'It pins other keys than yours.');
  const trust = openTrustPayload(canonicalBytes(proof.trust), pins.trustDigest);
  const judged = judgeCheckpoint(utf8ToBytes(proof.checkpoint), {
    logKey: parseVkey(pins.logKey),
    witnessKeys: pins.witnessKeys.map(parseVkey),
    threshold: pins.witnessKeys.length,
    verify: input.verify,
    nowMs: input.nowMs,
    maxAgeMs: Number.POSITIVE_INFINITY,
  });
  if (!judged.ok) {
    verdict.discrepancies.push(...judged.reasons.map((reason) => ({ ...reason, entry: null, file: null })));
    return;
  }
  const { checkpoint, cosignedAtMs, note } = judged;
  // Nothing in the file goes unchecked, as a signature by an unknown key would.
  if (note.signatures.length !== pins.witnessKeys.length + 1)
    report('signatures-known', 'A signature is of no pinned key.');
  Object.assign(verdict, {
    changeId: proof.changeId,
    environment: pins.environment,
    size: checkpoint.size,
    root: toBase64(checkpoint.root),
    cosignedAt: cosignedAtMs === null ? null : new Date(cosignedAtMs).toISOString(),
    pins,
  });
  const bodies = readBodies(proof, report);
  const audit = createEntryAudit({
    environment: pins.environment,
    trust,
    verify: input.verify,
    body: async (digest) => bodies.get(digest) ?? null,
    snapshotSizes: new Set(),
    alone: true,
  });
  verdict.entries = await judgeEntries(proof, checkpoint, audit, report);
  verdict.discrepancies.push(...audit.discrepancies);
  verdict.effects = { ...audit.effects };
  if (audit.state.trustInForce.index === null) report('trust-in-log', 'No entry names the trust document.');
  judgeWhole(verdict.entries, bodies, report);
}

async function judgeEntries(
  { changeId, entries }: ChangeProof,
  checkpoint: Checkpoint,
  audit: EntryAudit,
  report: Report,
): Promise<ProofVerdict['entries']> {
  const said: ProofVerdict['entries'] = [];
  let last = -1;
  for (const { index, entry, proof } of entries) {
    const bytes = canonicalBytes(entry);
    const why = whyNotIncluded(bytes, index, proof, checkpoint);
    if (why !== null) report('inclusion', `Entry ${index} is not shown to be in the log: ${why}.`, index);
    if (index <= last) report('order', `Entry ${index} is out of order.`, index);
    last = index;
    const { fate, statement } = await audit.next(bytes, index);
    if (fate.fate !== 'honoured' && statement?.type !== 'commit') {
      report(
        'counts',
        `Entry ${index} does not count: ${'reason' in fate ? fate.reason : fate.fate}.`,
        index,
      );
    }
    if (statement === null) continue;
    const { type, predicate } = statement;
    if (type !== 'trust' && !('changeId' in predicate && predicate.changeId === changeId))
      report('about-the-change', `Entry ${index} is not about change ${changeId}.`, index);
    said.push({ index, statement });
  }
  return said;
}

/** It begins with a request, and its bodies are those that its entries name. */
function judgeWhole(
  entries: ProofVerdict['entries'],
  bodies: ReadonlyMap<Digest, Uint8Array>,
  report: Report,
): void {
  if (!entries.some(({ statement }) => statement.type === 'request')) report('request', 'It has no request.');
  const named = new Set(entries.flatMap(({ statement }) => namedBodies(statement, bodies)));
  for (const digest of named)
    if (!bodies.has(digest)) report('body-is-here', `The body ${digest} is not in it.`);
  for (const digest of bodies.keys())
    if (!named.has(digest)) report('body-has-a-reason', `Nothing names the body ${digest}.`);
}

/** All the bodies that a statement needs beside it: those that it names, and those that its plan names. */
export function namedBodies(said: OpenedStatement, bodies: ReadonlyMap<Digest, Uint8Array>): Digest[] {
  const plan = said.type === 'plan' ? bodies.get(said.predicate.planDigest) : undefined;
  return [...bodiesNamed(said), ...(plan === undefined ? [] : bodiesInPlan(plan))];
}

function readBodies(
  proof: ChangeProof,
  report: (rule: string, message: string) => void,
): Map<Digest, Uint8Array> {
  const bodies = new Map<Digest, Uint8Array>();
  for (const [digest, body] of Object.entries(proof.bodies)) {
    if (isDigest(digest) && digestOf(body) === digest) bodies.set(digest, canonicalBytes(body));
    else report('body-as-named', `The body ${digest} has the digest ${digestOf(body)}.`);
  }
  return bodies;
}

function whyNotIncluded(
  bytes: Uint8Array,
  index: number,
  path: readonly string[],
  { size, root }: { size: number; root: Uint8Array },
): string | null {
  const proof = path.map(fromBase64);
  if (!proof.every((hash) => hash !== null)) return 'its path is no base64';
  if (bytes.length > MAX_ENTRY_BYTES) return 'it is too large for an entry';
  return judgeInclusion({ index, size, leaf: leafHash(bytes), proof, root });
}

function wrong(rule: string, message: string, code: ErrorCode = 'DIGEST_MISMATCH'): Discrepancy {
  const remedy = 'Ask for the proof again; if it stays so, page whoever runs the log.';
  return { code, rule, message, remedy, entry: null, file: null };
}
