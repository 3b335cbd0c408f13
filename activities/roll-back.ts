import type { Plan } from '../domain/change/plan.ts';
import { DomainError, type Violation } from '../domain/errors.ts';
import { canonicalText, digestOf } from '../domain/evidence/canonical-json.ts';
import { verifyRollbackBundle } from '../domain/evidence/verify-bundle.ts';
import { groupIn, parseDnsResource } from '../domain/kinds/dns.ts';
import { landed, rollbackFence } from '../domain/kinds/dns-fence.ts';
import type { RecordChange, ZoneState } from '../domain/kinds/dns-records.ts';
import type { ChangeRecord, LogState } from '../domain/log/state.ts';
import { expectedFences, type StageEffect } from './enact.ts';
import { recordOutcome } from './outcomes.ts';
import { awaitInSync, type PacedWait } from './propagation.ts';
import { loadPlan } from './recorded-change.ts';
import type { EnactorPorts } from './role-ports.ts';
import { readStableZone } from './stable-zone.ts';

export type RollbackResult =
  /** Production is as before. `recorded` is false while the log cannot be written: order it again to record it. */
  | { result: 'rolled-back'; recorded: boolean }
  /** The world has moved: these records are not what any stage of this plan left. Nothing was written. */
  | { result: 'stuck'; violations: Violation[] };

const ATTEMPTS = 8;

/**
 * Takes a change back to its base. Its inverse was authorised together with intent `intentIndex`, so it needs
 * neither quorum nor a fresh log. It alone may build on whatever fence is live, and it always replaces that fence,
 * even when no record has to move: a late forward batch of the same change must find another fence than it expects.
 */
export async function rollBack(
  ports: EnactorPorts & PacedWait,
  effect: StageEffect,
): Promise<RollbackResult> {
  const state = await freshOrLastKnown(ports, effect);
  const change = state.changes[effect.changeId];
  const intent = change?.intents.find((one) => one.index === effect.intentIndex);
  if (!change || !intent) return alreadyOver(state, effect);

  const plan = await loadPlan(ports.bodies, intent.planDigest);
  const violations = verifyRollbackBundle({
    change,
    plan,
    planDigest: digestOf(plan),
    intentIndex: intent.index,
  });
  if (violations.length > 0) return { result: 'stuck', violations };

  for (let attempt = 0; attempt < ATTEMPTS; attempt += 1) {
    const zone = await readStableZone(ports.dns, plan.zone);
    if (hasLanded(zone.fence, intent.index, state)) {
      return recordRollback(ports, change, intent, zone.fence);
    }
    const changes = wayBack(plan, zone);
    if (changes === null) return { result: 'stuck', violations: [movedOn(plan)] };
    const answer = await ports.dns.applyBatch({
      zone: plan.zone,
      expectedFence: zone.fence,
      nextFence: rollbackFence(zone.fence, intent.index),
      changes,
      comment: `${effect.changeId} rollback, authorised with intent ${intent.index}`,
    });
    // Unknown: read again. Either it landed, or the fence moved and this batch is made anew.
    if ('changeRef' in answer) await awaitInSync(ports, answer.changeRef);
  }
  throw new DomainError(
    'DNS_UNAVAILABLE',
    `The rollback on ${plan.zone} did not land in ${ATTEMPTS} attempts.`,
    {
      next: 'It is tried again by itself.',
    },
  );
}

/**
 * With the log down, the live fence may be of an intent that this enactor has not read. Then the answer is no: going
 * back again over exact records changes nothing, while waiting for the log would trap a bad stage (DESIGN §6).
 */
function hasLanded(live: string | null, intentIndex: number, state: LogState): boolean {
  try {
    return landed(live, { intentIndex, direction: 'rollback' }, expectedFences(state));
  } catch (error) {
    if (error instanceof DomainError && error.code === 'ENTRY_MALFORMED') return false;
    throw error;
  }
}

async function freshOrLastKnown(ports: EnactorPorts, effect: StageEffect): Promise<LogState> {
  try {
    return await ports.log.sync({ atLeast: effect.intentIndex + 1 });
  } catch (error) {
    const known = ports.log.lastKnown();
    const holdsIntent = known.changes[effect.changeId]?.intents.some(
      (one) => one.index === effect.intentIndex,
    );
    if (error instanceof DomainError && error.kind === 'unavailable' && holdsIntent) return known;
    throw error;
  }
}

function alreadyOver(state: LogState, effect: StageEffect): RollbackResult {
  const ended = state.ended[effect.changeId];
  if (ended?.status === 'rolled-back' || ended?.status === 'aborted')
    return { result: 'rolled-back', recorded: true };
  throw new DomainError(
    ended ? 'ALREADY_ENDED' : 'BUNDLE_INCOMPLETE',
    ended
      ? `Change ${effect.changeId} is ${ended.status}; its inverse is no longer authorised.`
      : `Entry ${effect.intentIndex} is no honoured intent of change ${effect.changeId}.`,
    { next: 'To undo a committed change, submit its opposite as a change of its own.' },
  );
}

/** The inverse of the stage that is live; empty when the base is; null when neither is. */
function wayBack(plan: Plan, zone: ZoneState): RecordChange[] | null {
  const live = canonicalText(
    plan.resources.map((resource) => groupIn(zone, parseDnsResource(resource.resource, [plan.zone]))),
  );
  if (live === canonicalText(plan.resources.map((resource) => resource.before))) return [];
  const stage = plan.stages.find(
    (one) =>
      live ===
      canonicalText(
        plan.resources.map((resource) => {
          const { name, type } = parseDnsResource(resource.resource, [plan.zone]);
          return one.live.filter((set) => set.name === name && set.type === type);
        }),
      ),
  );
  return stage?.inverse ?? null;
}

async function recordRollback(
  ports: EnactorPorts,
  change: ChangeRecord,
  intent: ChangeRecord['intents'][number],
  fence: string | null,
): Promise<RollbackResult> {
  try {
    await recordOutcome(ports, change, intent, 'rollback', 'applied', fence, 'back to the base');
    return { result: 'rolled-back', recorded: true };
  } catch (error) {
    if (error instanceof DomainError && error.kind === 'unavailable')
      return { result: 'rolled-back', recorded: false };
    throw error;
  }
}

function movedOn(plan: Plan): Violation {
  return {
    code: 'ROLLBACK_INCOMPLETE',
    rule: 'world-moved',
    message: `The records of ${plan.changeId} in ${plan.zone} are neither its base nor any stage of its plan.`,
    remedy:
      'Somebody else edited them. Put them to a stage of the plan, or to the base, by hand; then continue.',
  };
}
