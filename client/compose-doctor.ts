import { statSync } from 'node:fs';
import { Client, Connection, defaultGrpcRetryOptions, makeGrpcRetryInterceptor } from '@temporalio/client';
import { CHECKPOINT_PATH } from '../activities/integrate.ts';
import { DomainError } from '../domain/errors.ts';
import type { TrustDocument } from '../domain/evidence/trust.ts';
import { parseVkey } from '../domain/log/signed-note.ts';
import { type LogState, trustOf } from '../domain/log/state.ts';
import { judgeCheckpoint } from '../domain/log/verify-checkpoint.ts';
import { createRoute53Reader, createS3Client } from '../infra/aws/aws-clients.ts';
import { createRoute53DnsZones } from '../infra/aws/route53-dns-zones.ts';
import { readBucketSettings, readStoreClock } from '../infra/aws/s3-bucket-settings.ts';
import { createS3ChangeLog } from '../infra/aws/s3-change-log.ts';
import { createS3TileStore } from '../infra/aws/s3-tile-store.ts';
import { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
import { keyFile, listKeys, pinnedTrust } from './compose.ts';
import { readPollers } from './doctor/pollers.ts';
import type { Surroundings } from './doctor/surroundings.ts';
import type { Installation } from './installation.ts';

/**
 * The doctor's composition root: unlike `connect` it takes nothing for granted, so that what is broken is found and
 * not met. Nothing is read before it is asked for.
 */
export function openSurroundings(installation: Installation): {
  around: Surroundings;
  close(): Promise<void>;
} {
  const { environment, temporal, aws } = installation;
  const s3 = createS3Client(aws);
  const reader = createRoute53Reader(aws);
  const connection = Connection.lazy({
    address: temporal.address,
    // A retry that is still to come would meet a closed connection.
    interceptors: [makeGrpcRetryInterceptor(defaultGrpcRetryOptions({ maxAttempts: 1 }))],
  });
  const client = new Client({ connection, namespace: temporal.namespace });
  const store = { s3, bucket: aws.bucket, environment };
  let reading: Promise<LogState> | undefined;
  const log = () => {
    reading ??= createS3ChangeLog({
      ...store,
      trust: pinnedTrust(installation),
      verify: verifyEd25519,
    }).sync();
    return reading;
  };
  const trust = async () => {
    try {
      return trustOf(await log());
    } catch (error) {
      // Without the log there is nothing newer to go by.
      if (error instanceof DomainError && error.kind === 'unavailable') return pinnedTrust(installation);
      throw error;
    }
  };
  const around: Surroundings = {
    nowMs: Date.now,
    trust,
    keys: async () =>
      listKeys(installation, await trust()).map((key) => ({
        ...key,
        fileMode: statSync(keyFile(installation, key.subject)).mode & 0o777,
      })),
    async bucket() {
      const dateMs = await readStoreClock(s3, aws.bucket);
      return { dateMs, ...(await readBucketSettings(s3, aws.bucket)) };
    },
    log: async () => log(),
    async checkpoint() {
      const published = await createS3TileStore(store).get(CHECKPOINT_PATH);
      return published && sizeIfSigned(published.bytes, await trust());
    },
    async fence(zone) {
      const { targets } = await trust();
      return createRoute53DnsZones({ reader, writer: reader, targets: () => targets }).readFence(zone);
    },
    pollers: (queue) => readPollers(client, temporal, queue),
  };
  return {
    around,
    async close() {
      await connection.close();
      for (const aws of [s3, reader]) aws.destroy();
    },
  };
}

function sizeIfSigned(bytes: Uint8Array, { transparency }: TrustDocument): { size: number } {
  const judged = judgeCheckpoint(bytes, {
    logKey: parseVkey(transparency.log),
    witnessKeys: transparency.witnesses.map(parseVkey),
    threshold: transparency.threshold,
    verify: verifyEd25519,
    nowMs: Date.now(),
    maxAgeMs: Number.POSITIVE_INFINITY,
  });
  if (judged.ok) return { size: judged.checkpoint.size };
  throw new DomainError('LOG_FORKED', 'The published checkpoint is not signed and cosigned as it must be.', {
    next: 'Find out who published it, and whether the log was replaced.',
    violations: judged.reasons,
  });
}
