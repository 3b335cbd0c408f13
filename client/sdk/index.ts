import { join } from 'node:path';
import { INSTANCE_ID } from '../../domain/canary/consumer-report.ts';
import { DomainError } from '../../domain/errors.ts';
import { createS3Client } from '../../infra/aws/aws-clients.ts';
import { createS3Bodies } from '../../infra/aws/s3-bodies.ts';
import { createS3ChangeLog, type S3ChangeLog } from '../../infra/aws/s3-change-log.ts';
import { createS3ConsumerReportWriter } from '../../infra/aws/s3-consumer-reports.ts';
import { openS3ChangeLog } from '../../infra/aws/s3-snapshots.ts';
import { createFileBodies } from '../../infra/files/file-bodies.ts';
import { createLastGoodFile, type LastGood, placeToGoOn } from '../../infra/files/file-last-good.ts';
import { openTrustFile } from '../../infra/keys/trust-file.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import type { ControlPlaneClient } from './control-plane-client.ts';
import { startControlPlaneClient } from './start-client.ts';

export type * from './control-plane-client.ts';

export interface ControlPlaneClientOptions {
  environment: string;
  aws: {
    /** Absent: AWS itself. */
    endpoint?: string | undefined;
    region: string;
    bucket: string;
    /** Absent: the AWS SDK's own credential chain. Reading the log and putting reports is all they need to allow. */
    credentials?: { accessKeyId: string; secretAccessKey: string } | undefined;
  };
  /** The signed trust document, and the digest that it must have. */
  trustFile: string;
  trustDigest: string;
  /** Who reads. The instance's id should stay over restarts; the zone is its availability zone. */
  service: string;
  instanceId: string;
  zone: string;
  /** Folder of this instance alone, for its last-good copy. */
  dir: string;
  /**
   * Within how long a move of the log is to be seen. The wait between two readings is half to four fifths of it, at
   * random, so that consumers do not all ask at once. Default 1000.
   */
  pollIntervalMs?: number;
  /** How often health is reported while a change is exposed. Default 5000. */
  reportIntervalMs?: number;
}

/**
 * Resolves when there is something verified to serve: from the log, else from the copy on disk. Throws when there is
 * neither (`STORE_UNAVAILABLE`, `THROTTLED`, `NOT_PERMITTED`, `LOG_FORKED`, `DIGEST_MISMATCH`), for a trust document
 * other than the pinned one (`DIGEST_MISMATCH`), and for a damaged copy on disk (`DIGEST_MISMATCH`).
 */
export async function createControlPlaneClient(
  options: ControlPlaneClientOptions,
): Promise<ControlPlaneClient> {
  const { environment, trustDigest, dir } = options;
  const { service, instanceId, zone } = options;
  const { pollIntervalMs = 1_000, reportIntervalMs = 5_000 } = options;
  refuseInstanceId(instanceId);
  const copy = { file: createLastGoodFile(dir), bodies: createFileBodies(join(dir, 'bodies')) };
  const trust = openTrustFile(options.trustFile, trustDigest);
  const kept = await copy.file.read();
  refuseOther(environment, kept, dir);
  const s3 = createS3Client(options.aws);
  const store = { s3, bucket: options.aws.bucket, environment };
  try {
    const log = await openLog({ ...store, trust, verify: verifyEd25519 }, trustDigest, kept);
    const ports = {
      log,
      bodies: createS3Bodies(store),
      reports: createS3ConsumerReportWriter(store),
      copy,
      nowMs: Date.now,
      random: Math.random,
      after: (ms: number, call: () => void) => {
        const timer = setTimeout(call, ms);
        return () => clearTimeout(timer);
      },
      release: () => s3.destroy(),
    };
    const consumer = { service, instanceId, zone };
    const settings = { environment, trustDigest, consumer, pollIntervalMs, reportIntervalMs };
    return await startControlPlaneClient(ports, settings, kept);
  } catch (error) {
    s3.destroy();
    throw error;
  }
}

/** Goes on where the copy ends; without one it starts from a snapshot. */
async function openLog(
  input: Parameters<typeof openS3ChangeLog>[0],
  trustDigest: string,
  kept: LastGood | null,
): Promise<S3ChangeLog> {
  if (kept === null) return openS3ChangeLog(input);
  return createS3ChangeLog({ ...input, from: placeToGoOn(kept, trustDigest, input.trust) });
}

function refuseInstanceId(instanceId: string): void {
  if (INSTANCE_ID.test(instanceId)) return;
  throw new DomainError('SCHEMA_INVALID', `${JSON.stringify(instanceId)} cannot name an instance.`, {
    next: 'Use letters, digits and . _ -, at most 128, such as a host or pod name.',
  });
}

function refuseOther(environment: string, kept: LastGood | null, dir: string): void {
  if (kept === null || kept.environment === environment) return;
  throw new DomainError('SCHEMA_INVALID', `${dir} holds a copy of environment ${kept.environment}.`, {
    next: `Give the consumer of ${environment} a folder of its own.`,
  });
}
