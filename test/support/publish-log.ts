import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { vi } from 'vitest';
import { CHECKPOINT_PATH } from '../../activities/integrate.ts';
import { installationFile } from '../../client/open-installation.ts';
import { createS3Client } from '../../infra/aws/aws-clients.ts';
import { createS3TileStore } from '../../infra/aws/s3-tile-store.ts';
import type { LiveEnvironment } from './live-environment.ts';

/** Longer than the orchestrator takes to publish what is new. */
const PUBLISHED_MS = 15_000;

/**
 * Waits until the environment's published checkpoint covers the whole log, and returns a home for the command line
 * whose installation knows the keys of log and witness.
 */
export async function publishedLog({ name, dir, prepared, log }: LiveEnvironment): Promise<string> {
  const { aws } = prepared.workers.orchestrator;
  const s3 = createS3Client(aws);
  const tiles = createS3TileStore({ s3, bucket: aws.bucket, environment: name });
  const { size } = await log.sync();
  await vi.waitUntil(
    async () => {
      const published = await tiles.get(CHECKPOINT_PATH);
      return published !== null && Number(new TextDecoder().decode(published.bytes).split('\n')[1]) >= size;
    },
    { timeout: PUBLISHED_MS, interval: 200 },
  );
  s3.destroy();
  const home = join(dir, 'home');
  mkdirSync(dirname(installationFile(home)), { recursive: true });
  writeFileSync(installationFile(home), JSON.stringify(prepared.installation));
  return home;
}
