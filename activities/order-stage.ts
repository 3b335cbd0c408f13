import { DomainError } from '../domain/errors.ts';
import { type Digest, digestOf } from '../domain/evidence/canonical-json.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import { signStatement } from '../domain/evidence/statement-codec.ts';
import { indexOfFate } from './fates.ts';
import { loadPlan } from './recorded-change.ts';
import type { OrchestratorPorts } from './role-ports.ts';

export type StageOrder =
  | { status: 'ordered'; intentIndex: number }
  /** Not now: another change has these records, or the environment is frozen. Ask again later. */
  | { status: 'wait'; code: 'RESERVED' | 'FROZEN'; reason: string };

/**
 * Phase `stages`, before each effect: the intent, with the fence that it expects to find and the inverse that it
 * authorises. The verdict on the stage before goes into the same append, ahead of it.
 */
export async function orderStage(
  ports: OrchestratorPorts,
  input: { changeId: string; planDigest: Digest; stage: string; verdict: Envelope | null },
): Promise<StageOrder> {
  const plan = await loadPlan(ports.bodies, input.planDigest);
  const stage = plan.stages.find((one) => one.name === input.stage);
  if (!stage) {
    throw new DomainError('NOT_FOUND', `The plan ${input.planDigest} has no stage ${input.stage}.`);
  }
  // The log has moved since this role wrote last: read on now, or the append has to find out by a refused put.
  const [expectedFence] = await Promise.all([ports.dns.readFence(plan.zone), ports.log.sync()]);
  const intent = await signStatement(ports.signer, 'intent', {
    changeId: input.changeId,
    environment: ports.environment,
    planDigest: input.planDigest,
    stage: stage.name,
    zone: plan.zone,
    expectedFence,
    inverseDigest: digestOf(stage.inverse),
    at: new Date(ports.clock.nowMs()).toISOString(),
  });
  const fates = await ports.log.append(input.verdict === null ? [intent] : [input.verdict, intent]);
  const fate = fates.at(-1);
  if (fate?.fate === 'void' && (fate.code === 'RESERVED' || fate.code === 'FROZEN')) {
    return { status: 'wait', code: fate.code, reason: fate.reason };
  }
  return { status: 'ordered', intentIndex: indexOfFate(fate) };
}
