import type { Plan } from '../domain/change/plan.ts';
import type { Violation } from '../domain/errors.ts';
import { digestOf } from '../domain/evidence/canonical-json.ts';
import { judgeExpiry } from '../domain/evidence/trust-succession.ts';
import { verifyBundle } from '../domain/evidence/verify-bundle.ts';
import { freezeOn, freezeText, reachOf } from '../domain/log/freeze-scope.ts';
import { type ChangeRecord, type LogState, trustOf } from '../domain/log/state.ts';
import { judgePermitted } from './permitted.ts';
import { loadPlan, loadRequest } from './recorded-change.ts';
import type { EnactorPorts } from './role-ports.ts';

export interface StageEffect {
  changeId: string;
  intentIndex: number;
}

export type StageResult =
  | { result: 'applied'; at: string }
  /** Somebody else's write came first. The workflow decides whether to order a new intent; this never rebases. */
  | { result: 'stale-fence'; live: string | null }
  /** A freeze is in its way: nothing was written, and it may be asked again. */
  | ({ result: 'frozen' } & Frozen)
  /** This plan must not be applied to the target as it is, now or later. */
  | { result: 'refused'; violations: Violation[] };

/** What keeps a change where it is. */
export interface Frozen {
  reason: string;
  /** The operator who sends changes in scope back instead of letting them wait; null when they wait. */
  sentBackBy: { by: string; reason: string } | null;
}

/** An intent whose bundle holds, with what it speaks of. `state` is the enactor's own fold. */
export interface Authorised<P extends Plan = Plan> {
  state: LogState;
  change: ChangeRecord;
  plan: P;
  stage: P['stages'][number];
  intent: ChangeRecord['intents'][number];
}

/**
 * Reads what an intent speaks of and verifies its bundle: all of it here, none of it believed. Moves nothing forward
 * before a cosigned checkpoint covers the intent: throws what `CosignedLog.requireEntry` throws.
 */
export async function authorise(
  ports: EnactorPorts,
  state: LogState,
  change: ChangeRecord,
  intentIndex: number,
): Promise<Authorised | { violations: Violation[] }> {
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
    ports.cosignedLog.requireEntry(intentIndex, ports.log.intentLeaf(intentIndex)),
  ]);
  const violations = verifyBundle({
    change,
    request,
    requestDigest: digestOf(request),
    plan,
    planDigest: digestOf(plan),
    trust: trustOf(state),
    intentIndex,
    ended: false,
  });
  violations.push(...judgeExpiry(trustOf(state), ports.clock.nowMs()));
  violations.push(...(await judgePermitted(ports, state, change, plan, intentIndex)));
  const stage = plan.stages.find((one) => one.name === intent.stage);
  if (violations.length > 0 || !stage) return { violations };
  return { state, change, plan, stage, intent };
}

/** Why nothing of the step moves forward now, and whether its change is to go back; null when no freeze is in its way. */
export function whyFrozen(state: LogState, plan: Plan, stage?: Plan['stages'][number]): Frozen | null {
  const freeze = freezeOn(state, reachOf(plan, stage));
  if (freeze === undefined) return null;
  const { operator, reason, rollBack } = freeze;
  return { reason: freezeText(freeze), sentBackBy: rollBack ? { by: operator, reason } : null };
}
