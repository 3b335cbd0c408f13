import { DomainError, PortError } from '../domain/errors.ts';
import { verifiedSignature } from '../domain/log/checkpoint.ts';
import type { NoteKey, NoteSignature, SignedNote, VerifyEd25519 } from '../domain/log/signed-note.ts';
import type { Witness } from './ports/witness.ts';

export interface WitnessPorts {
  witnesses: readonly { key: NoteKey; witness: Witness }[];
  /** How many of them must cosign. */
  threshold: number;
  verify: VerifyEd25519;
}

/** The tree that the note is about. */
export interface CosignedTree {
  size: number;
  /** The size that the witnesses probably cosigned last. */
  since: number;
  proofFrom(oldSize: number): Promise<Uint8Array[]>;
}

/** A witness's last size is learnt from its first refusal; after that it moves only when others integrate too. */
const MAX_TRIES = 3;

/**
 * The note with the witnesses' cosignatures, or, when a witness has seen a longer log, its size: then the note is out
 * of date. Throws `LOG_FORKED` as soon as one witness says so, and what the witnesses throw when fewer than the
 * threshold cosigned.
 */
export async function cosign(
  ports: WitnessPorts,
  note: SignedNote,
  tree: CosignedTree,
): Promise<SignedNote | { cosignedSize: number }> {
  const answers = await Promise.allSettled(
    ports.witnesses.map(({ key, witness }) => askWitness(witness, key, ports.verify, note, tree)),
  );
  const failures = answers.flatMap((one) => (one.status === 'rejected' ? [one.reason] : []));
  const forked = failures.find((error) => error instanceof DomainError && error.code === 'LOG_FORKED');
  if (forked) throw forked;
  const given = answers.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  const ahead = given.find((one) => 'cosignedSize' in one);
  if (ahead) return ahead;
  const cosignatures = given.filter((one) => 'signature' in one);
  if (cosignatures.length < ports.threshold) throw failures[0] ?? tooFew(ports);
  return { ...note, signatures: [...note.signatures, ...cosignatures] };
}

async function askWitness(
  witness: Witness,
  key: NoteKey,
  verify: VerifyEd25519,
  note: SignedNote,
  tree: CosignedTree,
): Promise<NoteSignature | { cosignedSize: number }> {
  let oldSize = tree.since;
  for (let tries = 0; tries < MAX_TRIES; tries += 1) {
    const answer = await witness.addCheckpoint(note, oldSize, await tree.proofFrom(oldSize));
    if ('cosignatures' in answer) return ownCosignature(answer.cosignatures, key, verify, note);
    if (answer.cosignedSize > tree.size) return answer;
    oldSize = answer.cosignedSize;
  }
  throw unavailable(`The witness ${key.name} named another last size each time it was asked.`, 'Try again.');
}

function ownCosignature(
  cosignatures: readonly NoteSignature[],
  key: NoteKey,
  verify: VerifyEd25519,
  { text }: SignedNote,
): NoteSignature {
  const own = cosignatures.find(
    ({ name, keyId, signature }) =>
      name === key.name && keyId === key.keyId && verifiedSignature(text, signature, key, verify) !== null,
  );
  if (own) return own;
  throw unavailable(
    `The witness ${key.name} answered without a cosignature by ${key.name}+${key.keyId}.`,
    'Compare its vkey with the one that is configured.',
  );
}

function tooFew({ witnesses, threshold }: WitnessPorts): PortError {
  return unavailable(
    `${threshold} witnesses must cosign and only ${witnesses.length} are configured.`,
    'Add one.',
  );
}

function unavailable(message: string, next: string): PortError {
  return new PortError('WITNESS_UNAVAILABLE', message, { next });
}
