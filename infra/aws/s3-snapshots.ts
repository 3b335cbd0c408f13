import { z } from 'zod';
import { indexOfFate } from '../../activities/fates.ts';
import type { TakenSnapshot } from '../../activities/role-ports.ts';
import { DomainError } from '../../domain/errors.ts';
import {
  canonicalBytes,
  type Digest,
  digestHex,
  digestOf,
  digestOfBytes,
  isDigest,
  parseCanonicalBytes,
} from '../../domain/evidence/canonical-json.ts';
import type { Signer } from '../../domain/evidence/dsse.ts';
import { signStatement } from '../../domain/evidence/statement-codec.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import { followUpdates } from '../../domain/evidence/trust-succession.ts';
import { judgeAuthority, judgeUnder } from '../../domain/log/authority.ts';
import { decodeEntry } from '../../domain/log/entry.ts';
import { emptyLogState, hasFieldsOfState, type LogState } from '../../domain/log/state.ts';
import {
  createS3ChangeLog,
  type LogPosition,
  type S3ChangeLog,
  type S3ChangeLogInput,
} from './s3-change-log.ts';
import { followLog, type LogStore } from './s3-log-reader.ts';
import { IF_ABSENT, listObjects, putObject, readObject } from './s3-objects.ts';

/** Unproven snapshots that are looked at before the log is folded from its first entry. */
const MAX_CANDIDATES = 5;

/**
 * Enough to look for the proof; the state itself is believed only by its digest. One that another build made, with
 * other fields, is passed over: going on from it would not give what folding everything gives.
 */
const snapshotBody = z.object({
  previous: z.custom<Digest>(isDigest),
  state: z.custom<LogState>(
    (value) =>
      z.object({ environment: z.string(), size: z.int().min(0) }).safeParse(value).success &&
      hasFieldsOfState(value as object),
  ),
});

/**
 * A log that starts from the newest snapshot that is proven: an entry in the log behind it, signed by the
 * orchestrator, names its digest. Without one it starts from the first entry. The orchestrator is then believed about
 * what came before the snapshot: enactors and voters, who believe nobody, use `createS3ChangeLog` and fold it all.
 * Throws as `ChangeLog.sync`.
 */
export async function openS3ChangeLog(input: Omit<S3ChangeLogInput, 'from'>): Promise<S3ChangeLog> {
  const names = await snapshotNames(input);
  for (const name of names.slice(0, MAX_CANDIDATES)) {
    const from = await readProven(input, name);
    if (from) return createS3ChangeLog({ ...input, from });
  }
  return createS3ChangeLog(input);
}

/**
 * Stores the state that `log` has folded, then appends the signed entry that names it. `at` is RFC 3339 in UTC with
 * milliseconds. Throws as `ChangeLog.append`, and `NOT_PERMITTED` when the entry does not count: then nobody starts
 * from the object.
 */
export async function writeSnapshot(
  input: Pick<S3ChangeLogInput, 's3' | 'bucket' | 'environment'> & {
    log: S3ChangeLog;
    signer: Signer;
    at: string;
  },
): Promise<TakenSnapshot> {
  const { previous, state } = input.log.position();
  const { size } = state;
  const bytes = canonicalBytes({ previous, state });
  const stateDigest = digestOfBytes(bytes);
  const name = snapshotName(input.environment, size, stateDigest);
  await putObject(input, name, bytes, IF_ABSENT);
  const { environment, at } = input;
  const entry = await signStatement(input.signer, 'snapshot', { environment, size, stateDigest, at });
  const [fate] = await input.log.append([entry]);
  return { size, stateDigest, index: indexOfFate(fate) };
}

function snapshotPrefix(environment: string): string {
  return `snapshots/${environment}/`;
}

export function snapshotName(environment: string, size: number, digest: Digest): string {
  return `${snapshotPrefix(environment)}${String(size).padStart(20, '0')}-${digestHex(digest)}`;
}

/** Newest first. */
async function snapshotNames(store: LogStore): Promise<string[]> {
  const { environment } = store;
  const names: string[] = [];
  const what = `the snapshots of ${environment}`;
  for await (const { name } of listObjects(store, snapshotPrefix(environment), what)) names.push(name);
  return names.sort().reverse();
}

/**
 * The stored snapshot that an entry names, unproven: for an auditor, who compares it with the prefix. Throws
 * `NOT_FOUND`, `STORE_UNAVAILABLE`, `THROTTLED`, `NOT_PERMITTED`.
 */
export async function readSnapshot(
  store: LogStore,
  { size, stateDigest }: { size: number; stateDigest: Digest },
): Promise<Uint8Array> {
  return (await readObject(store, snapshotName(store.environment, size, stateDigest))).bytes;
}

async function readProven(input: S3ChangeLogInput, name: string): Promise<LogPosition | null> {
  const { bytes } = await readObject(input, name);
  const digest = digestOfBytes(bytes);
  const body = parseBody(bytes);
  if (!body || body.state.environment !== input.environment) return null;
  if (name !== snapshotName(input.environment, body.state.size, digest)) return null;
  // Before anything that it says is used: its trust document is one that the pinned one leads to.
  const { document, updates } = body.state.trustInForce;
  const trusted = unlessMalformed(() => followUpdates(input.trust, updates, input.verify));
  if (trusted === null || digestOf(trusted) !== digestOf(document)) return null;
  return (await isNamedBehind(input, body, digest, trusted)) ? body : null;
}

/** Looks for the signed entry in the objects after the snapshot, without believing anything that it says. */
async function isNamedBehind(
  input: S3ChangeLogInput,
  { state: { size }, previous }: LogPosition,
  digest: Digest,
  trusted: TrustDocument,
): Promise<boolean> {
  const judge = judgeUnder(trusted, input.verify);
  const nothing = emptyLogState(input.environment, trusted);
  for await (const { entries } of followLog(input, { first: size, previous })) {
    for (const entry of entries) {
      const statement = unlessMalformed(() => decodeEntry(entry));
      if (
        statement?.type === 'snapshot' &&
        statement.predicate.environment === input.environment &&
        statement.predicate.size === size &&
        statement.predicate.stateDigest === digest &&
        judgeAuthority(statement, nothing, judge) === null
      ) {
        return true;
      }
    }
  }
  return false;
}

function parseBody(bytes: Uint8Array): LogPosition | null {
  const value = unlessMalformed(() => parseCanonicalBytes(bytes));
  return snapshotBody.safeParse(value).data ?? null;
}

function unlessMalformed<T>(open: () => T): T | null {
  try {
    return open();
  } catch (error) {
    if (error instanceof DomainError) return null;
    throw error;
  }
}
