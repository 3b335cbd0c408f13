import type { DnsPlan } from '../../domain/change/plan.ts';
import { DomainError, type Violation } from '../../domain/errors.ts';
import { judgeStage } from '../../domain/invariants/judge-plan.ts';
import { fenceIndex, forwardFence, landed } from '../../domain/kinds/dns-fence.ts';
import { type ChangeRecord, type LogState, trustOf } from '../../domain/log/state.ts';
import { type Authorised, type StageResult, whyFrozen } from '../authorised-step.ts';
import { recordOutcome } from '../outcomes.ts';
import type { PacedWait } from '../ports/paced-wait.ts';
import { openChange } from '../recorded-change.ts';
import type { EnactorPorts } from '../role-ports.ts';
import { expectedFences } from './fences.ts';
import { awaitInSync } from './propagation.ts';
import { settleOutcomes } from './settle-outcomes.ts';

type Step = Authorised<DnsPlan>;

/**
 * Judges the result on the zone as it is, and writes one batch that replaces exactly the fence that the intent
 * expects.
 */
export async function applyBatch(ports: EnactorPorts & PacedWait, step: Step): Promise<StageResult> {
  const { state, change, plan, stage, intent } = step;
  const zone = await ports.dns.readZone(plan.zone);
  // A fence's entry is in the log before the fence is in the zone. Without it the chain would have a gap.
  const needed = zone.fence === null ? 0 : fenceIndex(zone.fence) + 1;
  openChange(await ports.log.sync({ atLeast: needed }), change.changeId);
  await settleOutcomes(ports, state, zone.fence, plan.zone, intent.index);
  if (rolledBack(state, change, zone.fence)) {
    return { result: 'refused', violations: [alreadyRolledBack(change)] };
  }
  if (stageLanded(state, change, zone.fence, stage.name)) {
    await awaitInSync(ports, null);
    return concludeApplied(ports, step, zone.fence);
  }
  const frozen = whyFrozen(state, plan, stage);
  if (frozen !== null) return { result: 'frozen', ...frozen };
  if (zone.fence !== intent.expectedFence) return concludeStale(ports, step, zone.fence);
  const violations = judgeStage(plan, plan.stages.indexOf(stage), zone, trustOf(state).policy);
  if (violations.length > 0) {
    await recordOutcome(ports, intent, 'forward', 'not-applied', zone.fence, 'refused on the zone as it is');
    return { result: 'refused', violations };
  }

  const answer = await ports.dns.applyBatch({
    zone: plan.zone,
    expectedFence: intent.expectedFence,
    nextFence: forwardFence(intent.index),
    changes: stage.changes,
    comment: `${change.changeId} ${stage.name}, intent ${intent.index}`,
  });
  if ('changeRef' in answer) {
    await awaitInSync(ports, answer.changeRef);
    return concludeApplied(ports, step, forwardFence(intent.index));
  }
  return afterUnknownAnswer(ports, step, answer.unknown);
}

/** The effect's identity is change, plan and stage: any intent of it that landed is this effect, done. */
function stageLanded(state: LogState, change: ChangeRecord, live: string | null, stage: string): boolean {
  const fenceOf = expectedFences(state);
  return change.intents.some(
    (intent) =>
      intent.stage === stage && landed(live, { intentIndex: intent.index, direction: 'forward' }, fenceOf),
  );
}

/** A change that went back does not go forward again, whatever a late caller wants. */
function rolledBack(state: LogState, change: ChangeRecord, live: string | null): boolean {
  return change.intents.some((intent) =>
    landed(live, { intentIndex: intent.index, direction: 'rollback' }, expectedFences(state)),
  );
}

async function concludeApplied(
  ports: EnactorPorts,
  { intent }: Step,
  fence: string | null,
): Promise<StageResult> {
  const at = await recordOutcome(ports, intent, 'forward', 'applied', fence, 'landed');
  return { result: 'applied', at };
}

async function concludeStale(
  ports: EnactorPorts,
  { intent }: Step,
  live: string | null,
): Promise<StageResult> {
  await recordOutcome(ports, intent, 'forward', 'not-applied', live, 'another write came first');
  return { result: 'stale-fence', live };
}

/** The answer was lost, or was one to a second try: only the fence can tell what happened. */
async function afterUnknownAnswer(
  ports: EnactorPorts & PacedWait,
  step: Step,
  cause: unknown,
): Promise<StageResult> {
  const { change, intent, plan } = step;
  const live = await ports.dns.readFence(plan.zone);
  const state = await ports.log.sync();
  openChange(state, change.changeId);
  if (landed(live, { intentIndex: intent.index, direction: 'forward' }, expectedFences(state))) {
    await awaitInSync(ports, null);
    return concludeApplied(ports, step, live);
  }
  if (live !== intent.expectedFence) return concludeStale(ports, step, live);
  throw new DomainError(
    'DNS_UNAVAILABLE',
    `The batch of intent ${intent.index} on ${plan.zone} did not land: ${cause instanceof Error ? cause.message : String(cause)}`,
    { next: 'It is tried again by itself; if this lasts, look at the provider and at the zone.' },
    cause,
  );
}

function alreadyRolledBack(change: ChangeRecord): Violation {
  return {
    code: 'ALREADY_ENDED',
    rule: 'rolled-back',
    message: `Change ${change.changeId} was rolled back; the fence says so.`,
    remedy: 'Submit a new change.',
  };
}
