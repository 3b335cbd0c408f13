import { z } from 'zod';
import type { HistoryArchive } from '../../activities/ports/history-archive.ts';
import { DomainError } from '../../domain/errors.ts';
import { canonicalBytes, parseJsonBytes } from '../../domain/evidence/canonical-json.ts';
import type { LogStore } from './s3-log-reader.ts';
import { findObject, IF_ABSENT, listObjects, putObject } from './s3-objects.ts';

const runsSchema = z.array(z.strictObject({ runId: z.string(), history: z.unknown() }));
const SUFFIX = '.json';

/** One object a change, `histories/<environment>/<change id>.json`, put if absent: all of its runs, or none. */
export function createS3HistoryArchive(store: LogStore): HistoryArchive {
  const prefix = `histories/${store.environment}/`;
  const nameOf = (changeId: string) => `${prefix}${changeId}${SUFFIX}`;
  return {
    async changes() {
      const found = new Set<string>();
      for await (const { name } of listObjects(store, prefix, prefix)) {
        if (name.endsWith(SUFFIX)) found.add(name.slice(prefix.length, -SUFFIX.length));
      }
      return found;
    },
    async put(changeId, runs) {
      await putObject(store, nameOf(changeId), canonicalBytes(runs), IF_ABSENT);
    },
    async get(changeId) {
      const stored = await findObject(store, nameOf(changeId));
      if (stored === null) return null;
      const parsed = runsSchema.safeParse(parseJsonBytes(stored.bytes));
      if (parsed.success) return parsed.data;
      throw new DomainError('ENTRY_MALFORMED', `The object ${nameOf(changeId)} holds no histories.`, {
        next: "Somebody changed the store: the bucket's versions hold what was there first.",
      });
    },
  };
}
