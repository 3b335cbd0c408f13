import type { Plan, Stage } from '../domain/change/plan.ts';
import { DomainError, type Violation } from '../domain/errors.ts';
import { digestOf } from '../domain/evidence/canonical-json.ts';
import { verifyBundle } from '../domain/evidence/verify-bundle.ts';
import { judgeStage } from '../domain/invariants/judge-plan.ts';
import { fenceIndex, landed } from '../domain/kinds/dns-fence.ts';
import type { ZoneState } from '../domain/kinds/dns-records.ts';
import { isFrozen } from '../domain/log/fold.ts';
import type { ChangeRecord, LogState } from '../domain/log/state.ts';
import { recordOutcome, settleOutcomes } from './outcomes.ts';
import type { PacedWait } from './propagation.ts';
import { awaitInSync } from './propagation.ts';
import { loadPlan, loadRequest, openChange } from './recorded-change.ts';
import type { EnactorPorts } from './role-ports.ts';
import { readStableZone } from './stable-zone.ts';

export interface StageEffect {
  changeId: string;
  intentIndex: number;
}

export type StageResult =
  | { result: 'applied'; at: string }
  /** Somebody else's write came first. The workflow decides whether to order a new intent; this never rebases. */
  | { result: 'stale-fence'; live: string | null }
  /** This plan must not be applied to the zone as it is, now or later. */
  | { result: 'refused'; violations: Violation[] };

/**
 * Phase `stages`, the effect. Trusts nobody who called it: verifies the bundle out of its own reading of the log,
 * judges the result on the zone as it is, and writes one batch that replaces exactly the fence that the intent
 * expects. Doing it again finds the first one landed and changes nothing.
 */
export async function applyStage(ports: EnactorPorts & PacedWait, effect: StageEffect): Promise<StageResult> {
  const state = await ports.log.sync({ atLeast: effect.intentIndex + 1 });
  const change = openChange(state, effect.changeId);
  const authorised = await authorise(ports, change, effect.intentIndex);
  if ('violations' in authorised) return { result: 'refused', violations: authorised.violations };
  const { plan, stage } = authorised;
  const intent = authorised.intent;

  const zone = await readStableZone(ports.dns, plan.zone);
  // A fence's entry is in the log before the fence is in the zone. Without it the chain would have a gap.
  const needed = zone.fence === null ? 0 : fenceIndex(zone.fence) + 1;
  openChange(await ports.log.sync({ atLeast: needed }), effect.changeId);
  await settleOutcomes(ports, state, zone.fence, plan.zone, effect.intentIndex);
  if (rolledBack(state, change, zone.fence))
    return { result: 'refused', violations: [alreadyRolledBack(change)] };
  if (stageLanded(state, change, zone.fence, stage.name)) {
    await awaitInSync(ports, null);
    return concludeApplied(ports, change, intent, zone.fence);
  }
  if (isFrozen(state, plan.zone)) return { result: 'refused', violations: [frozen(plan.zone)] };
  if (zone.fence !== intent.expectedFence) {
    await recordOutcome(
      ports,
      change,
      intent,
      'forward',
      'not-applied',
      zone.fence,
      'another write came first',
    );
    return { result: 'stale-fence', live: zone.fence };
  }
  const violations = judgeOnZone(plan, stage, zone, ports);
  if (violations.length > 0) {
    await recordOutcome(
      ports,
      change,
      intent,
      'forward',
      'not-applied',
      zone.fence,
      'refused on the zone as it is',
    );
    return { result: 'refused', violations };
  }

  const answer = await ports.dns.applyBatch({
    zone: plan.zone,
    expectedFence: intent.expectedFence,
    nextFence: String(effect.intentIndex),
    changes: stage.changes,
    comment: `${effect.changeId} ${stage.name}, intent ${effect.intentIndex}`,
  });
  if ('changeRef' in answer) {
    await awaitInSync(ports, answer.changeRef);
    return concludeApplied(ports, change, intent, String(effect.intentIndex));
  }
  return afterUnknownAnswer(ports, { change, intent, plan, cause: answer.unknown });
}

type Intent = ChangeRecord['intents'][number];

async function authorise(
  ports: EnactorPorts,
  change: ChangeRecord,
  intentIndex: number,
): Promise<{ plan: Plan; stage: Stage; intent: Intent } | { violations: Violation[] }> {
  const intent = change.intents.find((one) => one.index === intentIndex);
  if (!intent) {
    const message = `Entry ${intentIndex} is no honoured intent of change ${change.changeId}.`;
    return {
      violations: [
        {
          code: 'BUNDLE_INCOMPLETE',
          rule: 'intent-in-log',
          message,
          remedy: 'Order the stage through its workflow.',
        },
      ],
    };
  }
  const [plan, request] = await Promise.all([
    loadPlan(ports.bodies, intent.planDigest),
    loadRequest(ports.bodies, change.request.requestDigest),
  ]);
  const violations = verifyBundle({
    change,
    request,
    requestDigest: digestOf(request),
    plan,
    planDigest: digestOf(plan),
    trust: ports.trust,
    intentIndex,
    ended: false,
  });
  const stage = plan.stages.find((one) => one.name === intent.stage);
  if (violations.length > 0 || !stage) return { violations };
  return { plan, stage, intent };
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

/** Looks up, in the folded log, which fence an intent expected to replace. */
export function expectedFences(state: LogState): (index: number) => string | null | undefined {
  return (index) => state.fenceChain[index];
}

function judgeOnZone(plan: Plan, stage: Stage, zone: ZoneState, ports: EnactorPorts): Violation[] {
  return judgeStage(plan, plan.stages.indexOf(stage), zone, ports.trust.policy);
}

async function concludeApplied(
  ports: EnactorPorts,
  change: ChangeRecord,
  intent: Intent,
  fence: string | null,
): Promise<StageResult> {
  const at = await recordOutcome(ports, change, intent, 'forward', 'applied', fence, 'landed');
  return { result: 'applied', at };
}

/** The answer was lost, or was one to a second try: only the fence can tell what happened. */
async function afterUnknownAnswer(
  ports: EnactorPorts & PacedWait,
  { change, intent, plan, cause }: { change: ChangeRecord; intent: Intent; plan: Plan; cause: unknown },
): Promise<StageResult> {
  const live = await ports.dns.readFence(plan.zone);
  const state = await ports.log.sync();
  openChange(state, change.changeId);
  if (landed(live, { intentIndex: intent.index, direction: 'forward' }, expectedFences(state))) {
    await awaitInSync(ports, null);
    return concludeApplied(ports, change, intent, live);
  }
  if (live !== intent.expectedFence) {
    await recordOutcome(ports, change, intent, 'forward', 'not-applied', live, 'another write came first');
    return { result: 'stale-fence', live };
  }
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

function frozen(zone: string): Violation {
  return {
    code: 'FROZEN',
    rule: 'frozen',
    message: `${zone} is frozen.`,
    remedy: 'Wait for automation to resume, or abort the change.',
  };
}
