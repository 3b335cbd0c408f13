import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { ChangeLog } from '../../activities/ports/change-log.ts';
import type { PortError } from '../../domain/errors.ts';
import { type Digest, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import type { Envelope, VerifySignature } from '../../domain/evidence/dsse.ts';
import type { OpenedStatement } from '../../domain/evidence/statement-codec.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import { decodeEntry, encodeEntry } from '../../domain/log/entry.ts';
import { firstIndexOf } from '../../domain/log/first-index.ts';
import { createFold } from '../../domain/log/fold.ts';
import { encodeLogObject, genesisDigest, logObjectName } from '../../domain/log/log-object.ts';
import type { EntryFate, LogState } from '../../domain/log/state.ts';
import { isCertainRefusal, toPortError } from './aws-errors.ts';
import { createS3LogReader, type SeenVersion } from './s3-log-reader.ts';

/** A folded prefix of the log, and what its next object is named by. */
export interface LogPosition {
  state: LogState;
  /** Digest of the last object folded. */
  previous: Digest;
}

export interface S3ChangeLogInput {
  s3: S3Client;
  bucket: string;
  environment: string;
  trust: TrustDocument;
  verify: VerifySignature;
  /** Where a snapshot ends; absent: the log is folded from its first entry. */
  from?: LogPosition;
}

export interface S3ChangeLog extends ChangeLog {
  /** The prefix that this instance has folded, for a snapshot. Read it, never write it. */
  position(): LogPosition;
}

/** One object of a group commit holds at most so much, unless one call alone brings more. */
const MAX_GROUP_ENTRIES = 256;
const MAX_GROUP_BYTES = 1024 * 1024;
/** Puts without an answer and without a winner, after which the store counts as unavailable. */
const MAX_FRUITLESS_PUTS = 3;

interface Item {
  bytes: Uint8Array;
  statement: OpenedStatement;
}

/** One `append` that waits for its object. */
interface Call {
  items: Item[];
  resolve: (fates: EntryFate[]) => void;
  reject: (error: unknown) => void;
}

/**
 * The log in S3: see README.md, "Life of an entry". A put succeeds only right after the head that this instance has
 * folded, so what the fold knows at that moment (duplicates, preconditions) is exact.
 */
export function createS3ChangeLog(input: S3ChangeLogInput): S3ChangeLog {
  const { s3, bucket, environment, trust, verify } = input;
  const reader = createS3LogReader(input);
  const fold = createFold({
    environment,
    trust,
    verify,
    ...(input.from ? { from: input.from.state } : {}),
  });
  let previous = input.from?.previous ?? genesisDigest(environment);
  let last: SeenVersion | undefined;
  let everRead = false;

  /** Reads and writes of this instance take turns. */
  let turn: Promise<unknown> = Promise.resolve();
  function inTurn<T>(task: () => Promise<T>): Promise<T> {
    const result = turn.then(task);
    turn = result.catch(() => {});
    return result;
  }

  function foldObject(entries: readonly Uint8Array[], digest: Digest, seen: SeenVersion): EntryFate[] {
    previous = digest;
    last = seen;
    return entries.map((bytes) => fold.apply(bytes));
  }

  /** Folds to the head; returns the fates of each object that was new, by its digest. */
  async function catchUp(): Promise<Map<Digest, EntryFate[]>> {
    const news = new Map<Digest, EntryFate[]>();
    for await (const { entries, digest, seen } of reader.follow({ first: fold.state.size, previous }, last)) {
      news.set(digest, foldObject(entries, digest, seen));
    }
    everRead = true;
    return news;
  }

  let nextSync: Promise<LogState> | undefined;
  async function sync(options: { atLeast?: number } = {}): Promise<LogState> {
    if (options.atLeast !== undefined && fold.state.size >= options.atLeast) return fold.state;
    // One reading that has not begun yet serves everyone who asks until it begins.
    nextSync ??= inTurn(async () => {
      nextSync = undefined;
      await catchUp();
      return fold.state;
    });
    return nextSync;
  }

  let waiting: Call[] = [];
  let flushing = false;
  async function append(envelopes: readonly Envelope[]): Promise<EntryFate[]> {
    const items = envelopes.map((envelope) => {
      const bytes = encodeEntry(envelope);
      return { bytes, statement: decodeEntry(bytes) };
    });
    if (items.length === 0) return [];
    return new Promise((resolve, reject) => {
      waiting.push({ items, resolve, reject });
      scheduleFlush();
    });
  }

  function scheduleFlush(): void {
    if (flushing || waiting.length === 0) return;
    flushing = true;
    // `flush` answers its calls itself and never rejects.
    void inTurn(flush);
  }

  async function flush(): Promise<void> {
    const { group, rest } = takeGroup(waiting);
    waiting = rest;
    try {
      const fates = await write(group.flatMap(({ items }) => items));
      let next = 0;
      for (const { items, resolve } of group) {
        resolve(fates.slice(next, next + items.length));
        next += items.length;
      }
    } catch (error) {
      for (const { reject } of group) reject(error);
    }
    flushing = false;
    scheduleFlush();
  }

  /** Puts the items that are not in the log yet as one object after the head, whoever races; returns their fates. */
  async function write(items: readonly Item[]): Promise<EntryFate[]> {
    if (!everRead) await catchUp();
    for (let fruitless = 0; ; ) {
      const { entries, fatesFrom } = withoutDuplicates(items, fold.state);
      if (entries.length === 0) return fatesFrom([]);
      const first = fold.state.size;
      const name = logObjectName(environment, first, previous);
      const bytes = encodeLogObject({ first, previous, entries });
      const digest = digestOfBytes(bytes);
      const put = await tryPut(name, bytes);
      if ('versionId' in put) {
        return fatesFrom(foldObject(entries, digest, { first, name, versionId: put.versionId }));
      }
      // Taken, or an answer that nobody can trust: what is there decides. Mine: done. Another's: after it.
      const news = await catchUp();
      const mine = news.get(digest);
      if (mine) return fatesFrom(mine);
      if (isCertainRefusal(put.failure)) throw put.failure;
      if (news.size > 0) fruitless = 0;
      else if (++fruitless === MAX_FRUITLESS_PUTS) throw put.failure;
    }
  }

  async function tryPut(
    name: string,
    bytes: Uint8Array,
  ): Promise<{ versionId: string } | { failure: PortError }> {
    try {
      const answer = await s3.send(
        new PutObjectCommand({ Bucket: bucket, Key: name, Body: bytes, IfNoneMatch: '*' }),
      );
      return { versionId: answer.VersionId ?? 'null' };
    } catch (error) {
      return { failure: toPortError('store', `append ${name}`, error) };
    }
  }

  async function* entries(from: number) {
    const audit = createFold({ environment, trust, verify });
    for await (const object of reader.follow({ first: 0, previous: genesisDigest(environment) })) {
      for (const bytes of object.entries) {
        const fate = audit.apply(bytes);
        if (fate.index >= from) yield { index: fate.index, bytes, fate };
      }
    }
  }

  return {
    sync,
    lastKnown: () => fold.state,
    append,
    entries,
    position: () => ({ state: fold.state, previous }),
  };
}

/** As many waiting calls, in order, as go into one object; at least one. */
function takeGroup(waiting: readonly Call[]): { group: Call[]; rest: Call[] } {
  let entryCount = 0;
  let byteCount = 0;
  const end = waiting.findIndex(({ items }, i) => {
    entryCount += items.length;
    byteCount += items.reduce((sum, { bytes }) => sum + bytes.length, 0);
    return i > 0 && (entryCount > MAX_GROUP_ENTRIES || byteCount > MAX_GROUP_BYTES);
  });
  const count = end === -1 ? waiting.length : end;
  return { group: waiting.slice(0, count), rest: waiting.slice(count) };
}

/**
 * What is still to be written: an item whose key is honoured already is not, and the same bytes twice (a retry that
 * met its own first try in one group) are written once. `fatesFrom` turns the fates of what was written into those
 * of all items.
 */
function withoutDuplicates(
  items: readonly Item[],
  state: LogState,
): { entries: Uint8Array[]; fatesFrom: (written: readonly EntryFate[]) => EntryFate[] } {
  const positions = new Map<Digest, number>();
  const entries: Uint8Array[] = [];
  const plan = items.map(({ bytes, statement }): EntryFate | number => {
    const firstIndex = firstIndexOf(state, statement);
    if (firstIndex !== null) return { fate: 'duplicate', index: firstIndex, firstIndex };
    const digest = digestOfBytes(bytes);
    const position = positions.get(digest) ?? entries.push(bytes) - 1;
    positions.set(digest, position);
    return position;
  });
  const fateAt = (written: readonly EntryFate[], position: number): EntryFate => {
    const fate = written[position];
    if (!fate)
      throw new Error(`The object has ${written.length} fates, none at ${position}: report this defect.`);
    return fate;
  };
  return {
    entries,
    fatesFrom: (written) => plan.map((one) => (typeof one === 'number' ? fateAt(written, one) : one)),
  };
}
