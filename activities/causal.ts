import type { Violation } from '../domain/errors.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import { planHere } from './plan-base.ts';
import { loadRequest } from './recorded-change.ts';
import type { OrchestratorPorts } from './role-ports.ts';

/** Phase `causal`: what the change was made against is what is live, and what it needs exists. */
export async function checkCausality(
  ports: OrchestratorPorts,
  input: { changeId: string; requestDigest: Digest },
): Promise<{ violations: Violation[] }> {
  const state = await ports.log.sync();
  const request = await loadRequest(ports.bodies, input.requestDigest);
  const planned = await planHere(ports, { ...input, request }, state);
  // Without a plan there is no base to compare; the plan phase says why there is none.
  return { violations: planned.plan === null ? [] : planned.judgeCausality() };
}
