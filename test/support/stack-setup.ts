import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestProject } from 'vitest/node';
import { type StackAddresses, startServers } from '../../infra/dev/servers.ts';
import { loadWorkflowBundle } from '../../worker/role-worker.ts';

declare module 'vitest' {
  interface ProvidedContext {
    /** The run's own servers. Tests keep apart by environment and workflow id, and must not kill them. */
    stack: StackAddresses;
    /** The workflow bundle's file, made once a run. */
    workflowBundle: string;
  }
}

/** Starts the real servers once a run, on fresh data, and leaves nothing behind. */
export default async function setUpStack(project: TestProject): Promise<() => Promise<void>> {
  const stateDir = mkdtempSync(join(tmpdir(), 'resilience-test-'));
  const servers = await startServers({ stateDir, onProgress: (line) => process.stderr.write(`${line}\n`) });
  project.provide('stack', { temporal: servers.temporal, aws: servers.aws });
  project.provide('workflowBundle', await writeBundle(stateDir));
  return async () => {
    await servers.stop();
    rmSync(stateDir, { recursive: true, force: true });
  };
}

async function writeBundle(stateDir: string): Promise<string> {
  const bundle = await loadWorkflowBundle();
  if ('codePath' in bundle) return bundle.codePath;
  const file = join(stateDir, 'workflow-bundle.js');
  writeFileSync(file, bundle.code);
  return file;
}
