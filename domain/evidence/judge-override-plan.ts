import { effectIn } from '../log/override-authority.ts';
import { overrideMoves, overrideRecords } from '../override/override-moves.ts';
import { canonicalText, digestOfBytes } from './canonical-json.ts';
import { readPlan } from './read-plan.ts';
import type { OverrideCommitPredicate, OverrideIntentPredicate } from './statements.ts';

/** Whether an override makes live what its plan's own body says, and nothing else: null, or what differs. */
export function judgeOverridePlan(
  carrier: OverrideIntentPredicate | OverrideCommitPredicate,
  planBytes: Uint8Array,
): string | null {
  const { changeId, planDigest, requestDigest } = carrier;
  const plan = readPlan(planBytes);
  const planned = plan.kind === 'dns' ? { records: overrideRecords(plan) } : { moves: overrideMoves(plan) };
  const same =
    digestOfBytes(planBytes) === planDigest &&
    plan.changeId === changeId &&
    plan.requestDigest === requestDigest &&
    canonicalText(planned) === canonicalText(effectIn(carrier));
  return same ? null : 'It moves something else than its plan says';
}
