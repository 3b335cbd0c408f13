import type { Logger } from 'pino';
import type { CosignedLog } from '../activities/cosigned-log.ts';
import type { Integrator } from '../activities/integrate.ts';
import type { ConsumerReports } from '../activities/ports/consumer-reports.ts';
import type { HistoryArchive } from '../activities/ports/history-archive.ts';
import type { Pager } from '../activities/ports/pager.ts';
import type { CommonPorts, TakenSnapshot } from '../activities/role-ports.ts';
import type { VerifyEd25519 } from '../domain/log/signed-note.ts';
import { trustOf } from '../domain/log/state.ts';
import {
  createKmsClient,
  createRoute53Reader,
  createRoute53Writer,
  createS3Client,
} from '../infra/aws/aws-clients.ts';
import { openKmsSigner } from '../infra/aws/kms-signer.ts';
import { createRoute53DnsZones } from '../infra/aws/route53-dns-zones.ts';
import { createS3Bodies } from '../infra/aws/s3-bodies.ts';
import { createS3ChangeLog } from '../infra/aws/s3-change-log.ts';
import { createS3ConsumerReports } from '../infra/aws/s3-consumer-reports.ts';
import { createS3HistoryArchive } from '../infra/aws/s3-history-archive.ts';
import { openS3ChangeLog, writeSnapshot } from '../infra/aws/s3-snapshots.ts';
import { createCedarEngine } from '../infra/cedar/cedar-engine.ts';
import { createWebhookPager } from '../infra/http/webhook-pager.ts';
import { openTrustFile } from '../infra/keys/trust-file.ts';
import { verifyEd25519 as verify } from '../infra/keys/verify-ed25519.ts';
import type { WorkerConfig } from './config.ts';
import { madeBy } from './made-by.ts';
import { openTransparency } from './transparency.ts';

/** A snapshot is the orchestrator's word about the past; those who guard production fold all of it themselves. */
const BELIEVES_SNAPSHOTS: readonly WorkerConfig['role'][] = ['orchestrator', 'analysis'];

export type OpenedPorts = CommonPorts & {
  /** The orchestrator's. */
  integrator?: Integrator;
  /** The enactor's. */
  cosignedLog?: CosignedLog;
  reports: ConsumerReports;
  histories: HistoryArchive;
  verify: VerifyEd25519;
  /** See `OrchestratorPorts`: the entry counts only with the orchestrator's key. */
  takeSnapshot(): Promise<TakenSnapshot>;
};

/** Opens the adapters that every role has; what the role may do with them is for AWS's permissions to say. */
export async function openPorts(config: WorkerConfig): Promise<OpenedPorts> {
  const { environment, aws } = config;
  const trust = openTrustFile(config.trustFile, config.trustDigest);
  const s3 = createS3Client(aws);
  const store = { s3, bucket: aws.bucket, environment };
  const logInput = { ...store, trust, verify };
  const log = BELIEVES_SNAPSHOTS.includes(config.role)
    ? await openS3ChangeLog(logInput)
    : createS3ChangeLog(logInput);
  const inForce = () => trustOf(log.lastKnown());
  const kms = createKmsClient(aws);
  const clock = { nowMs: () => Date.now() };
  const [signer, transparency] = await Promise.all([
    openKmsSigner({ kms, keyArn: config.kmsKeyArn }),
    openTransparency(config, { log, clock, kms, store }),
  ]);
  return {
    ...transparency,
    environment,
    verify,
    log,
    async takeSnapshot() {
      await log.sync();
      return writeSnapshot({ ...logInput, log, signer, at: new Date().toISOString() });
    },
    bodies: createS3Bodies(store),
    reports: createS3ConsumerReports(store),
    histories: createS3HistoryArchive(store),
    dns: createRoute53DnsZones({
      reader: createRoute53Reader(aws),
      writer: createRoute53Writer(aws),
      targets: () => inForce().targets,
      worstPropagationMs: config.dnsWorstPropagationMs,
    }),
    signer,
    clock,
    policyEngine: createCedarEngine(),
    madeBy,
  };
}

/** A page is always a log line; a webhook too, where there is one. */
export function createPager(config: WorkerConfig, logger: Logger): Pager {
  const webhook = config.pageWebhookUrl === undefined ? null : createWebhookPager(config.pageWebhookUrl);
  return {
    async page(alert) {
      logger.error({ page: true, ...alert }, 'page');
      await webhook?.page(alert);
    },
  };
}
