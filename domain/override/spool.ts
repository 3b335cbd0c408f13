import { concatBytes } from '@noble/hashes/utils.js';
import { z } from 'zod';
import { DomainError } from '../errors.ts';
import { fromBase64, toBase64 } from '../evidence/base64.ts';
import {
  canonicalBytes,
  type Digest,
  digestOfBytes,
  parseCanonicalBytes,
} from '../evidence/canonical-json.ts';
import type { Envelope } from '../evidence/dsse.ts';
import { envelopeSchema } from '../evidence/predicate-schemas.ts';

/** What break-glass would have put into the log or beside it, in order. */
export type SpoolItem = { envelope: Envelope } | { body: Uint8Array };

const NEWLINE = 0x0a;

/** `previous`: digest of the line before, of nothing for the first, so that no line can be edited, dropped or moved. */
const lineSchema = z.union([
  z.strictObject({ previous: z.string(), envelope: envelopeSchema }),
  z.strictObject({ previous: z.string(), body: z.string() }),
]);

export interface Spool {
  items: SpoolItem[];
  /** Of the last whole line. */
  head: Digest;
  /** How many bytes whole lines take: a crash in the middle of one leaves a rest, of which nothing has followed. */
  length: number;
}

/** Further lines, each with its newline, of a spool whose last line has the digest `head`. */
export function spoolLines(head: Digest, items: readonly SpoolItem[]): Uint8Array {
  const lines: Uint8Array[] = [];
  let previous = head;
  for (const item of items) {
    const content = 'body' in item ? { body: toBase64(item.body) } : item;
    const line = canonicalBytes({ previous, ...content });
    lines.push(line, Uint8Array.of(NEWLINE));
    previous = digestOfBytes(line);
  }
  return concatBytes(...lines);
}

/** Reads a spool and verifies its chain. Throws `ENTRY_MALFORMED` and `DIGEST_MISMATCH`, and says at which line. */
export function readSpool(bytes: Uint8Array): Spool {
  const spool: Spool = { items: [], head: digestOfBytes(new Uint8Array()), length: 0 };
  for (;;) {
    const end = bytes.indexOf(NEWLINE, spool.length);
    if (end < 0) return spool;
    const line = bytes.subarray(spool.length, end);
    const number = spool.items.length + 1;
    spool.items.push(itemOf(line, spool.head, number));
    spool.head = digestOfBytes(line);
    spool.length = end + 1;
  }
}

function itemOf(line: Uint8Array, head: Digest, number: number): SpoolItem {
  const parsed = lineSchema.safeParse(parseCanonicalBytes(line));
  if (!parsed.success) throw broken('ENTRY_MALFORMED', number, 'is no line of a spool');
  if (parsed.data.previous !== head) {
    throw broken('DIGEST_MISMATCH', number, 'does not follow the line before it');
  }
  if ('envelope' in parsed.data) return { envelope: parsed.data.envelope };
  const body = fromBase64(parsed.data.body);
  if (body === null) throw broken('ENTRY_MALFORMED', number, 'holds no base64');
  return { body };
}

function broken(code: 'ENTRY_MALFORMED' | 'DIGEST_MISMATCH', number: number, what: string): DomainError {
  return new DomainError(code, `Line ${number} of the break-glass spool ${what}.`, {
    next: 'Page: somebody edited it. Keep the file; what it says happened must be told from the zone and by those who signed.',
  });
}
