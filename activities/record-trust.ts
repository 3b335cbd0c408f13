import { digestOf } from '../domain/evidence/canonical-json.ts';
import { signStatement } from '../domain/evidence/statement-codec.ts';
import { indexOfFate } from './fates.ts';
import type { OrchestratorPorts } from './role-ports.ts';

/** A log begins by naming the trust document that its readers must hold. Done at every start; recorded once. */
export async function recordTrust(
  ports: Pick<OrchestratorPorts, 'trust' | 'environment' | 'signer' | 'log' | 'clock'>,
): Promise<number> {
  const entry = await signStatement(ports.signer, 'trust', {
    environment: ports.environment,
    trustDigest: digestOf(ports.trust),
    at: new Date(ports.clock.nowMs()).toISOString(),
  });
  const [fate] = await ports.log.append([entry]);
  return indexOfFate(fate);
}
