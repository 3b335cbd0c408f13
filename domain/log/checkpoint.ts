import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { DomainError } from '../errors.ts';
import { fromBase64, toBase64 } from '../evidence/base64.ts';
import { HASH_BYTES, isTreeSize } from './merkle-tree.ts';
import { type NoteKey, type NoteSignature, noteMessage, type VerifyEd25519 } from './signed-note.ts';

/** C2SP tlog-checkpoint: what a log's tree is at one size. */
export interface Checkpoint {
  origin: string;
  size: number;
  root: Uint8Array;
}

/**
 * The origin of an environment's log, and the name of the key that signs it: a schema-less URL, as C2SP
 * tlog-checkpoint recommends. Nothing need answer there. Two installations may both have an environment `prod`; what
 * tells their logs apart is the key, which everybody who verifies one is configured with.
 */
export function logOrigin(environment: string): string {
  return `resilience-ctl.dev/${environment}`;
}

/** The note's text: origin, size and root, a line each. */
export function formatCheckpoint({ origin, size, root }: Checkpoint): string {
  return `${origin}\n${size}\n${toBase64(root)}\n`;
}

/**
 * Reads a note's text. Extension lines are allowed and not looked at; C2SP advises against them, and this product
 * writes none. Throws `ENTRY_MALFORMED`, and `TOO_LARGE` for a size over 2**53 - 1.
 */
export function parseCheckpoint(text: string): Checkpoint {
  const [origin = '', sizeText = '', rootText = '', ...rest] = text.split('\n');
  const root = fromBase64(rootText);
  const extensions = rest.slice(0, -1);
  if (origin === '' || rest.at(-1) !== '' || extensions.includes('')) {
    throw malformed('it is not three or more lines, none of them empty');
  }
  if (root?.length !== HASH_BYTES) throw malformed('its root is not the base64 of 32 bytes');
  return { origin, size: parseTreeSize(sizeText), root };
}

/**
 * A tree size in ASCII decimal without leading zeroes, as checkpoints and witnesses write it. Throws
 * `ENTRY_MALFORMED`, and `TOO_LARGE` for one over 2**53 - 1: C2SP allows 64 bits, JavaScript would round them.
 */
export function parseTreeSize(text: string): number {
  if (!/^(0|[1-9][0-9]*)$/.test(text)) throw malformed('its size is no decimal number');
  const size = Number(text);
  if (isTreeSize(size)) return size;
  throw new DomainError(
    'TOO_LARGE',
    `The checkpoint claims ${text} entries; at most 2**53 - 1 are understood.`,
    {
      next: 'Find out who signed it: no log of this product is that long.',
    },
  );
}

/** The log's own signature over a note's text. Throws what `sign` throws. */
export async function signNote(
  text: string,
  key: NoteKey,
  sign: (message: Uint8Array) => Promise<Uint8Array>,
): Promise<NoteSignature> {
  return { name: key.name, keyId: key.keyId, signature: await sign(noteMessage(text)) };
}

/**
 * A witness's cosignature (C2SP tlog-cosignature v1, Ed25519) at its own time, in whole seconds since the epoch.
 * Throws what `sign` throws.
 */
export async function cosignNote(
  text: string,
  key: NoteKey,
  timeS: number,
  sign: (message: Uint8Array) => Promise<Uint8Array>,
): Promise<NoteSignature> {
  const signature = concatBytes(timestampBytes(timeS), await sign(cosignedMessage(text, timeS)));
  return { name: key.name, keyId: key.keyId, signature };
}

/** What one signature by one key is worth: null when it does not verify, or its key's type is not known. */
export function verifiedSignature(
  text: string,
  signature: Uint8Array,
  key: NoteKey,
  verify: VerifyEd25519,
): { timeS: number | null } | null {
  switch (key.type) {
    case 'ed25519':
      return signature.length === SIGNATURE_BYTES && verify(key.publicKey, noteMessage(text), signature)
        ? { timeS: null }
        : null;
    case 'cosignature/v1': {
      const timeS = readTimestamp(signature);
      if (timeS === null) return null;
      const message = cosignedMessage(text, timeS);
      return verify(key.publicKey, message, signature.subarray(TIMESTAMP_BYTES)) ? { timeS } : null;
    }
    case 'unknown':
      return null;
  }
}

const SIGNATURE_BYTES = 64;
const TIMESTAMP_BYTES = 8;
/** The last second that a JavaScript `Date` knows. */
const LATEST_TIME_S = 8.64e12;

/** C2SP tlog-cosignature, "Ed25519 signed message". */
function cosignedMessage(text: string, timeS: number): Uint8Array {
  return utf8ToBytes(`cosignature/v1\ntime ${timeS}\n${text}`);
}

function timestampBytes(timeS: number): Uint8Array {
  const bytes = new Uint8Array(TIMESTAMP_BYTES);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(timeS));
  return bytes;
}

/** Null for a signature of another length, and for a time that no clock shows. */
function readTimestamp(signature: Uint8Array): number | null {
  if (signature.length !== TIMESTAMP_BYTES + SIGNATURE_BYTES) return null;
  const view = new DataView(signature.buffer, signature.byteOffset, TIMESTAMP_BYTES);
  const timeS = Number(view.getBigUint64(0));
  return timeS > 0 && timeS <= LATEST_TIME_S ? timeS : null;
}

function malformed(why: string): DomainError {
  return new DomainError('ENTRY_MALFORMED', `The note is no checkpoint: ${why}.`, {
    next: 'Fetch it again; if it stays so, find out who signed it.',
  });
}
