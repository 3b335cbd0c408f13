import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, concatBytes, hexToBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { DomainError } from '../errors.ts';
import { fromBase64, toBase64 } from '../evidence/base64.ts';

/** C2SP signed-note: text, and lines of signatures below it. Nothing in it is believed before a key verified it. */
export interface SignedNote {
  /** Ends with a line feed, which is part of what is signed. */
  text: string;
  /** At least one. */
  signatures: readonly NoteSignature[];
}

export interface NoteSignature {
  name: string;
  /** 8 lower-case hex digits. Name and key id together name the key. */
  keyId: string;
  /** What follows the key id; its form is the key type's business. */
  signature: Uint8Array;
}

/** C2SP signed-note, "Signature types", those that this product makes and verifies. */
export type NoteKeyType = 'ed25519' | 'cosignature/v1';

/** A verifier key: as text, a `vkey`. */
export interface NoteKey {
  name: string;
  keyId: string;
  /** Of a type that nobody here knows, it verifies nothing and is otherwise ignored. */
  type: NoteKeyType | 'unknown';
  /** 32 bytes, unless the type is unknown. */
  publicKey: Uint8Array;
}

/**
 * Checks one Ed25519 signature by a raw 32-byte public key, which may be no key at all. Pure code gets it from its
 * caller. It never throws.
 */
export type VerifyEd25519 = (publicKey: Uint8Array, message: Uint8Array, signature: Uint8Array) => boolean;

/** C2SP signed-note, "Signature types". */
const TYPE_BYTE: Record<NoteKeyType, number> = { ed25519: 0x01, 'cosignature/v1': 0x04 };

/** C2SP signed-note asks for at least 16; post-quantum signatures have nearly 5 kB. Go's `sumdb/note` takes both. */
const MAX_SIGNATURES = 100;
const MAX_NOTE_BYTES = 1_000_000;
const KEY_ID_BYTES = 4;
const PUBLIC_KEY_BYTES = 32;
const NAME_PATTERN = /^[^+\p{White_Space}]+$/u;
const SIGNATURE_LINE = /^— ([^ ]+) ([^ ]+)$/u;
/** Any ASCII control character but the line feed. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: the format forbids them.
const CONTROL_CHARACTER = /[\u0000-\u0009\u000b-\u001f]/;

/** A key by its name and raw public key. Throws `SCHEMA_INVALID` for a name with spaces or plus, or other than 32 bytes. */
export function noteKey<T extends NoteKeyType>(
  type: T,
  name: string,
  publicKey: Uint8Array,
): NoteKey & { type: T } {
  if (!NAME_PATTERN.test(name) || !name.isWellFormed())
    throw badKey(`the name ${JSON.stringify(name)} is empty, or has spaces or plus`);
  if (publicKey.length !== PUBLIC_KEY_BYTES) throw badKey(`its key has ${publicKey.length} bytes, not 32`);
  const typed = concatBytes(Uint8Array.of(TYPE_BYTE[type]), publicKey);
  const digest = sha256(concatBytes(utf8ToBytes(`${name}\n`), typed));
  return { name, keyId: bytesToHex(digest.subarray(0, KEY_ID_BYTES)), type, publicKey };
}

/** The `vkey` of a key of a known type. */
export function formatVkey(key: NoteKey & { type: NoteKeyType }): string {
  const typed = concatBytes(Uint8Array.of(TYPE_BYTE[key.type]), key.publicKey);
  return `${key.name}+${key.keyId}+${toBase64(typed)}`;
}

/**
 * A key out of its `vkey`. One of an unknown type is no error: see `NoteKey`. Throws `SCHEMA_INVALID` for anything
 * that is no vkey, and for a key id that is not that of its key.
 */
export function parseVkey(vkey: string): NoteKey {
  const match = /^([^+]+)\+([0-9a-f]{8})\+(.+)$/u.exec(vkey);
  const [, name = '', keyId = '', encoded = ''] = match ?? [];
  const typed = fromBase64(encoded);
  const typeByte = typed?.[0];
  if (!match || !typed || typeByte === undefined || !NAME_PATTERN.test(name))
    throw badKey('it is not of the form NAME+ID+KEY');
  const publicKey = typed.subarray(1);
  const type = KEY_TYPES.find((one) => TYPE_BYTE[one] === typeByte);
  if (type === undefined) return { name, keyId, type: 'unknown', publicKey };
  const key = noteKey(type, name, publicKey);
  if (key.keyId !== keyId) throw badKey(`its id is ${keyId}, and that of its key is ${key.keyId}`);
  return key;
}

const KEY_TYPES: readonly NoteKeyType[] = ['ed25519', 'cosignature/v1'];

/** The note's bytes: text, an empty line, one line a signature. Throws `SCHEMA_INVALID` for a text that no note can have. */
export function encodeNote(note: SignedNote): Uint8Array {
  const problem = textProblem(note.text);
  if (problem)
    throw new DomainError('SCHEMA_INVALID', `The text is no note: ${problem}.`, { next: 'Correct it.' });
  return utf8ToBytes(`${note.text}\n${note.signatures.map(formatSignatureLine).join('')}`);
}

/** Takes a note apart, verifies nothing. Throws `ENTRY_MALFORMED`. */
export function decodeNote(bytes: Uint8Array): SignedNote {
  if (bytes.length > MAX_NOTE_BYTES) throw malformed(`it has ${bytes.length} bytes`);
  let all: string;
  try {
    all = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw malformed('it is no UTF-8');
  }
  if (CONTROL_CHARACTER.test(all)) throw malformed('it has control characters');
  const end = all.lastIndexOf('\n\n');
  if (end === -1) throw malformed('no empty line divides text and signatures');
  const text = all.slice(0, end + 1);
  return { text, signatures: parseSignatureLines(all.slice(end + 2)) };
}

/** `— NAME BASE64` and a line feed. */
export function formatSignatureLine({ name, keyId, signature }: NoteSignature): string {
  return `— ${name} ${toBase64(concatBytes(hexToBytes(keyId), signature))}\n`;
}

/** Signature lines alone, as a witness answers with. Throws `ENTRY_MALFORMED`. */
export function parseSignatureLines(lines: string): NoteSignature[] {
  if (!lines.endsWith('\n')) throw malformed('its last line does not end');
  const each = lines.slice(0, -1).split('\n');
  if (each.length > MAX_SIGNATURES) throw malformed(`it has ${each.length} signatures`);
  return each.map((line) => {
    const [, name = '', encoded = ''] = SIGNATURE_LINE.exec(line) ?? [];
    const bytes = fromBase64(encoded);
    if (!NAME_PATTERN.test(name) || !bytes || bytes.length <= KEY_ID_BYTES)
      throw malformed('a line is no signature');
    return {
      name,
      keyId: bytesToHex(bytes.subarray(0, KEY_ID_BYTES)),
      signature: bytes.subarray(KEY_ID_BYTES),
    };
  });
}

/** Every signature that says it is this key's; a note may hold several, and each must verify. */
export function signaturesOf(note: SignedNote, key: NoteKey): NoteSignature[] {
  return note.signatures.filter(({ name, keyId }) => name === key.name && keyId === key.keyId);
}

/** C2SP signed-note, "Ed25519 signatures": over the text's own bytes. */
export function noteMessage(text: string): Uint8Array {
  return utf8ToBytes(text);
}

function textProblem(text: string): string | null {
  if (!text.endsWith('\n')) return 'its text does not end with a line feed';
  if (CONTROL_CHARACTER.test(text)) return 'it has control characters';
  return text.isWellFormed() ? null : 'it has half a character';
}

function badKey(why: string): DomainError {
  return new DomainError('SCHEMA_INVALID', `The verifier key cannot be used: ${why}.`, {
    next: 'Get the vkey again from whoever runs the log or witness.',
  });
}

function malformed(why: string): DomainError {
  return new DomainError('ENTRY_MALFORMED', `This is no signed note: ${why}.`, {
    next: 'Fetch it again; if it stays so, find out who wrote it.',
  });
}
