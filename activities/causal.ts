import { laneOf } from '../domain/causality/lane.ts';
import type { Violation } from '../domain/errors.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import { planHere } from './plan-base.ts';
import { loadRequest, openChange } from './recorded-change.ts';
import type { OrchestratorPorts } from './role-ports.ts';

export interface CausalFinding {
  /** Changes that go first: on the same resources, or on whose result this one depends. Until they end, no more. */
  ahead: string[];
  violations: Violation[];
}

/** Phase `causal`: it is this change's turn, what it was made against is what is live, and what it needs exists. */
export async function checkCausality(
  ports: OrchestratorPorts,
  input: { changeId: string; requestDigest: Digest },
): Promise<CausalFinding> {
  const state = await ports.log.sync();
  const { ahead } = laneOf(openChange(state, input.changeId), state);
  if (ahead.length > 0) return { ahead, violations: [] };
  const request = await loadRequest(ports.bodies, input.requestDigest);
  const planned = await planHere(ports, { ...input, request }, state);
  // Without a plan there is no base to compare; the plan phase says why there is none.
  return { ahead, violations: planned.plan === null ? [] : planned.judgeCausality() };
}
