import type { ConsumerReports, ConsumerReportWriter } from '../../activities/ports/consumer-reports.ts';
import { type ConsumerReport, parseConsumerReport } from '../../domain/canary/consumer-report.ts';
import { DomainError } from '../../domain/errors.ts';
import { canonicalBytes } from '../../domain/evidence/canonical-json.ts';
import type { LogStore } from './s3-log-reader.ts';
import { IF_ABSENT, listObjects, putObject, readObject } from './s3-objects.ts';

/** An object larger than this is no report, and is not even fetched. */
const MAX_REPORT_BYTES = 4_096;
const CONCURRENT_READS = 16;
/** A judge asks for the same reports after each round of a bake; they never change. */
const MAX_KNOWN = 50_000;

/** Reports as objects `reports/<environment>/<change id>/<instance id>-<sequence>.json`, each fetched once. */
export function createS3ConsumerReports(store: LogStore): ConsumerReports {
  const known = new Map<string, ConsumerReport | null>();
  return {
    async read(changeId) {
      const names = await namesOf(store, changeId);
      if (known.size + names.length > MAX_KNOWN) known.clear();
      const fresh = names.filter((name) => !known.has(name));
      for (let at = 0; at < fresh.length; at += CONCURRENT_READS) {
        const group = fresh.slice(at, at + CONCURRENT_READS);
        await Promise.all(group.map(async (name) => known.set(name, await read(store, name, changeId))));
      }
      return names.flatMap((name) => known.get(name) ?? []);
    },
  };
}

/** Numbers its reports by time, so that an instance that starts again goes on after itself. */
export function createS3ConsumerReportWriter(store: LogStore): ConsumerReportWriter {
  let sequence = 0;
  return {
    async write(report) {
      sequence = Math.max(sequence + 1, Date.parse(report.to));
      const name = `${prefixOf(store.environment, report.changeId)}${report.instanceId}-${sequence}.json`;
      // Taken by its own first try, whose answer was lost; or by another process of the same id, which counts once.
      await putObject(store, name, canonicalBytes(report), IF_ABSENT);
    },
  };
}

function prefixOf(environment: string, changeId: string): string {
  return `reports/${environment}/${changeId}/`;
}

async function namesOf(store: LogStore, changeId: string): Promise<string[]> {
  const names: string[] = [];
  const prefix = prefixOf(store.environment, changeId);
  for await (const { name, sizeBytes } of listObjects(store, prefix, `the reports about ${changeId}`)) {
    if (sizeBytes <= MAX_REPORT_BYTES) names.push(name);
  }
  return names;
}

/** Null for what is no report of this change, and of this instance: a consumer speaks for itself. */
async function read(store: LogStore, name: string, changeId: string): Promise<ConsumerReport | null> {
  const { environment } = store;
  const { bytes } = await readObject(store, name);
  try {
    const report = parseConsumerReport(bytes);
    const prefix = `${prefixOf(environment, changeId)}${report.instanceId}-`;
    const own = report.environment === environment && report.changeId === changeId;
    return own && name.startsWith(prefix) ? report : null;
  } catch (error) {
    if (error instanceof DomainError) return null;
    throw error;
  }
}
