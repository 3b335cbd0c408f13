import { canonicalText, digestOfBytes } from './canonical-json.ts';
import { readPlan } from './read-plan.ts';
import type { OverrideIntentPredicate } from './statements.ts';

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
