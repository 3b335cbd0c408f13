import { movesIn } from '../log/override-authority.ts';
import { overrideMoves } from '../override/override-moves.ts';
import { canonicalText, digestOfBytes } from './canonical-json.ts';
import { readPlan } from './read-plan.ts';
import type { OverrideCommitPredicate, OverrideIntentPredicate } from './statements.ts';

/** Whether an override's intent says of its plan what the plan's own body says: null, or what differs. */
export function judgeOverridePlan(intent: OverrideIntentPredicate, planBytes: Uint8Array): string | null {
  const { changeId, planDigest, requestDigest, zone, resources } = intent;
  const plan = readPlan(planBytes);
  const planned = plan.resources.map(({ resource, targetDigest }) => ({ resource, to: targetDigest }));
  const same =
    digestOfBytes(planBytes) === planDigest &&
    plan.kind === 'dns' &&
    plan.zone === zone &&
    plan.changeId === changeId &&
    plan.requestDigest === requestDigest &&
    canonicalText(planned) === canonicalText(resources);
  return same ? null : 'It moves something else than its plan says';
}

/** Whether what two people signed to make live is what the plan's own body says: null, or what differs. */
export function judgeOverrideMoves(commit: OverrideCommitPredicate, planBytes: Uint8Array): string | null {
  const { changeId, planDigest, requestDigest } = commit;
  const plan = readPlan(planBytes);
  const same =
    digestOfBytes(planBytes) === planDigest &&
    plan.kind === 'documents' &&
    plan.changeId === changeId &&
    plan.requestDigest === requestDigest &&
    canonicalText(overrideMoves(plan)) === canonicalText(movesIn(commit));
  return same ? null : 'It moves something else than its plan says';
}
