import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { DomainError } from '../errors.ts';
import { fromBase64, toBase64 } from '../evidence/base64.ts';
import { type Checkpoint, parseCheckpoint, parseTreeSize } from './checkpoint.ts';
import { emptyRoot, HASH_BYTES } from './merkle-tree.ts';
import { decodeNote, type NoteKey, type SignedNote, type VerifyEd25519 } from './signed-note.ts';
import { type CheckpointRule, judgeCheckpoint } from './verify-checkpoint.ts';

/** Body of C2SP tlog-witness `add-checkpoint`. */
export interface AddCheckpoint {
  /** What the client believes that the witness cosigned last. */
  oldSize: number;
  /** From there to the checkpoint. */
  proof: readonly Uint8Array[];
  /** The checkpoint's bytes, signatures included. */
  note: Uint8Array;
}

/** C2SP tlog-witness: a client must not send more. */
const MAX_PROOF_LINES = 63;
/** As many lines of base64, and the old size before them. */
const MAX_PROOF_BYTES = 4096;

export function encodeAddCheckpoint({ oldSize, proof, note }: AddCheckpoint): Uint8Array {
  return concatBytes(utf8ToBytes(`${[`old ${oldSize}`, ...proof.map(toBase64)].join('\n')}\n\n`), note);
}

/** Throws `ENTRY_MALFORMED`, and `TOO_LARGE` for a size over 2**53 - 1. The note is not looked into. */
export function decodeAddCheckpoint(bytes: Uint8Array): AddCheckpoint {
  const end = bytes.findIndex((byte, i) => byte === LINE_FEED && bytes[i + 1] === LINE_FEED);
  if (end === -1 || end > MAX_PROOF_BYTES) throw malformed('no empty line follows the proof');
  const [oldLine = '', ...proofLines] = String.fromCharCode(...bytes.subarray(0, end)).split('\n');
  if (!oldLine.startsWith('old ')) throw malformed('its first line is not the old size');
  if (proofLines.length > MAX_PROOF_LINES) throw malformed(`the proof has ${proofLines.length} lines`);
  const proof = proofLines.map((line) => {
    const hash = fromBase64(line);
    if (hash?.length !== HASH_BYTES) throw malformed('a line of the proof is not the base64 of 32 bytes');
    return hash;
  });
  return { oldSize: parseTreeSize(oldLine.slice('old '.length)), proof, note: bytes.subarray(end + 2) };
}

/** How C2SP tlog-witness names a log in a path: the lower-case hex SHA-256 of its origin. */
export function originHash(origin: string): string {
  return bytesToHex(sha256(utf8ToBytes(origin)));
}

/** What a witness answers: a cosignature on this note, or a status of C2SP tlog-witness and why. */
export type WitnessDecision =
  | { cosign: true; note: SignedNote; checkpoint: Checkpoint; logKey: NoteKey }
  | { cosign: false; status: 400 | 403 | 404 | 422; why: string }
  | { cosign: false; status: 409; cosignedSize: number };

/**
 * Decides on one request (C2SP tlog-witness, `add-checkpoint`). `lastCosigned` is what the witness remembers of the
 * log with that key, null for nothing. Never throws.
 */
export function decideCosignature(
  body: Uint8Array,
  context: {
    logKeys: readonly NoteKey[];
    lastCosigned: (logKey: NoteKey) => Pick<Checkpoint, 'size' | 'root'> | null;
    verify: VerifyEd25519;
    nowMs: number;
  },
): WitnessDecision {
  let request: AddCheckpoint;
  let claimed: Checkpoint;
  try {
    request = decodeAddCheckpoint(body);
    claimed = parseCheckpoint(decodeNote(request.note).text);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { cosign: false, status: 400, why: error.message };
  }
  const logKey = context.logKeys.find(({ name }) => name === claimed.origin);
  if (!logKey) return { cosign: false, status: 404, why: `The log ${claimed.origin} is not known here.` };
  const previous = context.lastCosigned(logKey) ?? { size: 0, root: emptyRoot() };
  const verdict = judgeCheckpoint(request.note, {
    previous,
    proof: request.proof,
    logKey,
    witnessKeys: [],
    threshold: 0,
    verify: context.verify,
    nowMs: context.nowMs,
    maxAgeMs: Number.POSITIVE_INFINITY,
  });
  const wrong = (rules: readonly CheckpointRule[]) =>
    verdict.ok
      ? []
      : verdict.reasons.filter(({ rule }) => rules.includes(rule)).map(({ message }) => message);
  const [unsigned] = wrong(['wrong-key', 'wrong-origin', 'malformed']);
  if (unsigned !== undefined) return { cosign: false, status: 403, why: unsigned };
  if (request.oldSize > claimed.size) {
    return { cosign: false, status: 400, why: `${claimed.size} entries hold no tree of ${request.oldSize}.` };
  }
  if (request.oldSize !== previous.size) return { cosign: false, status: 409, cosignedSize: previous.size };
  if (!verdict.ok)
    return { cosign: false, status: 422, why: verdict.reasons.map(({ message }) => message).join(' ') };
  return { cosign: true, note: verdict.note, checkpoint: verdict.checkpoint, logKey };
}

const LINE_FEED = 0x0a;

function malformed(why: string): DomainError {
  return new DomainError('ENTRY_MALFORMED', `This is no request to a witness: ${why}.`, {
    next: 'Send what C2SP tlog-witness describes for add-checkpoint.',
  });
}
