import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type StackAddresses, startServers } from '../../infra/dev/servers.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The run's own servers. Tests keep apart by environment and workflow id, and must not kill them. */
    stack: StackAddresses;
  }
}

/** Starts the real servers once a run, on fresh data, and leaves nothing behind. */
export default async function setUpStack(project: TestProject): Promise<() => Promise<void>> {
  const stateDir = mkdtempSync(join(tmpdir(), 'resilience-test-'));
  const servers = await startServers({ stateDir, onProgress: (line) => process.stderr.write(`${line}\n`) });
  project.provide('stack', { temporal: servers.temporal, aws: servers.aws });
  return async () => {
    await servers.stop();
    rmSync(stateDir, { recursive: true, force: true });
  };
}
