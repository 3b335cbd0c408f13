import { utf8ToBytes } from '@noble/hashes/utils.js';
import { type Digest, digestHex, digestOfBytes } from '../evidence/canonical-json.ts';

/** One object of the log: a consecutive run of entries, written by one put. */
export interface LogObject {
  /** Index of the first entry. */
  first: number;
  /** Digest of the bytes of the object before it; `genesisDigest` for the first. */
  previous: Digest;
  entries: Uint8Array[];
}

export function genesisDigest(environment: string): Digest {
  return digestOfBytes(utf8ToBytes(environment));
}
export function logObjectName(environment: string, first: number, previous: Digest): string {
  return `log/${environment}/${String(first).padStart(20, '0')}-${digestHex(previous)}`;
}
export function encodeLogObject(_object: LogObject): Uint8Array {
  throw new Error('not written yet');
}
export function decodeLogObject(_bytes: Uint8Array): LogObject {
  throw new Error('not written yet');
}
