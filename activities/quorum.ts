import type { Envelope } from '../domain/evidence/dsse.ts';
import { indexOfFate } from './fates.ts';
import type { OrchestratorPorts } from './role-ports.ts';

/** Phase `quorum`, its end: the votes become entries, yes and no alike. They are signed by the voters themselves. */
export async function recordVotes(
  ports: OrchestratorPorts,
  input: { envelopes: Envelope[] },
): Promise<{ indices: number[] }> {
  const fates = await ports.log.append(input.envelopes);
  return { indices: fates.map(indexOfFate) };
}
