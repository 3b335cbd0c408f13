import type { StoredObjects } from '../activities/ports/stored-objects.ts';
import { DomainError } from '../domain/errors.ts';
import { snapshotIn } from '../domain/evidence/audit-entries.ts';
import {
  canonicalBytes,
  type Digest,
  digestOfBytes,
  parseJsonBytes,
} from '../domain/evidence/canonical-json.ts';
import type { TrustDocument } from '../domain/evidence/trust.ts';
import { createFold } from '../domain/log/fold.ts';
import { genesisDigest } from '../domain/log/log-object.ts';
import type { VerifyEd25519 } from '../domain/log/signed-note.ts';
import { hasFieldsOfState, type LogState } from '../domain/log/state.ts';

/** A snapshot that an honoured entry names. */
export interface ListedSnapshot {
  /** Of the entry. */
  index: number;
  /** Entries that it is the state of. */
  size: number;
  stateDigest: Digest;
  /** RFC 3339 UTC, as the orchestrator signed it. */
  at: string;
}

/** A snapshot of another build may have other fields than this one folds. */
export interface SnapshotVerdict {
  result: 'same' | 'different' | 'not-recomputable';
  why: string | null;
}

/** Everything that judging a log from its first entry takes. */
export interface LogToFold {
  environment: string;
  /** The pinned one. */
  trust: TrustDocument;
  verify: VerifyEd25519;
  objects: StoredObjects;
}

/** Those that count, oldest first. Throws as `StoredObjects`, and `LOG_FORKED`. */
export async function listSnapshots(source: LogToFold): Promise<ListedSnapshot[]> {
  const fold = createFold(source);
  const listed: ListedSnapshot[] = [];
  for await (const { entries } of source.objects.log()) {
    for (const bytes of entries) {
      const { fate, index } = fold.apply(bytes);
      const said = fate === 'honoured' ? snapshotIn(bytes) : null;
      if (said) listed.push({ index, size: said.size, stateDigest: said.stateDigest, at: said.at });
    }
  }
  return listed;
}

/** Each one recomputed from the entries before it, and read. Throws as `listSnapshots`. */
export async function verifySnapshots(source: LogToFold): Promise<(ListedSnapshot & SnapshotVerdict)[]> {
  const { objects } = source;
  const listed = await listSnapshots(source);
  const prefixes = await prefixDigests(source, new Set(listed.map(({ size }) => size)));
  const stored = await objects.list('snapshots');
  return Promise.all(
    listed.map(async (one) => {
      const name = objects.names.snapshot(one);
      const { versions = [], isDeleted = false } = stored.get(name) ?? {};
      const newest = isDeleted ? undefined : versions.at(-1);
      const bytes = newest ? await objects.read(name, newest.versionId) : null;
      return { ...one, ...judgeSnapshot(one, bytes, prefixes.get(one.size)) };
    }),
  );
}

/** Whether stored bytes are the snapshot that an entry names, and that `prefix` is the digest of (undefined for none). */
export function judgeSnapshot(
  { size, stateDigest }: ListedSnapshot,
  bytes: Uint8Array | null,
  prefix: Digest | undefined,
): SnapshotVerdict {
  const different = (why: string): SnapshotVerdict => ({ result: 'different', why });
  if (bytes === null) return different('it is not in the bucket');
  const found = digestOfBytes(bytes);
  if (found !== stateDigest) return different(`what is stored has the digest ${found}`);
  if (found === prefix) return { result: 'same', why: null };
  if (isOfOtherFields(bytes)) {
    const why = 'its state has other fields than this build folds; nobody of this build starts from it';
    return { result: 'not-recomputable', why };
  }
  return different(
    prefix === undefined
      ? `no log object ends with entry ${size - 1}`
      : `the first ${size} entries make ${prefix}`,
  );
}

/** The digests of the snapshots that the log's beginnings of these sizes make. */
async function prefixDigests(source: LogToFold, sizes: ReadonlySet<number>): Promise<Map<number, Digest>> {
  const prefixes = createPrefixes(source.environment, sizes);
  const fold = createFold(source);
  prefixes.note(fold.state);
  for await (const { entries, digest } of source.objects.log()) {
    for (const bytes of entries) fold.apply(bytes);
    prefixes.note(fold.state, digest);
  }
  return prefixes.digests;
}

/** Notes what the snapshot of each wanted size must be, as the log is folded object by object. */
export function createPrefixes(environment: string, sizes: ReadonlySet<number>) {
  const digests = new Map<number, Digest>();
  return {
    digests,
    note(state: LogState, previous: Digest = genesisDigest(environment)) {
      if (sizes.has(state.size)) {
        digests.set(state.size, digestOfBytes(canonicalBytes({ previous, state })));
      }
    },
  };
}

function isOfOtherFields(bytes: Uint8Array): boolean {
  try {
    const body = parseJsonBytes(bytes);
    const state = typeof body === 'object' && body !== null && 'state' in body ? body.state : null;
    return typeof state === 'object' && state !== null && !hasFieldsOfState(state);
  } catch (error) {
    if (error instanceof DomainError) return false;
    throw error;
  }
}
