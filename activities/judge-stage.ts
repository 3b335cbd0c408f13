import { DomainError } from '../domain/errors.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import type { Verdict } from '../domain/evidence/statements.ts';
import { probeArms } from './dns/probe-arms.ts';
import { watchConsumers } from './documents/watch-consumers.ts';
import type { PacedWait } from './ports/paced-wait.ts';
import { loadPlan } from './recorded-change.ts';
import type { AnalysisPorts } from './role-ports.ts';
import { signDecision } from './sign-decision.ts';

export interface StageWatch {
  changeId: string;
  planDigest: Digest;
  stage: string;
  intentIndex: number;
}

export interface StageJudgement {
  verdict: Verdict;
  reasons: string[];
  envelope: Envelope;
}

/** Watches one stage for its bake and signs what it concluded. */
export async function judgeStage(
  ports: AnalysisPorts & PacedWait,
  input: StageWatch,
): Promise<StageJudgement> {
  const plan = await loadPlan(ports.bodies, input.planDigest);
  const bakeStartedAt = new Date(ports.clock.nowMs()).toISOString();
  const watched =
    plan.kind === 'dns'
      ? await probeArms(ports, plan, stageOf(plan.stages, input.stage))
      : await watchConsumers(ports, plan, stageOf(plan.stages, input.stage));
  const envelope = await signDecision(ports, 'stage-verdict', {
    ...input,
    environment: ports.environment,
    ...watched,
    bakeStartedAt,
    at: new Date(ports.clock.nowMs()).toISOString(),
  });
  return { verdict: watched.verdict, reasons: watched.reasons, envelope };
}

function stageOf<S extends { name: string }>(stages: readonly S[], name: string): S {
  const stage = stages.find((one) => one.name === name);
  if (!stage) throw new DomainError('NOT_FOUND', `The plan has no stage ${name}.`);
  return stage;
}
