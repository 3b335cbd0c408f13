import { signStatement } from '../domain/evidence/statement-codec.ts';
import { trustOf } from '../domain/log/state.ts';
import { indexOfFate } from './fates.ts';
import type { OrchestratorPorts } from './role-ports.ts';

/**
 * A log begins with the pinned trust document. Done at every start; recorded once. Resolves to the index of the entry
 * that put the document in force, be it a later one.
 */
export async function recordTrust(
  ports: Pick<OrchestratorPorts, 'environment' | 'signer' | 'log' | 'clock'>,
): Promise<number> {
  const state = await ports.log.sync();
  const { index } = state.trustInForce;
  if (index !== null) return index;
  const entry = await signStatement(ports.signer, 'trust', {
    environment: ports.environment,
    previousDigest: null,
    document: trustOf(state),
    at: new Date(ports.clock.nowMs()).toISOString(),
  });
  const [fate] = await ports.log.append([entry]);
  return indexOfFate(fate);
}
