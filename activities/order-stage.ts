import { inverseDigestOf, type Plan, zoneOf } from '../domain/change/plan.ts';
import { DomainError } from '../domain/errors.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import { judgeExpiry } from '../domain/evidence/trust-succession.ts';
import { type LogState, trustOf } from '../domain/log/state.ts';
import { type Frozen, whyFrozen } from './authorised-step.ts';
import { indexOfFate } from './fates.ts';
import { loadPlan } from './recorded-change.ts';
import type { OrchestratorPorts } from './role-ports.ts';
import { signDecision } from './sign-decision.ts';

export type StageOrder =
  | { status: 'ordered'; intentIndex: number }
  /** Not now: another change has these records, or the trust document has expired. Ask again later. */
  | { status: 'wait'; code: 'RESERVED' | 'TRUST_EXPIRED'; reason: string }
  /** Not now: a freeze is in its way. */
  | ({ status: 'wait'; code: 'FROZEN' } & Frozen);

/**
 * Phase `stages`, before each effect: the intent, with the fence that it expects to find and the inverse that it
 * authorises, covered by a cosigned checkpoint. The verdict on the stage before goes into the same append, ahead of it.
 */
export async function orderStage(
  ports: OrchestratorPorts,
  input: { changeId: string; planDigest: Digest; stage: string; verdict: Envelope | null },
): Promise<StageOrder> {
  const plan = await loadPlan(ports.bodies, input.planDigest);
  const inverseDigest = inverseDigestOf(plan, input.stage);
  if (inverseDigest === undefined) {
    throw new DomainError('NOT_FOUND', `The plan ${input.planDigest} has no stage ${input.stage}.`);
  }
  const zone = zoneOf(plan);
  // The log has moved since this role wrote last: read on now, or the append has to find out by a refused put.
  const [expectedFence, state] = await Promise.all([
    zone === null ? null : ports.dns.readFence(zone),
    ports.log.sync(),
  ]);
  const verdict = input.verdict === null ? [] : [input.verdict];
  // Asked every few seconds: what the log is known to refuse is not written.
  const known = reasonToWait(state, input, plan, ports.clock.nowMs());
  if (known !== null) {
    await ports.log.append(verdict);
    return known;
  }
  const intent = await signDecision(ports, 'intent', {
    changeId: input.changeId,
    environment: ports.environment,
    planDigest: input.planDigest,
    stage: input.stage,
    zone,
    expectedFence,
    inverseDigest,
    at: new Date(ports.clock.nowMs()).toISOString(),
  });
  const fates = await ports.log.append([...verdict, intent]);
  const fate = fates.at(-1);
  if (fate?.fate === 'void' && (fate.code === 'RESERVED' || fate.code === 'FROZEN')) {
    const since = reasonToWait(await ports.log.sync(), input, plan, ports.clock.nowMs());
    return since ?? { status: 'wait', code: 'RESERVED', reason: `${fate.reason}; that has ended since` };
  }
  const intentIndex = indexOfFate(fate);
  await cover(ports);
  return { status: 'ordered', intentIndex };
}

/**
 * Has the witness cosign a checkpoint over the intent, which the enactor will demand. Without one the order is handed
 * over all the same: the workflow must know an intent that is in the log in order to take it back, and the enactor
 * holds the stage until somebody has integrated.
 */
async function cover({ integrator }: OrchestratorPorts): Promise<void> {
  try {
    await integrator.integrate();
  } catch (error) {
    if (!(error instanceof DomainError) || !['unavailable', 'integrity'].includes(error.kind)) throw error;
  }
}

function reasonToWait(
  state: LogState,
  { changeId, stage }: { changeId: string; stage: string },
  plan: Plan,
  nowMs: number,
): StageOrder | null {
  const [expired] = judgeExpiry(trustOf(state), nowMs);
  if (expired) return { status: 'wait', code: 'TRUST_EXPIRED', reason: expired.message };
  const planned = plan.stages.find(({ name }) => name === stage);
  const frozen = whyFrozen(state, plan, planned);
  if (frozen !== null) return { status: 'wait', code: 'FROZEN', ...frozen };
  for (const { resource } of plan.resources) {
    const holder = state.reservations[resource];
    if (holder !== undefined && holder !== changeId) {
      return { status: 'wait', code: 'RESERVED', reason: `${resource} is reserved by change ${holder}` };
    }
  }
  return null;
}
