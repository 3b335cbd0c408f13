import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import type { HistoryArchive } from '../../activities/ports/history-archive.ts';
import { DomainError } from '../../domain/errors.ts';
import { canonicalBytes, parseJsonBytes } from '../../domain/evidence/canonical-json.ts';
import { isNameTaken, toPortError } from './aws-errors.ts';
import type { LogStore } from './s3-log-reader.ts';

const runsSchema = z.array(z.strictObject({ runId: z.string(), history: z.unknown() }));
const SUFFIX = '.json';

/** One object a change, `histories/<environment>/<change id>.json`, put if absent: all of its runs, or none. */
export function createS3HistoryArchive({ s3, bucket, environment }: LogStore): HistoryArchive {
  const prefix = `histories/${environment}/`;
  const nameOf = (changeId: string) => `${prefix}${changeId}${SUFFIX}`;
  return {
    async changes() {
      const found = new Set<string>();
      let token: string | undefined;
      do {
        try {
          const page = await s3.send(
            new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
          );
          for (const { Key } of page.Contents ?? []) {
            if (Key?.endsWith(SUFFIX)) found.add(Key.slice(prefix.length, -SUFFIX.length));
          }
          token = page.NextContinuationToken;
        } catch (error) {
          throw toPortError('store', `list ${prefix}`, error);
        }
      } while (token !== undefined);
      return found;
    },
    async put(changeId, runs) {
      const Body = canonicalBytes(runs);
      try {
        await s3.send(
          new PutObjectCommand({ Bucket: bucket, Key: nameOf(changeId), Body, IfNoneMatch: '*' }),
        );
      } catch (error) {
        if (!isNameTaken(error)) throw toPortError('store', `put ${nameOf(changeId)}`, error);
      }
    },
    async get(changeId) {
      let bytes: Uint8Array;
      try {
        const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: nameOf(changeId) }));
        bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      } catch (error) {
        const failure = toPortError('store', `read ${nameOf(changeId)}`, error);
        if (failure.code === 'NOT_FOUND') return null;
        throw failure;
      }
      const parsed = runsSchema.safeParse(parseJsonBytes(bytes));
      if (parsed.success) return parsed.data;
      throw new DomainError('ENTRY_MALFORMED', `The object ${nameOf(changeId)} holds no histories.`, {
        next: "Somebody changed the store: the bucket's versions hold what was there first.",
      });
    },
  };
}
