import { DomainError, type Violation } from '../domain/errors.ts';
import type { OutcomePredicate } from '../domain/evidence/statements.ts';
import type { ChangeRecord } from '../domain/log/state.ts';
import { indexOfFate } from './fates.ts';
import type { EnactorPorts } from './role-ports.ts';
import { signDecision } from './sign-decision.ts';

type Intent = ChangeRecord['intents'][number];

/** Appends what became of an intent (or of its inverse) and returns the time it says. */
export async function recordOutcome(
  ports: EnactorPorts,
  intent: Intent,
  direction: OutcomePredicate['direction'],
  result: OutcomePredicate['result'],
  fence: string | null,
  reason: string,
): Promise<string> {
  const at = new Date(ports.clock.nowMs()).toISOString();
  const outcome = await signDecision(ports, 'outcome', {
    changeId: intent.changeId,
    environment: ports.environment,
    planDigest: intent.planDigest,
    stage: intent.stage,
    intentIndex: intent.index,
    direction,
    result,
    fence,
    reason,
    at,
  });
  const [fate] = await ports.log.append([outcome]);
  indexOfFate(fate);
  return at;
}

export type RollbackResult =
  /**
   * Production is as before. `recorded` is false while the log cannot be written: order it again to record it.
   * `wasLive` is false when no stage had ever been applied: then its records are not this change's to read back.
   */
  | { result: 'rolled-back'; recorded: boolean; wasLive: boolean }
  /** Too late: the log says that it is live for good. */
  | { result: 'committed' }
  /** The world has moved: these records are not what any stage of this plan left. Nothing was written. */
  | { result: 'stuck'; violations: Violation[] };

/** The outcome of a rollback that landed. A log that cannot be written does not undo it: `recorded` says so. */
export async function recordRollback(
  ports: EnactorPorts,
  intent: ChangeRecord['intents'][number],
  fence: string | null,
  wasLive: boolean,
): Promise<RollbackResult> {
  try {
    await recordOutcome(ports, intent, 'rollback', 'applied', fence, 'back to the base');
    return { result: 'rolled-back', recorded: true, wasLive };
  } catch (error) {
    if (error instanceof DomainError && error.kind === 'unavailable')
      return { result: 'rolled-back', recorded: false, wasLive };
    throw error;
  }
}
