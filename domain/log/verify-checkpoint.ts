import { DomainError, type ErrorCode, type Violation } from '../errors.ts';
import { type Checkpoint, parseCheckpoint, verifiedSignature } from './checkpoint.ts';
import { emptyRoot, judgeConsistency, sameBytes } from './merkle-tree.ts';
import {
  decodeNote,
  type NoteKey,
  type SignedNote,
  signaturesOf,
  type VerifyEd25519,
} from './signed-note.ts';

/** What can be wrong with a checkpoint; each is a rule's name in a verdict. */
export type CheckpointRule =
  | 'malformed'
  | 'wrong-origin'
  | 'wrong-key'
  | 'empty-tree-root'
  | 'smaller'
  | 'fork'
  | 'inconsistent'
  | 'missing-cosignature'
  | 'stale-cosignature';

export interface CheckpointReason extends Violation {
  rule: CheckpointRule;
}

export interface CheckpointContext {
  /** The last one that was accepted; without it, this is the first that is seen of this log. */
  previous?: Pick<Checkpoint, 'size' | 'root'> | undefined;
  /** From `previous` to the new one (`consistencyProof`); absent counts as empty, which suits equal sizes. */
  proof?: readonly Uint8Array[] | undefined;
  /** Its name is the origin that is asked for. */
  logKey: NoteKey;
  /** Keys of the witnesses that are trusted, each of another witness. */
  witnessKeys: readonly NoteKey[];
  /** How many of them must have cosigned, and recently. */
  threshold: number;
  verify: VerifyEd25519;
  nowMs: number;
  /** How old a cosignature may be. */
  maxAgeMs: number;
}

export type CheckpointVerdict =
  | {
      ok: true;
      checkpoint: Checkpoint;
      note: SignedNote;
      /** When the log was known to be so long: the oldest of the newest `threshold` cosignatures. Null for none. */
      cosignedAtMs: number | null;
    }
  | { ok: false; reasons: CheckpointReason[] };

/** How far a witness's clock may be ahead of ours. */
const CLOCK_ALLOWANCE_MS = 60_000;

/**
 * Whether the bytes are a checkpoint of this log that may follow the previous one (DESIGN G9): signed by the log,
 * cosigned recently by enough witnesses, neither shorter nor another history. All reasons at once; never throws.
 * Whoever accepts it keeps it as the next `previous`.
 */
export function judgeCheckpoint(bytes: Uint8Array, context: CheckpointContext): CheckpointVerdict {
  let note: SignedNote;
  let checkpoint: Checkpoint;
  try {
    note = decodeNote(bytes);
    checkpoint = parseCheckpoint(note.text);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { ok: false, reasons: [reason('malformed', error.message)] };
  }
  const { reasons: cosignatureReasons, cosignedAtMs } = judgeCosignatures(note, context);
  const reasons = [
    ...judgeSigner(note, checkpoint, context),
    ...judgeHistory(checkpoint, context),
    ...cosignatureReasons,
  ];
  return reasons.length > 0 ? { ok: false, reasons } : { ok: true, checkpoint, note, cosignedAtMs };
}

function judgeSigner(
  note: SignedNote,
  { origin }: Checkpoint,
  context: CheckpointContext,
): CheckpointReason[] {
  const { logKey, verify } = context;
  const reasons: CheckpointReason[] = [];
  if (origin !== logKey.name) {
    reasons.push(reason('wrong-origin', `It is of ${JSON.stringify(origin)}, not of ${logKey.name}.`));
  }
  const own = signaturesOf(note, logKey);
  // C2SP signed-note: one bad signature of a known key condemns the note, whatever else is on it.
  if (
    own.length === 0 ||
    own.some(({ signature }) => !verifiedSignature(note.text, signature, logKey, verify))
  ) {
    const what = own.length === 0 ? 'No signature is' : 'A signature that says so is not';
    reasons.push(reason('wrong-key', `${what} by the log's key ${logKey.name}+${logKey.keyId}.`));
  }
  return reasons;
}

function judgeHistory({ size, root }: Checkpoint, context: CheckpointContext): CheckpointReason[] {
  const { previous, proof = [] } = context;
  if (size === 0 && !sameBytes(root, emptyRoot())) {
    return [reason('empty-tree-root', 'It has no entries, and the root of a tree that has some.')];
  }
  if (!previous) return [];
  if (size < previous.size) {
    return [reason('smaller', `It has ${size} entries; the one accepted before has ${previous.size}.`)];
  }
  if (size === previous.size && !sameBytes(root, previous.root)) {
    return [reason('fork', `Two trees of ${size} entries have different roots.`)];
  }
  const why = judgeConsistency({
    from: previous.size,
    fromRoot: previous.root,
    to: size,
    toRoot: root,
    proof,
  });
  return why === null ? [] : [reason('inconsistent', `It is not shown to continue the one before: ${why}.`)];
}

function judgeCosignatures(
  note: SignedNote,
  context: CheckpointContext,
): { reasons: CheckpointReason[]; cosignedAtMs: number | null } {
  const { witnessKeys, threshold, verify, nowMs, maxAgeMs } = context;
  const reasons: CheckpointReason[] = [];
  const timesMs: number[] = [];
  for (const key of distinct(witnessKeys)) {
    const times = signaturesOf(note, key).map(({ signature }) =>
      verifiedSignature(note.text, signature, key, verify),
    );
    // Twice by one witness counts once, by its newest time.
    const newestS = Math.max(...times.map((one) => one?.timeS ?? 0));
    if (times.includes(null)) {
      reasons.push(reason('wrong-key', `A cosignature that says so is not by ${key.name}+${key.keyId}.`));
    } else if (newestS > 0) {
      timesMs.push(newestS * 1000);
    }
  }
  const usable = timesMs.filter((timeMs) => timeMs <= nowMs + CLOCK_ALLOWANCE_MS).sort((a, b) => b - a);
  const cosignedAtMs = usable[threshold - 1] ?? null;
  if (timesMs.length < threshold) {
    reasons.push(reason('missing-cosignature', `${timesMs.length} of ${threshold} witnesses cosigned it.`));
  } else if (threshold > 0 && (cosignedAtMs === null || nowMs - cosignedAtMs > maxAgeMs)) {
    const at = timesMs.map((timeMs) => new Date(timeMs).toISOString()).join(', ');
    reasons.push(
      reason('stale-cosignature', `Its cosignatures are of ${at}; at most ${maxAgeMs} ms are allowed.`),
    );
  }
  return { reasons, cosignedAtMs };
}

/** The same key listed twice is still one witness. */
function distinct(keys: readonly NoteKey[]): NoteKey[] {
  return keys.filter(
    (key, i) =>
      key.type === 'cosignature/v1' && keys.findIndex((one) => sameBytes(one.publicKey, key.publicKey)) === i,
  );
}

const PAGE = 'Page: keep both checkpoints, they prove that the log was rewritten.';
const FACTS: Record<CheckpointRule, { code: ErrorCode; remedy: string }> = {
  malformed: { code: 'ENTRY_MALFORMED', remedy: 'Fetch it again; if it stays so, find out who wrote it.' },
  'wrong-origin': {
    code: 'SIGNATURE_INVALID',
    remedy: "Check the address, and which environment's key is configured.",
  },
  'wrong-key': {
    code: 'SIGNATURE_INVALID',
    remedy: 'Compare the vkey with the one that the operator publishes.',
  },
  'empty-tree-root': { code: 'LOG_FORKED', remedy: PAGE },
  smaller: { code: 'LOG_FORKED', remedy: `Fetch it again: an old copy explains it. If it stays so: ${PAGE}` },
  fork: { code: 'LOG_FORKED', remedy: PAGE },
  inconsistent: {
    code: 'LOG_FORKED',
    remedy: `Fetch the proof again, from tiles of the new size. If it stays so: ${PAGE}`,
  },
  'missing-cosignature': { code: 'QUORUM_LOST', remedy: 'Start the witness, then integrate the log again.' },
  'stale-cosignature': {
    code: 'QUORUM_LOST',
    remedy: 'Check the witness and both clocks, then integrate the log again.',
  },
};

function reason(rule: CheckpointRule, message: string): CheckpointReason {
  return { rule, message, ...FACTS[rule] };
}
