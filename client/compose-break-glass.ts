import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { z } from 'zod';
import { applyOverride } from '../activities/break-glass/apply-override.ts';
import { planOverrideHere } from '../activities/break-glass/plan-override.ts';
import type { BreakGlassPorts } from '../activities/break-glass/ports.ts';
import { reconcileSpool } from '../activities/break-glass/reconcile-spool.ts';
import { DomainError } from '../domain/errors.ts';
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
import { createCedarEngine } from '../infra/cedar/cedar-engine.ts';
import { createFileSpool } from '../infra/files/file-spool.ts';
import { openTrustFile } from '../infra/keys/trust-file.ts';
import { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
import type { BreakGlass } from './break-glass.ts';
import { openRememberedLog } from './compose.ts';
import { type BreakGlassConfig, breakGlassSchema, type Installation } from './installation.ts';

/**
 * The composition root of break-glass: apart from `compose.ts`, because it must need nothing that may be down. Throws
 * `NOT_PERMITTED` where this machine has no rights to it, and what trust file and signer throw.
 */
export async function openBreakGlass(installation: Installation): Promise<BreakGlass> {
  const { environment } = installation;
  const { aws, kmsKeyArn, spoolDir, dnsWorstPropagationMs } = readConfig(installation);
  const trust = openTrustFile(installation.trustFile, installation.trustDigest);
  const s3 = createS3Client(aws);
  const kms = createKmsClient(aws);
  const [reader, writer] = [createRoute53Reader(aws), createRoute53Writer(aws)];
  const store = { s3, bucket: aws.bucket, environment };
  // What this machine knows of the log is what there is while the log is down.
  const log = await openRememberedLog(installation, { ...store, trust, verify: verifyEd25519 });
  const targets = () => trustOf(log.lastKnown()).targets;
  const ports: BreakGlassPorts = {
    ...{ environment, log, verify: verifyEd25519 },
    bodies: createS3Bodies(store),
    policyEngine: createCedarEngine(),
    dns: createRoute53DnsZones({ reader, writer, targets, worstPropagationMs: dnsWorstPropagationMs }),
    signer: await openKmsSigner({ kms, keyArn: kmsKeyArn }),
    clock: { nowMs: Date.now },
    spool: createFileSpool(spoolDir),
    pause: (ms) => sleep(ms),
  };
  return {
    environment,
    async plan(changeId, request) {
      const { planned, state } = await planOverrideHere(ports, changeId, request);
      return { ...planned, logAnswers: state !== null };
    },
    apply: (signed) => applyOverride(ports, signed),
    reconcile: () => reconcileSpool(ports),
    close() {
      for (const client of [s3, kms, reader, writer]) client.destroy();
    },
  };
}

function readConfig({ breakGlassFile }: Installation): BreakGlassConfig {
  if (breakGlassFile === undefined) {
    throw new DomainError('NOT_PERMITTED', 'This machine may not break glass.', {
      next: 'Go to one whose installation names a `breakGlassFile`.',
    });
  }
  const parsed = breakGlassSchema.safeParse(readJson(breakGlassFile));
  if (parsed.success) return parsed.data;
  throw new DomainError(
    'SCHEMA_INVALID',
    `${breakGlassFile} is not valid:\n${z.prettifyError(parsed.error)}`,
    {
      next: 'Correct it, or get it again from whoever runs the environment.',
    },
  );
}

function readJson(file: string): unknown {
  try {
    return JSON.parse(readFileSync(file, 'utf8'));
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DomainError('NOT_PERMITTED', `${file} cannot be read: ${why}`, {
      next: 'Break-glass needs it; get it from where it is locked away.',
    });
  }
}
