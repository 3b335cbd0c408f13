/**
 * What an auditor's commands need of the adapters where there is no network: apart from `compose.ts`, so that they do
 * not wait for SDKs to load.
 */
export { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
export { installedBuild } from '../worker/installed-build.ts';

/** The engine's library is large: only a replay waits for it. */
export function loadReplay(): Promise<typeof import('../worker/replay-history.ts')> {
  return import('../worker/replay-history.ts');
}
