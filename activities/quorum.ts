import type { Envelope } from '../domain/evidence/dsse.ts';
import { indexOfFate } from './fates.ts';
import type { OrchestratorPorts } from './role-ports.ts';

/**
 * Phase `quorum`, its end: the votes become entries, yes and no alike. They are signed by the voters themselves; what
 * somebody else said in a voter's name, who polled its queue, is inert: its index is null, and it is no vote.
 */
export async function recordVotes(
  ports: OrchestratorPorts,
  input: { envelopes: Envelope[] },
): Promise<{ indices: (number | null)[] }> {
  const fates = await ports.log.append(input.envelopes);
  return { indices: fates.map((fate) => (fate.fate === 'inert' ? null : indexOfFate(fate))) };
}
