import type { AuditInput } from './audit-entries.ts';
import { judgeOverridePlan } from './judge-override-plan.ts';
import type { ReplayedDecision } from './replay-change.ts';
import type { Said } from './statement-codec.ts';

/**
 * Break-glass has one decision that rules can make again: that it moved what its plan says. None for any other statement.
 * Throws what `body` throws.
 */
export async function replayOverride(
  { body }: Pick<AuditInput, 'body'>,
  said: Said,
  index: number,
): Promise<ReplayedDecision[]> {
  if (said.type !== 'override-intent' && said.type !== 'override-commit') return [];
  const { planDigest } = said.predicate;
  const of = {
    decision: 'commit',
    index,
    about: 'break-glass',
    recorded: 'as planned',
    madeBy: null,
  } as const;
  const plan = await body(planDigest);
  if (plan === null) {
    return [
      { ...of, result: 'not-recomputable', recomputed: null, why: `its body ${planDigest} is not here` },
    ];
  }
  const why = judgeOverridePlan(said.predicate, plan);
  return why === null
    ? [{ ...of, result: 'same', recomputed: 'as planned', why }]
    : [{ ...of, result: 'different', recomputed: 'not as planned', why }];
}
