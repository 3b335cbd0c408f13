import type { Plan } from '../domain/change/plan.ts';
import { DomainError, type Violation } from '../domain/errors.ts';
import { digestOf } from '../domain/evidence/canonical-json.ts';
import { verifyRollbackBundle } from '../domain/evidence/verify-bundle.ts';
import { own } from '../domain/log/authority.ts';
import { freezeOn, freezeText, reachOf } from '../domain/log/freeze-scope.ts';
import type { LogState } from '../domain/log/state.ts';
import type { StageEffect } from './authorised-step.ts';
import { rollBackZone } from './dns/roll-back-zone.ts';
import { withdrawVersions } from './documents/withdraw-versions.ts';
import type { RollbackResult } from './outcomes.ts';
import type { PacedWait } from './ports/paced-wait.ts';
import { loadPlan } from './recorded-change.ts';
import type { EnactorPorts } from './role-ports.ts';

/**
 * Takes a change back to its base. Its inverse was authorised together with intent `intentIndex`, so it needs
 * neither quorum nor a fresh log.
 */
export async function rollBack(
  ports: EnactorPorts & PacedWait,
  effect: StageEffect,
): Promise<RollbackResult> {
  const state = await freshOrLastKnown(ports, effect);
  const change = own(state.changes, effect.changeId);
  const intent = change?.intents.find((one) => one.index === effect.intentIndex);
  if (!change || !intent) return alreadyOver(state, effect);

  const plan = await loadPlan(ports.bodies, intent.planDigest);
  const violations = verifyRollbackBundle({
    change,
    plan,
    planDigest: digestOf(plan),
    intentIndex: intent.index,
  });
  const refused = [...violations, ...whyNotEvenBack(state, plan)];
  if (refused.length > 0) return { result: 'stuck', violations: refused };
  return plan.kind === 'dns'
    ? rollBackZone(ports, { state, change, plan, intent })
    : withdrawVersions(ports, { state, change, plan, intent });
}

/** A hard freeze is the one brake that stops the way back too: what is live then stays live. */
function whyNotEvenBack(state: LogState, plan: Plan): Violation[] {
  const freeze = freezeOn(state, reachOf(plan));
  if (freeze?.hard !== true) return [];
  return [
    {
      code: 'FROZEN',
      rule: 'hard-freeze',
      message: `${freezeText(freeze)}. It is hard: rollbacks are refused too.`,
      remedy: 'An operator lifts it, or freezes again without --hard; then continue the change.',
    },
  ];
}

async function freshOrLastKnown(ports: EnactorPorts, effect: StageEffect): Promise<LogState> {
  try {
    return await ports.log.sync({ atLeast: effect.intentIndex + 1 });
  } catch (error) {
    const known = ports.log.lastKnown();
    const holdsIntent = own(known.changes, effect.changeId)?.intents.some(
      (one) => one.index === effect.intentIndex,
    );
    if (error instanceof DomainError && error.kind === 'unavailable' && holdsIntent) return known;
    throw error;
  }
}

function alreadyOver(state: LogState, effect: StageEffect): RollbackResult {
  const ended = own(state.ended, effect.changeId);
  if (ended?.status === 'rolled-back' || ended?.status === 'aborted')
    return { result: 'rolled-back', recorded: true, wasLive: true };
  if (ended?.status === 'committed') return { result: 'committed' };
  throw new DomainError(
    ended ? 'ALREADY_ENDED' : 'BUNDLE_INCOMPLETE',
    ended
      ? `Change ${effect.changeId} is ${ended.status}; its inverse is no longer authorised.`
      : `Entry ${effect.intentIndex} is no honoured intent of change ${effect.changeId}.`,
    { next: 'To undo a committed change, submit its opposite as a change of its own.' },
  );
}
