import { setTimeout as sleep } from 'node:timers/promises';
import type { Logger } from 'pino';
import type { ChangeLog } from '../activities/ports/change-log.ts';
import type { ChangeHistory, HistoryArchive } from '../activities/ports/history-archive.ts';

export interface ArchivePorts {
  log: Pick<ChangeLog, 'sync'>;
  archive: HistoryArchive;
  /** The runs of a change's workflow, from the engine. */
  runsOf(changeId: string): Promise<ChangeHistory[] | 'open' | 'forgotten'>;
}

const INTERVAL_MS = 5_000;

/** Keeps the histories of changes that have ended before the engine forgets them. Each call does what is left to do. */
export function createHistoryArchiver({ log, archive, runsOf }: ArchivePorts): () => Promise<string[]> {
  let done: Set<string> | undefined;
  return async () => {
    done ??= await archive.changes();
    const { ended } = await log.sync();
    const kept: string[] = [];
    for (const changeId of Object.keys(ended)) {
      if (done.has(changeId)) continue;
      const runs = await runsOf(changeId);
      // The end is an entry before it is the workflow's own.
      if (runs === 'open') continue;
      if (runs !== 'forgotten') {
        await archive.put(changeId, runs);
        kept.push(changeId);
      }
      done.add(changeId);
    }
    return kept;
  };
}

/** The orchestrator's other job. Never rejects; a failure is told once, until it works again. */
export async function archivePeriodically(ports: ArchivePorts, logger: Logger): Promise<void> {
  const archive = createHistoryArchiver(ports);
  let failing = false;
  for (;;) {
    try {
      const changes = await archive();
      if (changes.length > 0) logger.info({ changes }, 'histories archived');
      failing = false;
    } catch (err) {
      if (!failing) logger.warn({ err }, 'histories are not archived');
      failing = true;
    }
    await sleep(INTERVAL_MS, undefined, { ref: false });
  }
}
