import { utf8ToBytes } from '@noble/hashes/utils.js';

/**
 * Character strings of TXT and CAA values in the master-file form that Route 53 stores: each in double quotes,
 * `\"` and `\\` escaped, every byte that is not printable ASCII as a backslash and three *octal* digits (Route 53
 * developer guide, "TXT record type"; RFC 1035 §5.1 has decimal digits there, Route 53 has not).
 */

/** RFC 1035 §3.3.14: a TXT record is a list of strings of at most 255 bytes each. */
const MAX_STRING_BYTES = 255;
/** Route 53: the longest value of a TXT record, escapes and quotes included. */
export const MAX_TEXT_CHARACTERS = 4000;

const QUOTED_STRING = /^"((?:[^"\\]|\\[0-7]{3}|\\["\\])*)"[ \t]*/;

/** The strings of a quoted value as bytes; null when it is not well formed. */
export function readQuotedStrings(text: string): Uint8Array[] | null {
  const strings: Uint8Array[] = [];
  let rest = text.trim();
  while (rest !== '') {
    const match = QUOTED_STRING.exec(rest);
    if (match?.[1] === undefined) return null;
    const bytes = unescapeBytes(match[1]);
    if (bytes === null) return null;
    strings.push(bytes);
    rest = rest.slice(match[0].length);
  }
  return strings.length === 0 ? null : strings;
}

/** Unquoted text as the strings that carry it, cut at 255 bytes. */
export function splitText(text: string): Uint8Array[] {
  const bytes = utf8ToBytes(text);
  const strings: Uint8Array[] = [];
  for (let start = 0; start < bytes.length; start += MAX_STRING_BYTES) {
    strings.push(bytes.subarray(start, start + MAX_STRING_BYTES));
  }
  return strings;
}

export function writeQuotedStrings(strings: readonly Uint8Array[]): string {
  return strings.map((bytes) => `"${[...bytes].map(escapeByte).join('')}"`).join(' ');
}

export function hasTooLongString(strings: readonly Uint8Array[]): boolean {
  return strings.some((bytes) => bytes.length > MAX_STRING_BYTES);
}

function escapeByte(byte: number): string {
  const character = String.fromCharCode(byte);
  if (character === '"' || character === '\\') return `\\${character}`;
  return byte >= 0x20 && byte <= 0x7e ? character : `\\${byte.toString(8).padStart(3, '0')}`;
}

function unescapeBytes(escaped: string): Uint8Array | null {
  const bytes: number[] = [];
  for (const [piece] of escaped.matchAll(/\\[0-7]{3}|\\["\\]|[^\\]+/g)) {
    if (!piece.startsWith('\\')) bytes.push(...utf8ToBytes(piece));
    else bytes.push(piece.length === 4 ? Number.parseInt(piece.slice(1), 8) : piece.charCodeAt(1));
  }
  return bytes.some((byte) => byte > 255) ? null : Uint8Array.from(bytes);
}
