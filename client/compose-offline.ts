import type { ChangeHistory } from './audit/evidence-source.ts';

export { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
/**
 * What an auditor's commands need of the adapters where there is no network: apart from `compose.ts`, so that they do
 * not wait for SDKs to load.
 */
export { installedBuild } from '../worker/installed-build.ts';

/**
 * Replays a recorded history against the workflows of this build. Null when every command is the recorded one, else
 * where it went another way.
 */
export async function replayHistory({ runId, history }: ChangeHistory): Promise<string | null> {
  const [{ DefaultLogger, Runtime, Worker }, { DeterminismViolationError }, { loadWorkflowBundle }] =
    await Promise.all([
      import('@temporalio/worker'),
      import('@temporalio/workflow'),
      import('../worker/role-worker.ts'),
    ]);
  keepQuiet(() => Runtime.install({ logger: new DefaultLogger('ERROR', () => {}) }));
  try {
    await Worker.runReplayHistory({ workflowBundle: await loadWorkflowBundle() }, history, runId);
    return null;
  } catch (error) {
    if (error instanceof DeterminismViolationError) return error.message;
    throw error;
  }
}

/** The engine's library writes to standard error unless it is told otherwise, once a process. */
function keepQuiet(install: () => unknown): void {
  try {
    install();
  } catch (error) {
    if (!(error instanceof Error) || error.name !== 'IllegalStateError') throw error;
  }
}
