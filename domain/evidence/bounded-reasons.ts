import { utf8ToBytes } from '@noble/hashes/utils.js';
import type { Violation } from '../errors.ts';

const MAX_REASONS = 5;
const MAX_TEXT_BYTES = 200;
/** What an acceptance, the largest statement with reasons, leaves of 4096 when every name and id in it is the longest. */
const MAX_REASONS_BYTES = 1800;

/**
 * Reasons as they go into a signed statement. One KMS signature covers at most 4096 bytes (AWS KMS, `Sign`), so a
 * statement carries the first few, shortened; the workflow's result has them all. Bytes are those of the JSON that is
 * signed: a character of a name that somebody else chose has up to six.
 */
export function boundedReasons(reasons: readonly Violation[]): Violation[] {
  const bounded: Violation[] = [];
  let leftBytes = MAX_REASONS_BYTES;
  for (const reason of reasons.slice(0, MAX_REASONS)) {
    const short = {
      ...reason,
      ...(reason.path === undefined ? {} : { path: shorten(reason.path) }),
      message: shorten(reason.message),
      remedy: shorten(reason.remedy),
    };
    leftBytes -= bytesInJson(short);
    if (leftBytes < 0) break;
    bounded.push(short);
  }
  return bounded;
}

/** As `boundedReasons`, for plain sentences. */
export function boundedTexts(texts: readonly string[]): string[] {
  return texts.slice(0, MAX_REASONS).map(shorten);
}

/** Cuts between characters: half of a surrogate pair has no canonical form (RFC 8785 §3.2.2.2). */
function shorten(text: string): string {
  if (textBytes(text) <= MAX_TEXT_BYTES) return text;
  let short = '';
  let leftBytes = MAX_TEXT_BYTES - textBytes('…');
  for (const character of text) {
    leftBytes -= textBytes(character);
    if (leftBytes < 0) break;
    short += character;
  }
  return `${short}…`;
}

/** Without the quotes. */
function textBytes(text: string): number {
  return bytesInJson(text) - 2;
}

function bytesInJson(value: unknown): number {
  return utf8ToBytes(JSON.stringify(value)).length;
}
