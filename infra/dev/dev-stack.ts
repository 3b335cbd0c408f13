import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Installation } from '../../client/installation.ts';
import { devZone } from './dev-zone.ts';
import { type DevEnvironment, prepareEnvironment } from './environment.ts';
import { startRoles } from './roles.ts';
import { type DevServers, startServers } from './servers.ts';

export interface DevStackOptions {
  /** Holds the installation file, keys, data and logs. */
  home: string;
  environment: string;
  onProgress: (line: string) => void;
  onUnexpectedExit?: (message: string) => void;
}

export interface DevStack extends DevEnvironment {
  servers: DevServers;
  /** Ends everything, in order, and removes the installation file; resolves when all have ended. */
  stop(): Promise<void>;
}

/**
 * The whole local stack: servers, one environment with the zone `example.com`, and a process for each role and
 * for a witness. The
 * installation file appears last, so whoever finds it finds a stack that works. All of it ends with this process.
 */
export async function runDevStack(options: DevStackOptions): Promise<DevStack> {
  const { home, environment, onProgress } = options;
  const dir = join(home, 'dev');
  const onUnexpectedExit = options.onUnexpectedExit ?? onProgress;
  mkdirSync(join(dir, 'servers'), { recursive: true, mode: 0o700 });
  const servers = await startServers({ stateDir: join(dir, 'servers'), onProgress, onUnexpectedExit });
  try {
    onProgress(`Preparing environment ${environment} …`);
    const prepared = await prepareEnvironment(servers, { environment, zones: [devZone('example.com')], dir });
    onProgress('Starting orchestrator, enactor, analysis, three voters, a witness and a factor-verifier …');
    const { workers, witness, factorVerifier } = prepared;
    const roles = await startRoles({ dir, workers, witness, factorVerifier, onUnexpectedExit });
    const installation: Installation = {
      ...prepared.installation,
      dev: { pid: process.pid, startedAt: new Date().toISOString() },
    };
    const file = join(dir, 'installation.json');
    writeFileSync(file, `${JSON.stringify(installation, null, 2)}\n`, { mode: 0o600 });
    return {
      ...prepared,
      installation,
      servers,
      async stop() {
        rmSync(file, { force: true });
        await roles.stop();
        await servers.stop();
      },
    };
  } catch (error) {
    await servers.stop();
    throw error;
  }
}
