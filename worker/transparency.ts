import { type CosignedLog, createCosignedLog } from '../activities/cosigned-log.ts';
import { createIntegrator, type Integrator } from '../activities/integrate.ts';
import type { ChangeLog } from '../activities/ports/change-log.ts';
import type { Clock } from '../activities/ports/clock.ts';
import { DomainError } from '../domain/errors.ts';
import type { Signer } from '../domain/evidence/dsse.ts';
import { keyIdOf } from '../domain/evidence/ed25519-key.ts';
import type { TrustDocument } from '../domain/evidence/trust.ts';
import { parseVkey } from '../domain/log/signed-note.ts';
import { trustOf } from '../domain/log/state.ts';
import type { createKmsClient } from '../infra/aws/aws-clients.ts';
import { openKmsSigner } from '../infra/aws/kms-signer.ts';
import { createS3LogEntries } from '../infra/aws/s3-log-entries.ts';
import type { LogStore } from '../infra/aws/s3-log-reader.ts';
import { createS3TileStore } from '../infra/aws/s3-tile-store.ts';
import { createFileWitnessMemory } from '../infra/files/file-witness-memory.ts';
import { createHttpWitness } from '../infra/http/witness-client.ts';
import { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
import type { WorkerConfig } from './config.ts';

interface Opening {
  log: ChangeLog;
  clock: Clock;
  kms: ReturnType<typeof createKmsClient>;
  store: LogStore;
}

/** What the role's configuration asks for: the orchestrator has the log cosigned, the enactor demands that it is. */
export async function openTransparency(
  config: WorkerConfig,
  opening: Opening,
): Promise<{ integrator?: Integrator; cosignedLog?: CosignedLog }> {
  const { integration, checkpointDir } = config;
  return {
    ...(integration && { integrator: await openIntegrator(integration, opening) }),
    ...(checkpointDir !== undefined && { cosignedLog: openCosignedLog(checkpointDir, opening) }),
  };
}

async function openIntegrator(
  { logKeyArn, witnesses }: NonNullable<WorkerConfig['integration']>,
  { log: changeLog, clock, kms, store }: Opening,
): Promise<Integrator> {
  // Another witness comes with its address, so with another configuration and a new start.
  const trust = trustOf(await changeLog.sync());
  const { log, threshold } = trust.transparency;
  const signer = await openKmsSigner({ kms, keyArn: logKeyArn });
  requirePinned(trust, signer, witnesses);
  return createIntegrator({
    entries: createS3LogEntries(store),
    tiles: createS3TileStore(store),
    logKey: parseVkey(log),
    signer,
    witnesses: witnesses.map(({ url, vkey }) => ({ key: parseVkey(vkey), witness: createHttpWitness(url) })),
    threshold,
    verify: verifyEd25519,
    clock,
  });
}

function openCosignedLog(checkpointDir: string, { log, clock, store }: Opening): CosignedLog {
  const inForce = () => trustOf(log.lastKnown()).transparency;
  return createCosignedLog({
    tiles: createS3TileStore(store),
    logKey: parseVkey(inForce().log),
    witnesses() {
      const { witnesses, threshold } = inForce();
      return { keys: witnesses.map(parseVkey), threshold };
    },
    verify: verifyEd25519,
    clock,
    memory: createFileWitnessMemory(checkpointDir),
  });
}

/** What others would not verify is not published. */
function requirePinned(
  { transparency }: TrustDocument,
  signer: Signer,
  witnesses: readonly { vkey: string }[],
): void {
  const strangers = witnesses.filter(({ vkey }) => !transparency.witnesses.includes(vkey));
  const wrong = [
    ...(keyIdOf(parseVkey(transparency.log).publicKey) === signer.keyId ? [] : ["the log's key"]),
    ...strangers.map(({ vkey }) => `the witness ${vkey}`),
  ];
  if (wrong.length === 0) return;
  throw new DomainError(
    'SCHEMA_INVALID',
    `The trust document has another key than the configuration for ${wrong.join(' and ')}.`,
    { next: 'Correct `integration` in the configuration, or enrol the key in the trust document.' },
  );
}
