import type { DocumentPlan } from '../../domain/change/document-plan.ts';
import type { Violation } from '../../domain/errors.ts';
import type { LiveVersion, LogState } from '../../domain/log/state.ts';

/**
 * Every document of the plan that is not live as expected: `before`, its base alone; `after`, its base with the new
 * version exposed to everybody (the commit then makes it the only one). What two people have put in place of the base
 * since stays: the way back is to take one's own version away, and not to undo theirs.
 */
export function documentDifferences(
  state: LogState,
  plan: DocumentPlan,
  expect: 'after' | 'before',
): Violation[] {
  return plan.resources.flatMap((planned): Violation[] => {
    const live = state.live[planned.resource];
    const base = live?.digest ?? null;
    const exposed = live?.canary?.changeId === plan.changeId ? live.canary : null;
    const asBase =
      base === planned.baseDigest || (expect === 'before' && live !== undefined && isOverridden(live, state));
    const asExposed =
      expect === 'before' ? exposed === null : exposed !== null && exposed.digest === planned.targetDigest;
    if (asBase && asExposed) return [];
    return [
      {
        code: 'VERIFY_MISMATCH',
        rule: 'read-back',
        message: `${planned.resource} is live as ${base ?? 'nothing'}, exposed as ${exposed?.digest ?? 'nothing'}; expected ${planned.baseDigest ?? 'nothing'} and ${expect === 'before' ? 'nothing' : (planned.targetDigest ?? 'its removal')}.`,
        remedy: 'See `log` for the entry that moved it.',
      },
    ];
  });
}

function isOverridden({ changeId }: LiveVersion, { overrides }: LogState): boolean {
  return Object.hasOwn(overrides, changeId);
}
