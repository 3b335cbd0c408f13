import type { S3Client } from '@aws-sdk/client-s3';
import type { ChangeLog } from '../../activities/ports/change-log.ts';
import type { Digest } from '../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import { decodeEntry, encodeEntry } from '../../domain/log/entry.ts';
import { createFold } from '../../domain/log/fold.ts';
import { genesisDigest } from '../../domain/log/log-object.ts';
import type { VerifyEd25519 } from '../../domain/log/signed-note.ts';
import type { EntryFate, LogState } from '../../domain/log/state.ts';
import { createTurns } from '../turns.ts';
import { createGroupCommit } from './group-commit.ts';
import { createLogHead } from './log-head.ts';
import { followLog, type SeenVersion } from './s3-log-reader.ts';

/** A folded prefix of the log, and what its next object is named by. */
export interface LogPosition {
  state: LogState;
  /** Digest of the last object folded. */
  previous: Digest;
  /** That object itself. Whoever comes back with it finds out whether the log was shortened or replaced meanwhile. */
  last?: SeenVersion | undefined;
}

export interface S3ChangeLogInput {
  s3: S3Client;
  bucket: string;
  environment: string;
  /** The pinned one; the log's updates are followed from there. */
  trust: TrustDocument;
  verify: VerifyEd25519;
  /** Where a snapshot ends; absent: the log is folded from its first entry. */
  from?: LogPosition;
}

export interface S3ChangeLog extends ChangeLog {
  /** The prefix that this instance has folded, for a snapshot. Read it, never write it. */
  position(): LogPosition;
}

/**
 * The log in S3: see README.md, "Life of an entry". A put succeeds only right after the head that this instance has
 * folded, so what the fold knows at that moment (duplicates, preconditions) is exact.
 */
export function createS3ChangeLog(input: S3ChangeLogInput): S3ChangeLog {
  const { environment, trust, verify } = input;
  const head = createLogHead(input);
  const inTurn = createTurns();
  const commit = createGroupCommit(inTurn, head.write);

  let nextSync: Promise<LogState> | undefined;
  async function sync(options: { atLeast?: number } = {}): Promise<LogState> {
    const { state } = head.position();
    if (options.atLeast !== undefined && state.size >= options.atLeast) return state;
    // One reading that has not begun yet serves everyone who asks until it begins.
    nextSync ??= inTurn(async () => {
      nextSync = undefined;
      await head.catchUp();
      return head.position().state;
    });
    return nextSync;
  }

  async function append(envelopes: readonly Envelope[]): Promise<EntryFate[]> {
    const items = envelopes.map((envelope) => {
      const bytes = encodeEntry(envelope);
      return { bytes, statement: decodeEntry(bytes) };
    });
    return items.length === 0 ? [] : commit(items);
  }

  async function* entries(from: number) {
    const audit = createFold({ environment, trust, verify });
    const start = { first: 0, previous: genesisDigest(environment) };
    for await (const object of followLog(input, start, head.position().last)) {
      for (const bytes of object.entries) {
        const { judge } = audit;
        const fate = audit.apply(bytes);
        if (fate.index >= from) yield { index: fate.index, bytes, fate, judge };
      }
    }
  }

  const { position, intentLeaf } = head;
  return { sync, lastKnown: () => position().state, append, intentLeaf, entries, position };
}
