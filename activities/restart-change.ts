import { openChange } from './recorded-change.ts';
import type { OrchestratorPorts } from './role-ports.ts';

/**
 * Starts an open change again from its request entry. Where it had begun to write, its first phase finds that in the log
 * and goes back (`underway.ts`); else it begins anew, with the votes and approvals that the log holds. Throws
 * `ALREADY_ENDED`, `ENGINE_UNAVAILABLE`.
 */
export async function restartChange(
  ports: OrchestratorPorts,
  { changeId }: { changeId: string },
): Promise<void> {
  const { request } = openChange(await ports.log.sync(), changeId);
  const { requestDigest, index: requestIndex, resources } = request;
  await ports.runs.start(
    { changeId, environment: ports.environment, requestDigest, requestIndex },
    resources.every((resource) => resource.startsWith('switch/')),
  );
}
