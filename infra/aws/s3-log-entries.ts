import type { LogEntries } from '../../activities/ports/log-entries.ts';
import { genesisDigest } from '../../domain/log/log-object.ts';
import { followLog, type LogPlace, type LogStore, type SeenVersion } from './s3-log-reader.ts';

/** The log's entries as they lie in S3. It remembers the place where it stopped reading. */
export function createS3LogEntries(store: LogStore): LogEntries {
  const start = { place: { first: 0, previous: genesisDigest(store.environment) } };
  let cursor: { place: LogPlace; seen?: SeenVersion } = start;
  return {
    async *from(index) {
      if (index < cursor.place.first) cursor = start;
      for await (const { entries, digest, seen } of followLog(store, cursor.place, cursor.seen)) {
        yield* entries.slice(Math.max(index - seen.first, 0));
        cursor = { place: { first: seen.first + entries.length, previous: digest }, seen };
      }
    },
  };
}
