import { bytesToHex } from '@noble/hashes/utils.js';
import { leafHash } from '../log/merkle-tree.ts';
import type { EntryFate } from '../log/state.ts';
import { canonicalText } from './canonical-json.ts';
import type { OpenedStatement } from './statement-codec.ts';
import { holderOf, type TrustIndex } from './trust.ts';

/** One entry as spreadsheets and people read it. Nothing in it is evidence: the tiles are. */
export interface FlatEntry {
  index: number;
  /** When it says that it was signed; null when it cannot be read. */
  at: string | null;
  type: string | null;
  changeId: string | null;
  /** Who the trust document says the keys are of; of an inert entry, only claimed. */
  signers: string[];
  fate: EntryFate['fate'];
  fateReason: string | null;
  /** The leaf's hash in the tree, 64 hex digits. */
  leafHash: string;
  /** Null when it cannot be read. */
  statement: { type: string; predicate: unknown } | null;
}

export function flatEntry(
  bytes: Uint8Array,
  statement: OpenedStatement | null,
  fate: EntryFate,
  trust: TrustIndex,
): FlatEntry {
  const common = {
    index: fate.index,
    fate: fate.fate,
    fateReason: fateReason(fate),
    leafHash: bytesToHex(leafHash(bytes)),
  };
  if (statement === null) {
    return { ...common, at: null, type: null, changeId: null, signers: [], statement: null };
  }
  const { type, predicate, signatures } = statement;
  return {
    ...common,
    at: 'at' in predicate ? predicate.at : predicate.issuedAt,
    type,
    changeId: 'changeId' in predicate ? predicate.changeId : null,
    signers: signatures.map(({ keyid }) => holderOf(keyid, trust) ?? keyid),
    statement: { type, predicate },
  };
}

/** Why an entry does not count; null when it does. */
export function fateReason(fate: EntryFate): string | null {
  switch (fate.fate) {
    case 'honoured':
      return null;
    case 'duplicate':
      return `same key as entry ${fate.firstIndex}`;
    case 'void':
      return `${fate.code}: ${fate.reason}`;
    case 'inert':
      return fate.reason;
  }
}

/** One line of `log.jsonl`, with its line feed: canonical JSON (RFC 8785). */
export function jsonLine(entry: FlatEntry): string {
  return `${canonicalText(entry)}\n`;
}

const COLUMNS = ['index', 'at', 'type', 'changeId', 'signers', 'fate', 'fateReason', 'leafHash'] as const;

export const CSV_HEADER = `${COLUMNS.join(',')}\r\n`;

/** One line of `log.csv` (RFC 4180), without the statement. */
export function csvLine(entry: FlatEntry): string {
  return `${COLUMNS.map((column) => csvField(column === 'signers' ? entry.signers.join(' ') : entry[column])).join(',')}\r\n`;
}

/** A leading quote keeps a spreadsheet from running what somebody wrote into a name or a reason. */
function csvField(value: string | number | null): string {
  if (value === null) return '';
  const text = /^[=+\-@\t]/.test(String(value)) ? `'${value}` : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
}
