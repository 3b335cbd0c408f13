import { setTimeout as delay } from 'node:timers/promises';
import { PutObjectCommand } from '@aws-sdk/client-s3';
import type { PortError } from '../../domain/errors.ts';
import { type Digest, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import type { OpenedStatement } from '../../domain/evidence/statement-codec.ts';
import { firstIndexOf } from '../../domain/log/first-index.ts';
import { createFold } from '../../domain/log/fold.ts';
import { encodeLogObject, genesisDigest, logObjectName } from '../../domain/log/log-object.ts';
import type { EntryFate, LogState } from '../../domain/log/state.ts';
import { isCertainRefusal, toPortError } from './aws-errors.ts';
import type { LogPosition, S3ChangeLogInput } from './s3-change-log.ts';
import { followLog, type SeenVersion } from './s3-log-reader.ts';

/** Puts without an answer and without a winner, after which the store counts as unavailable. */
const MAX_FRUITLESS_PUTS = 3;
/** Writers that lost a race wait a random while, up to so much, so that fewer of them lose the next one. */
const LOST_RACE_WAIT_MS = 4;
const LONGEST_WAIT_MS = 64;

export interface LogItem {
  bytes: Uint8Array;
  statement: OpenedStatement;
}

/** The prefix of the log that one instance has folded, and the only way to add to it. One caller at a time. */
export interface LogHead {
  position(): LogPosition;
  /** See `ChangeLog`. */
  intentLeaf(index: number): Uint8Array | null;
  /** Folds to the head; returns the fates of each object that was new, by its digest. */
  catchUp(): Promise<ReadonlyMap<Digest, EntryFate[]>>;
  /** Puts what is not in the log yet as one object after the head, whoever races, and returns every item's fate. */
  write(items: readonly LogItem[]): Promise<EntryFate[]>;
}

export function createLogHead(input: S3ChangeLogInput): LogHead {
  const { s3, bucket, environment, trust, verify, from } = input;
  const fold = createFold({ environment, trust, verify, ...(from ? { from: from.state } : {}) });
  let previous = from?.previous ?? genesisDigest(environment);
  let last: SeenVersion | undefined = from?.last;
  let everRead = false;

  function foldObject(entries: readonly Uint8Array[], digest: Digest, seen: SeenVersion): EntryFate[] {
    previous = digest;
    last = seen;
    return entries.map((bytes) => fold.apply(bytes));
  }

  async function catchUp(): Promise<ReadonlyMap<Digest, EntryFate[]>> {
    const news = new Map<Digest, EntryFate[]>();
    for await (const { entries, digest, seen } of followLog(
      input,
      { first: fold.state.size, previous },
      last,
    )) {
      news.set(digest, foldObject(entries, digest, seen));
    }
    everRead = true;
    return news;
  }

  async function write(items: readonly LogItem[]): Promise<EntryFate[]> {
    if (!everRead) await catchUp();
    let fruitless = 0;
    for (let lost = 0; ; lost += 1) {
      const { entries, fatesFrom } = withoutDuplicates(items, fold.state);
      if (entries.length === 0) return fatesFrom([]);
      const put = await putAfterHead(entries);
      if ('fates' in put) return fatesFrom(put.fates);
      await waitAfterLosing(lost);
      // Taken, or an answer that nobody can trust: what is there decides. Mine: done. Another's: after it.
      const news = await catchUp();
      const mine = news.get(put.digest);
      if (mine) return fatesFrom(mine);
      fruitless = news.size > 0 ? 0 : fruitless + 1;
      if (isCertainRefusal(put.failure) || fruitless === MAX_FRUITLESS_PUTS) throw put.failure;
    }
  }

  async function putAfterHead(
    entries: readonly Uint8Array[],
  ): Promise<{ fates: EntryFate[] } | { failure: PortError; digest: Digest }> {
    const first = fold.state.size;
    const name = logObjectName(environment, first, previous);
    const bytes = encodeLogObject({ first, previous, entries });
    const digest = digestOfBytes(bytes);
    try {
      const answer = await s3.send(
        new PutObjectCommand({ Bucket: bucket, Key: name, Body: bytes, IfNoneMatch: '*' }),
      );
      return { fates: foldObject(entries, digest, { first, name, versionId: answer.VersionId ?? 'null' }) };
    } catch (error) {
      return { failure: toPortError('store', `append ${name}`, error), digest };
    }
  }

  return {
    position: () => ({ state: fold.state, previous, last }),
    intentLeaf: fold.intentLeaf,
    catchUp,
    write,
  };
}

async function waitAfterLosing(times: number): Promise<void> {
  if (times > 0) await delay(Math.random() * Math.min(LOST_RACE_WAIT_MS * 2 ** times, LONGEST_WAIT_MS));
}

/**
 * What is still to be written: an item whose key is honoured already is not, and the same bytes twice (a retry that
 * met its own first try in one group) are written once. `fatesFrom` turns the fates of what was written into those
 * of all items.
 */
function withoutDuplicates(
  items: readonly LogItem[],
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
