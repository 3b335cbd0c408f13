import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { DomainError } from '../errors.ts';
import {
  canonicalBytes,
  type Digest,
  digestHex,
  digestOfBytes,
  isDigest,
  parseCanonicalBytes,
} from '../evidence/canonical-json.ts';
import { MAX_ENTRY_BYTES } from './entry.ts';

/**
 * One object of the log: a consecutive run of entries, written by one put. Its bytes are a canonical header line,
 * then one line an entry, each ended by a line feed (canonical JSON has none inside):
 *
 *     {"first":17,"previous":"sha256:…"}
 *     {"payload":"…","payloadType":"application/vnd.in-toto+json","signatures":[…]}
 *
 * Its digest is the SHA-256 of these bytes, and is part of the next one's name.
 */
export interface LogObject {
  /** Index of the first entry. */
  first: number;
  /** Digest of the object before it; `genesisDigest` for the first. */
  previous: Digest;
  /** At least one; each without its line feed. */
  entries: readonly Uint8Array[];
}

const LINE_FEED = 0x0a;
const header = z.strictObject({ first: z.int().min(0), previous: z.custom<Digest>(isDigest) });

/** What the first object of an environment names as the one before it: the digest of the environment's name. */
export function genesisDigest(environment: string): Digest {
  return digestOfBytes(utf8ToBytes(environment));
}

/** All objects of an environment's log have names that begin so. */
export function logObjectPrefix(environment: string): string {
  return `log/${environment}/`;
}

/** The one name that the object after a given one can have; nobody can take it before that one exists. */
export function logObjectName(environment: string, first: number, previous: Digest): string {
  return `${logObjectPrefix(environment)}${String(first).padStart(20, '0')}-${digestHex(previous)}`;
}

export function encodeLogObject({ first, previous, entries }: LogObject): Uint8Array {
  const lines = [canonicalBytes({ first, previous }), ...entries];
  return concatBytes(...lines.flatMap((line) => [line, Uint8Array.of(LINE_FEED)]));
}

/**
 * Takes an object apart that was found at this place. Entries are not looked into.
 * Throws `ENTRY_MALFORMED` for bytes that no writer of this product makes, `LOG_FORKED` for an object that belongs
 * elsewhere.
 */
export function decodeLogObject(bytes: Uint8Array, place: Pick<LogObject, 'first' | 'previous'>): LogObject {
  const [headerLine, ...entries] = splitLines(bytes);
  const parsed = header.safeParse(headerLine && parseCanonicalBytes(headerLine));
  const oversize = entries.some(({ length }) => length > MAX_ENTRY_BYTES);
  if (!parsed.success || entries.length === 0 || oversize) {
    throw new DomainError('ENTRY_MALFORMED', 'The object is no part of a log.', {
      next: 'Find out who put it.',
    });
  }
  const { first, previous } = parsed.data;
  if (first !== place.first || previous !== place.previous) {
    throw new DomainError(
      'LOG_FORKED',
      `The object says that it is number ${first} after ${previous}; it is found at number ${place.first} after ${place.previous}.`,
      { next: 'Page: somebody moved a part of the log.' },
    );
  }
  return { first, previous, entries };
}

/** Lines without their line feeds. Bytes that do not end with one are no lines. */
function splitLines(bytes: Uint8Array): Uint8Array[] {
  const lines: Uint8Array[] = [];
  let start = 0;
  for (let end = bytes.indexOf(LINE_FEED); end !== -1; end = bytes.indexOf(LINE_FEED, start)) {
    lines.push(bytes.subarray(start, end));
    start = end + 1;
  }
  return start === bytes.length ? lines : [];
}
