import type { Digest } from '../domain/evidence/canonical-json.ts';
import { type Frozen, whyFrozen } from './authorised-step.ts';
import { loadPlan } from './recorded-change.ts';
import type { OrchestratorPorts } from './role-ports.ts';

/** By whom and why this plan's change is sent back; null when no freeze in its way says so. */
export async function sentBack(
  ports: OrchestratorPorts,
  { planDigest }: { planDigest: Digest },
): Promise<Frozen['sentBackBy']> {
  const [plan, state] = await Promise.all([loadPlan(ports.bodies, planDigest), ports.log.sync()]);
  return whyFrozen(state, plan)?.sentBackBy ?? null;
}
