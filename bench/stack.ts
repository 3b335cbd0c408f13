import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Installation } from '../client/installation.ts';
import { devZone } from '../infra/dev/dev-zone.ts';
import { type DevEnvironment, prepareEnvironment } from '../infra/dev/environment.ts';
import { startRoles } from '../infra/dev/roles.ts';
import { startServers } from '../infra/dev/servers.ts';

export const ZONE = 'example.com';

export interface BenchStack {
  installation: Installation;
  /** Where everything of this run lies; removed at the end. */
  home: string;
  workers: DevEnvironment['workers'];
  /** What a service reads what is live with. */
  consumerFile: string;
  /** Where the roles write down their AWS calls. */
  callsDir: string;
  /** Leaves the servers alone with whoever calls them next. */
  stopRoles(): Promise<void>;
  stop(): Promise<void>;
}

/**
 * The local stack on fresh data: real servers and, where they are wanted, one process a role. Its records have a TTL of
 * 0, so no bake lasts.
 */
export async function startBenchStack(
  home: string,
  withRoles: boolean,
  say: (line: string) => void,
): Promise<BenchStack> {
  const callsDir = join(home, 'calls');
  mkdirSync(callsDir);
  const servers = await startServers({ stateDir: home, onProgress: say });
  try {
    const { name, records } = devZone(ZONE);
    const zones = [{ name, records: records.map((record) => ({ ...record, TTL: 0 })) }];
    const { installation, workers, witness, consumerFile } = await prepareEnvironment(servers, {
      environment: 'bench',
      zones,
      dir: home,
    });
    const roles = withRoles
      ? await startRoles({
          dir: home,
          workers,
          witness,
          onUnexpectedExit: say,
          main: fileURLToPath(new URL('worker.ts', import.meta.url)),
          env: () => ({ BENCH_CALLS_DIR: callsDir }),
        })
      : null;
    const stopRoles = async () => roles?.stop();
    return {
      ...{ installation, home, workers, consumerFile, callsDir, stopRoles },
      async stop() {
        await stopRoles();
        await servers.stop();
      },
    };
  } catch (error) {
    await servers.stop();
    throw error;
  }
}
