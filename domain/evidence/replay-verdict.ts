import { parseConsumerReports } from '../canary/consumer-report.ts';
import { judgeCanary } from '../canary/judge-canary.ts';
import { type ConsumerVerdict, exposedStage, judgeConsumers } from '../canary/judge-consumers.ts';
import type { DocumentPlan } from '../change/document-plan.ts';
import type { DnsPlan, Plan } from '../change/plan.ts';
import type { ChangeRecord } from '../log/state.ts';
import type { AuditInput } from './audit-entries.ts';
import type { StageVerdictPredicate } from './statements.ts';

/**
 * What this build concludes of a stage that was watched: of records from the counts that the analysis role signed, of
 * documents from the consumers' reports themselves. `missing`: why it cannot. Throws what `body` throws, and
 * `ENTRY_MALFORMED` where the verdict names a body that holds no reports.
 */
export async function judgeStageAgain(
  said: StageVerdictPredicate,
  record: ChangeRecord,
  plan: Plan,
  body: AuditInput['body'],
): Promise<ConsumerVerdict | { missing: string }> {
  return plan.kind === 'dns' ? judgeProbes(said, plan) : judgeReports(said, record, plan, body);
}

function judgeProbes({ stage, arms }: StageVerdictPredicate, { stages, rollout }: DnsPlan): ConsumerVerdict {
  const percent = stages.find(({ name }) => name === stage)?.percent ?? 0;
  return { ...judgeCanary({ ...arms, minimumSamples: rollout.minimumSamples, percent }), arms };
}

async function judgeReports(
  { stage, reportsDigest }: StageVerdictPredicate,
  { exposures }: ChangeRecord,
  plan: DocumentPlan,
  body: AuditInput['body'],
): Promise<ConsumerVerdict | { missing: string }> {
  if (reportsDigest === undefined)
    return { missing: "the consumers' reports are not in the log: an older build made the verdict" };
  const exposure = exposures.find(({ rollout }) => rollout.stage === stage);
  if (exposure === undefined) return { missing: `stage ${stage} was exposed to nobody` };
  const bytes = await body(reportsDigest);
  if (bytes === null) return { missing: `the consumers' reports, ${reportsDigest}, are not here` };
  return judgeConsumers(parseConsumerReports(bytes), exposedStage(plan, exposure));
}
