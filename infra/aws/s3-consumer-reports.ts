import { GetObjectCommand, ListObjectsV2Command, PutObjectCommand } from '@aws-sdk/client-s3';
import type { ConsumerReports, ConsumerReportWriter } from '../../activities/ports/consumer-reports.ts';
import { type ConsumerReport, parseConsumerReport } from '../../domain/canary/consumer-report.ts';
import { DomainError } from '../../domain/errors.ts';
import { canonicalBytes } from '../../domain/evidence/canonical-json.ts';
import { isNameTaken, toPortError } from './aws-errors.ts';
import type { LogStore } from './s3-log-reader.ts';

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
export function createS3ConsumerReportWriter({ s3, bucket, environment }: LogStore): ConsumerReportWriter {
  let sequence = 0;
  return {
    async write(report) {
      sequence = Math.max(sequence + 1, Date.parse(report.to));
      const name = `${prefixOf(environment, report.changeId)}${report.instanceId}-${sequence}.json`;
      const Body = canonicalBytes(report);
      try {
        await s3.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body, IfNoneMatch: '*' }));
      } catch (error) {
        // Taken by its own first try, whose answer was lost; or by another process of the same id, which counts once.
        if (!isNameTaken(error)) throw toPortError('store', `put ${name}`, error);
      }
    },
  };
}

function prefixOf(environment: string, changeId: string): string {
  return `reports/${environment}/${changeId}/`;
}

async function namesOf({ s3, bucket, environment }: LogStore, changeId: string): Promise<string[]> {
  const names: string[] = [];
  let token: string | undefined;
  do {
    try {
      const page = await s3.send(
        new ListObjectsV2Command({
          Bucket: bucket,
          Prefix: prefixOf(environment, changeId),
          ContinuationToken: token,
        }),
      );
      const small = (page.Contents ?? []).filter(({ Size }) => (Size ?? 0) <= MAX_REPORT_BYTES);
      names.push(...small.flatMap(({ Key }) => Key ?? []));
      token = page.NextContinuationToken;
    } catch (error) {
      throw toPortError('store', `list the reports about ${changeId}`, error);
    }
  } while (token !== undefined);
  return names;
}

/** Null for what is no report of this change, and of this instance: a consumer speaks for itself. */
async function read(store: LogStore, name: string, changeId: string): Promise<ConsumerReport | null> {
  const { s3, bucket, environment } = store;
  let bytes: Uint8Array;
  try {
    const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: name }));
    bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
  } catch (error) {
    throw toPortError('store', `read ${name}`, error);
  }
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
