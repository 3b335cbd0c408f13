import type { ConsumerReport } from '../../domain/canary/consumer-report.ts';
import {
  type ConsumerStage,
  exposedStage,
  judgeConsumers,
  reportsAbout,
} from '../../domain/canary/judge-consumers.ts';
import type { DocumentPlan, DocumentStage } from '../../domain/change/document-plan.ts';
import { DomainError } from '../../domain/errors.ts';
import { canonicalBytes } from '../../domain/evidence/canonical-json.ts';
import type { ChangeRecord } from '../../domain/log/state.ts';
import type { PacedWait } from '../ports/paced-wait.ts';
import { openChange } from '../recorded-change.ts';
import type { AnalysisPorts } from '../role-ports.ts';
import type { Watched } from '../watched.ts';

/** How often reports are read during a bake: a clear failure is seen within this. */
const LONGEST_ROUND_MS = 1_000;
/** A short bake is looked at several times too. */
const SHORTEST_ROUNDS = 5;

/**
 * Watches one stage of documents for its bake: what its consumers report is the evidence. A clear failure ends the
 * watch early; a pass never does. The reports become a body, so that the verdict can be made again from them. Where nobody reports it is inconclusive, for nobody can say how the version does.
 */
export async function watchConsumers(
  ports: AnalysisPorts & PacedWait,
  plan: DocumentPlan,
  stage: DocumentStage,
): Promise<Watched> {
  const { bakeMs } = plan.rollout;
  const watched = exposedStage(plan, await exposureOf(ports, plan, stage));
  const endsMs = ports.clock.nowMs() + bakeMs;
  const roundMs = Math.min(LONGEST_ROUND_MS, bakeMs / SHORTEST_ROUNDS);
  for (;;) {
    // Asked before the reports are read, so that the last look is at all that the bake has brought.
    const leftMs = endsMs - ports.clock.nowMs();
    const reports = await ports.reports.read(plan.changeId);
    const judged = judgeConsumers(reports, watched);
    if (judged.verdict === 'fail' || leftMs <= 0) {
      const reportsDigest = await ports.bodies.put(canonicalBytes(reportsAbout(reports, watched)));
      return { ...withSilenceNamed(judged, reports, watched), reportsDigest };
    }
    await ports.pause(Math.min(roundMs, leftMs));
  }
}

/** As the log has it. */
async function exposureOf(
  ports: AnalysisPorts,
  plan: DocumentPlan,
  stage: DocumentStage,
): Promise<ChangeRecord['exposures'][number]> {
  const change = openChange(await ports.log.sync(), plan.changeId);
  const exposure = change.exposures.find(({ rollout }) => rollout.stage === stage.name);
  if (exposure) return exposure;
  throw new DomainError('NOT_FOUND', `Stage ${stage.name} of ${plan.changeId} is exposed to nobody.`, {
    next: 'Watch it again once the enactor has exposed it.',
  });
}

/** Too few samples and nobody there need different help. */
function withSilenceNamed(
  judged: Watched,
  reports: readonly ConsumerReport[],
  stage: ConsumerStage,
): Watched {
  const spoke = reports.some(({ from }) => Date.parse(from) >= Date.parse(stage.since));
  if (spoke || judged.verdict !== 'inconclusive') return judged;
  const silence = `no consumer has reported since ${stage.stage} was exposed at ${stage.since}: start one, or see why its reports do not arrive`;
  return { ...judged, reasons: [silence, ...judged.reasons] };
}
