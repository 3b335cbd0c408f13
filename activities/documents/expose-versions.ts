import type { DocumentPlan } from '../../domain/change/document-plan.ts';
import type { Rollout } from '../../domain/evidence/statements.ts';
import { type Authorised, type StageResult, whyFrozen } from '../authorised-step.ts';
import { indexOfFate } from '../fates.ts';
import { recordOutcome } from '../outcomes.ts';
import type { EnactorPorts } from '../role-ports.ts';
import { signDecision } from '../sign-decision.ts';
import { movesOf } from './moves.ts';

/**
 * Documents have the log itself as their target: a stage is an exposure entry, which gives part of the consumers the
 * new versions. The entry's preconditions hold at its own index, which is all the fence that it needs; where they do
 * not, nothing moved and there is no outcome to record.
 */
export async function exposeVersions(
  ports: EnactorPorts,
  { state, change, plan, stage, intent }: Authorised<DocumentPlan>,
): Promise<StageResult> {
  const frozen = whyFrozen(state, plan, stage);
  if (frozen !== null) return { result: 'frozen', ...frozen };
  const rollout: Rollout = { stage: stage.name, percent: stage.percent, zones: stage.zones };
  const exposure = await signDecision(ports, 'commit', {
    changeId: change.changeId,
    environment: ports.environment,
    planDigest: intent.planDigest,
    zone: null,
    rollout,
    moves: await movesOf(ports, state, change, plan),
    at: new Date(ports.clock.nowMs()).toISOString(),
  });
  const [exposed] = await ports.log.append([exposure]);
  const frozenSince = exposed?.fate === 'void' && whyFrozen(await ports.log.sync(), plan, stage);
  if (frozenSince) return { result: 'frozen', ...frozenSince };
  if (exposed?.fate === 'void') {
    return {
      result: 'refused',
      violations: [
        {
          code: exposed.code,
          rule: 'exposure-void',
          message: exposed.reason,
          remedy: 'The change goes back; submit it again against what is live.',
        },
      ],
    };
  }
  const index = indexOfFate(exposed);
  return {
    result: 'applied',
    at: await recordOutcome(ports, intent, 'forward', 'applied', null, `exposed at entry ${index}`),
  };
}
