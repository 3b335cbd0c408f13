import { type Plan, zoneOf } from '../change/plan.ts';
import { DomainError } from '../errors.ts';
import { type Digest, parseJsonBytes } from './canonical-json.ts';

/** A plan out of its body. Its digest is what is believed; whether it follows from its request is for `replay`. */
export function readPlan(bytes: Uint8Array): Plan {
  const plan = parseJsonBytes(bytes);
  const known =
    typeof plan === 'object' &&
    plan !== null &&
    'apiVersion' in plan &&
    plan.apiVersion === 'resilience-ctl/plan/v1';
  if (known) return plan as Plan;
  throw new DomainError('ENTRY_MALFORMED', 'The body is not a plan of a version that this build knows.', {
    next: 'Use the build that made it, or a newer one.',
  });
}

/**
 * The documents that a plan is about, before and after, by digest; records are in the plan itself. None for a body
 * that is no plan: whoever judges the entry that names it says so.
 */
export function bodiesInPlan(bytes: Uint8Array): Digest[] {
  try {
    const plan = readPlan(bytes);
    if (zoneOf(plan) !== null) return [];
    return plan.resources.flatMap(({ baseDigest, targetDigest }) =>
      [baseDigest, targetDigest].filter((one) => one !== null),
    );
  } catch {
    return [];
  }
}
