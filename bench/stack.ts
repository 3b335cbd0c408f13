import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Installation } from '../client/installation.ts';
import { devZone } from '../infra/dev/dev-zone.ts';
import { prepareEnvironment } from '../infra/dev/environment.ts';
import { startRoles } from '../infra/dev/roles.ts';
import { startServers } from '../infra/dev/servers.ts';

export const ZONE = 'example.com';

export interface BenchStack {
  installation: Installation;
  /** Where the roles write down their AWS calls. */
  callsDir: string;
  /** Leaves the servers alone with whoever calls them next. */
  stopRoles(): Promise<void>;
  stop(): Promise<void>;
}

/** The local stack on fresh data: real servers, one process a role. Its records have a TTL of 0, so no bake lasts. */
export async function startBenchStack(home: string, onProgress: (line: string) => void): Promise<BenchStack> {
  const callsDir = join(home, 'calls');
  mkdirSync(callsDir);
  const servers = await startServers({ stateDir: home, onProgress });
  try {
    const { name, records } = devZone(ZONE);
    const zones = [{ name, records: records.map((record) => ({ ...record, TTL: 0 })) }];
    const { installation, workers, witness } = await prepareEnvironment(servers, {
      environment: 'bench',
      zones,
      dir: home,
    });
    const roles = await startRoles({
      dir: home,
      workers,
      witness,
      onUnexpectedExit: onProgress,
      main: fileURLToPath(new URL('worker.ts', import.meta.url)),
      env: () => ({ BENCH_CALLS_DIR: callsDir }),
    });
    return {
      installation,
      callsDir,
      stopRoles: roles.stop,
      async stop() {
        await roles.stop();
        await servers.stop();
      },
    };
  } catch (error) {
    await servers.stop();
    throw error;
  }
}
