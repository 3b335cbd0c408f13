import { sha256 } from '@noble/hashes/sha2.js';
import { bytesToHex, utf8ToBytes } from '@noble/hashes/utils.js';
import canonicalize from 'canonicalize';
import { DomainError } from '../errors.ts';

/** `sha256:` and 64 lower-case hex digits. */
export type Digest = `sha256:${string}`;

const DIGEST_PATTERN = /^sha256:[0-9a-f]{64}$/;

export function isDigest(value: unknown): value is Digest {
  return typeof value === 'string' && DIGEST_PATTERN.test(value);
}

/**
 * Canonical bytes of a JSON value (RFC 8785), the only form in which this product hashes or signs JSON.
 * Throws `SCHEMA_INVALID` for a value that JSON cannot express.
 */
export function canonicalBytes(value: unknown): Uint8Array {
  return utf8ToBytes(canonicalText(value));
}

export function canonicalText(value: unknown): string {
  let text: string | undefined;
  let cause: unknown;
  try {
    text = canonicalize(value);
  } catch (error) {
    cause = error;
  }
  if (text === undefined) {
    throw new DomainError(
      'SCHEMA_INVALID',
      'The value has no JSON form.',
      { next: 'Pass plain data.' },
      cause,
    );
  }
  return text;
}

export function digestOfBytes(bytes: Uint8Array): Digest {
  return `sha256:${bytesToHex(sha256(bytes))}`;
}

export function digestOf(value: unknown): Digest {
  return digestOfBytes(canonicalBytes(value));
}

/** The 64 hex digits alone, as in-toto's `DigestSet` wants them. */
export function digestHex(digest: Digest): string {
  return digest.slice('sha256:'.length);
}

/** The JSON value of UTF-8 bytes. Throws `ENTRY_MALFORMED` for anything else, byte order mark included. */
export function parseJsonBytes(bytes: Uint8Array): unknown {
  return parseText(bytes).value;
}

/** As `parseJsonBytes`, of bytes that are canonical: duplicate keys and other spacing are refused too. */
export function parseCanonicalBytes(bytes: Uint8Array): unknown {
  const { value, text } = parseText(bytes);
  if (!isCanonicalFormOf(value, text)) {
    throw new DomainError('ENTRY_MALFORMED', 'The JSON text is not in canonical form (RFC 8785).', {
      next: 'Find out who wrote it: this product writes nothing else.',
    });
  }
  return value;
}

/**
 * Whether bytes are the canonical form of this value. As text: strict UTF-8 has one text for any bytes and one encoding
 * for any text, and to compare two strings costs a fraction of encoding one.
 */
export function areCanonicalBytesOf(value: unknown, bytes: Uint8Array): boolean {
  const text = textOf(bytes);
  return text !== null && isCanonicalFormOf(value, text);
}

/** Keeps a byte order mark, which then is no JSON; made once, because that costs as much as decoding an entry. */
const strictUtf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function parseText(bytes: Uint8Array): { value: unknown; text: string } {
  try {
    const text = strictUtf8.decode(bytes);
    return { value: JSON.parse(text), text };
  } catch (cause) {
    throw new DomainError(
      'ENTRY_MALFORMED',
      'The bytes are no JSON text.',
      { next: 'Find out who wrote them.' },
      cause,
    );
  }
}

function textOf(bytes: Uint8Array): string | null {
  try {
    return strictUtf8.decode(bytes);
  } catch {
    return null;
  }
}

function isCanonicalFormOf(value: unknown, text: string): boolean {
  try {
    return canonicalText(value) === text;
  } catch {
    // JSON text can spell a lone surrogate, which has no canonical form at all (RFC 8785 §3.2.2.2).
    return false;
  }
}
