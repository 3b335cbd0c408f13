import type { DocumentPlan } from '../change/document-plan.ts';
import type { Violation } from '../errors.ts';
import { digestOf } from '../evidence/canonical-json.ts';
import type { LogState } from '../log/state.ts';
import type { OverridableGuard } from './guards.ts';
import {
  NEVER_ASKED,
  type Objection,
  objection,
  objectionsInLog,
  type PlannedOverride,
} from './judge-guards.ts';
import { mayOverride, overrideMoves } from './override-moves.ts';

export interface DocumentOverrideInput {
  /** As the request would have it travel; null where nothing can be planned. */
  plan: DocumentPlan | null;
  /** Everything against that plan: of the planning, of what is live, and of the documents that would be. */
  violations: readonly Violation[];
  state: LogState;
}

/**
 * Makes a plan of documents one step for everybody, and judges it: what an override would have to name stands beside
 * what nothing passes over, as `planOverride` does for records. Never throws.
 */
export function planDocumentOverride({
  plan,
  violations,
  state,
}: DocumentOverrideInput): PlannedOverride<DocumentPlan> {
  const judged = violations.map(
    (violation): Objection => ({ guard: GUARD_OF_RULE[violation.rule] ?? null, violation }),
  );
  if (plan === null) return { plan: null, planDigest: null, effect: {}, objections: judged };
  const isWatched = plan.stages.length > 1 || plan.stages.some(({ baked }) => baked);
  const atOnce = withoutStages(plan);
  return {
    plan: atOnce,
    planDigest: digestOf(atOnce),
    effect: { moves: overrideMoves(atOnce) },
    objections: [
      ...judged,
      ...plan.resources.filter(({ resource }) => !mayOverride(resource)).map(notByOverride),
      ...NEVER_ASKED,
      ...(isWatched ? [objection('canary', 'No consumer would try it first.')] : []),
      ...objectionsInLog(atOnce, state),
    ],
  };
}

/**
 * How it would have travelled is what `canary` stands for. What its author has not seen is shown to those who sign. What
 * would be live must still be whole: no name stands for a missing dependency.
 */
const GUARD_OF_RULE: Readonly<Record<string, OverridableGuard>> = {
  'strategy-of-kind': 'canary',
  'new-fields-slowest': 'canary',
  'canary-first': 'canary',
  'nobody-reads-what-is-new': 'canary',
  'zones-are-listed': 'canary',
  'config-growth': 'limits',
  'base-is-live': 'causality',
  'clock-not-ahead': 'causality',
  'concurrent-edit': 'causality',
};

function withoutStages(plan: DocumentPlan): DocumentPlan {
  const { minimumSamples } = plan.rollout;
  return {
    ...plan,
    strategy: 'at-once',
    stages: [{ name: 'all', percent: 100, zones: [], baked: false }],
    rollout: { bakeMs: 0, minimumSamples },
  };
}

function notByOverride({ resource }: { resource: string }): Objection {
  return {
    guard: null,
    violation: {
      code: 'NOT_PERMITTED',
      rule: 'not-by-override',
      message: `Break-glass does not move ${resource}: a policy says who may break glass, and two people are too few to change that.`,
      remedy: 'Submit it as an ordinary change. What stands in the way of that must be mended first.',
    },
  };
}
