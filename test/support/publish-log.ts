import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { createIntegrator } from '../../activities/integrate.ts';
import { createCosigner } from '../../activities/witness.ts';
import { installationFile } from '../../client/open-installation.ts';
import { logOrigin } from '../../domain/log/checkpoint.ts';
import { formatVkey } from '../../domain/log/signed-note.ts';
import { createS3Client } from '../../infra/aws/aws-clients.ts';
import { createS3LogEntries } from '../../infra/aws/s3-log-entries.ts';
import { createS3TileStore } from '../../infra/aws/s3-tile-store.ts';
import { createFileWitnessMemory } from '../../infra/files/file-witness-memory.ts';
import { createHttpWitness } from '../../infra/http/witness-client.ts';
import { startWitnessServer } from '../../infra/http/witness-server.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import type { LiveEnvironment } from './live-environment.ts';
import { noteSigner } from './note-keys.ts';

export interface PublishedLog {
  /** For the command line: an installation that knows the keys. */
  home: string;
  /** Integrates to the head and publishes a cosigned checkpoint of it. */
  publish(): Promise<void>;
  stop(): Promise<void>;
}

/** Integrates an environment's log as its owner would, with a witness behind HTTP. */
export async function publishedLog({ name, dir, prepared }: LiveEnvironment): Promise<PublishedLog> {
  const clock = { nowMs: Date.now };
  const log = noteSigner('ed25519', logOrigin(name));
  const witness = noteSigner('cosignature/v1', `witness.example/${name}`);
  const memory = createFileWitnessMemory(join(dir, 'witness'));
  const cosigner = {
    key: witness.key,
    signer: witness,
    logKeys: [log.key],
    memory,
    verify: verifyEd25519,
    clock,
  };
  const server = await startWitnessServer({
    host: '127.0.0.1',
    port: 0,
    addCheckpoint: createCosigner(cosigner),
    lastCosigned: async () => null,
    onError: () => {},
  });
  const { aws } = prepared.workers.orchestrator;
  const s3 = createS3Client(aws);
  const store = { s3, bucket: aws.bucket, environment: name };
  const integrator = createIntegrator({
    entries: createS3LogEntries(store),
    tiles: createS3TileStore(store),
    logKey: log.key,
    signer: log,
    witnesses: [{ key: witness.key, witness: createHttpWitness(server.url) }],
    threshold: 1,
    verify: verifyEd25519,
    clock,
  });
  const home = join(dir, 'home');
  mkdirSync(dirname(installationFile(home)), { recursive: true });
  const checkpoints = { logKey: formatVkey(log.key), witnessKeys: [formatVkey(witness.key)] };
  writeFileSync(installationFile(home), JSON.stringify({ ...prepared.installation, checkpoints }));
  return {
    home,
    publish: async () => void (await integrator.integrate()),
    stop: async () => {
      await server.close();
      s3.destroy();
    },
  };
}
