import { DomainError } from '../domain/errors.ts';
import type { Signer } from '../domain/evidence/dsse.ts';
import { type Checkpoint, cosignNote } from '../domain/log/checkpoint.ts';
import {
  encodeNote,
  formatSignatureLine,
  type NoteKey,
  signaturesOf,
  type VerifyEd25519,
} from '../domain/log/signed-note.ts';
import { judgeCheckpoint } from '../domain/log/verify-checkpoint.ts';
import { decideCosignature } from '../domain/log/witness-request.ts';
import type { Clock } from './ports/clock.ts';
import type { WitnessMemory } from './ports/witness-memory.ts';

export interface WitnessOwnPorts {
  /** Of type `cosignature/v1`, and this witness's alone. */
  key: NoteKey;
  signer: Pick<Signer, 'sign'>;
  /** The logs that it watches, by the keys that sign them; their names are the origins. */
  logKeys: readonly NoteKey[];
  memory: WitnessMemory;
  verify: VerifyEd25519;
  /** Its own time, not the log's. */
  clock: Clock;
}

/** Status, content type and body of C2SP tlog-witness. */
export interface WitnessAnswer {
  status: number;
  contentType: string;
  body: string;
}

/**
 * Answers `add-checkpoint` (C2SP tlog-witness): cosigns what continues the last checkpoint that it cosigned, after
 * that is kept. One request at a time, so that it never signs two histories. Throws what memory and signer throw, and
 * `DIGEST_MISMATCH` when its own memory was changed.
 */
export function createCosigner(ports: WitnessOwnPorts): (body: Uint8Array) => Promise<WitnessAnswer> {
  const { key, signer, logKeys, memory, verify, clock } = ports;

  async function answer(body: Uint8Array): Promise<WitnessAnswer> {
    const remembered = new Map<string, Checkpoint | null>();
    for (const logKey of logKeys) remembered.set(logKey.name, await recall(ports, logKey));
    const lastCosigned = ({ name }: NoteKey) => remembered.get(name) ?? null;
    const decision = decideCosignature(body, { logKeys, lastCosigned, verify, nowMs: clock.nowMs() });
    if (!decision.cosign) {
      return decision.status === 409
        ? { status: 409, contentType: 'text/x.tlog.size', body: `${decision.cosignedSize}\n` }
        : { status: decision.status, contentType: 'text/plain; charset=utf-8', body: `${decision.why}\n` };
    }
    const { note, logKey } = decision;
    const timeS = Math.floor(clock.nowMs() / 1000);
    const cosignature = await cosignNote(note.text, key, timeS, (message) => signer.sign(message));
    const signatures = [...signaturesOf(note, logKey), cosignature];
    await memory.keep(logKey.name, encodeNote({ ...note, signatures }));
    return { status: 200, contentType: 'text/plain; charset=utf-8', body: formatSignatureLine(cosignature) };
  }

  let last: Promise<unknown> = Promise.resolve();
  return (body) => {
    const answered = last.then(() => answer(body));
    last = answered.catch(() => {});
    return answered;
  };
}

/** The last checkpoint cosigned, believed by the witness's own cosignature on it. */
async function recall({ key, memory, verify }: WitnessOwnPorts, logKey: NoteKey): Promise<Checkpoint | null> {
  const bytes = await memory.last(logKey.name);
  if (!bytes) return null;
  const verdict = judgeCheckpoint(bytes, {
    logKey,
    witnessKeys: [key],
    threshold: 1,
    verify,
    // However old it is, and however wrong the clock was or is.
    nowMs: Number.POSITIVE_INFINITY,
    maxAgeMs: Number.POSITIVE_INFINITY,
  });
  if (verdict.ok) return verdict.checkpoint;
  throw new DomainError('DIGEST_MISMATCH', `The memory of ${logKey.name} is not what this witness kept.`, {
    next: 'Restore it from a copy, and find out who changed it. Without it the next checkpoint is believed blindly.',
    reasons: verdict.reasons.map(({ message }) => message),
  });
}
