import type { StageResult } from '../../activities/authorised-step.ts';
import type { StageJudgement } from '../../activities/judge-stage.ts';
import type { PlanSummary } from '../../activities/plan.ts';
import { analysis, enactor, orchestrator } from '../activities.ts';
import { type ChangeRun, STOPPED, type Stopped, TURN_RETRY_MS } from '../change-run.ts';
import type { StageStatus } from '../contract.ts';
import type { PhaseOutcome } from './outcome.ts';

const WHO_UNBLOCKS = {
  RESERVED: 'the change that holds these records',
  TRUST_EXPIRED: 'the root holders: sign the next trust document',
} as const;

/** Each stage: order it (intent), have it applied, have it watched; the next one only after a signed pass. */
export async function stages(run: ChangeRun): Promise<PhaseOutcome> {
  const summary = run.progress.plan;
  if (summary === null) throw new Error('stages before plan');
  while (run.progress.stageIndex < summary.stages.length) {
    const stage = run.status.stages[run.progress.stageIndex];
    const planned = summary.stages[run.progress.stageIndex];
    if (!stage || !planned) throw new Error('stage list does not match the plan');
    // Entered again after continue-as-new with the stage live already: only its watch is left.
    if (stage.state === 'pending' || stage.state === 'applying') {
      const applied = await apply(run, summary, stage);
      if (applied !== 'passed') return applied;
    }
    if (planned.baked) {
      const watched = await watch(run, summary, stage);
      if (watched !== 'passed') return watched;
    }
    stage.state = 'passed';
    run.progress.stageIndex += 1;
  }
  return recordLastVerdict(run);
}

/** No next intent takes the verdict on the last stage along; the commit needs it in the log. */
async function recordLastVerdict(run: ChangeRun): Promise<PhaseOutcome> {
  const { verdict } = run.progress;
  if (verdict === null) return 'passed';
  const recorded = await run.persist('recording the verdict', () => orchestrator.recordVerdict({ verdict }));
  if (recorded === STOPPED) return STOPPED;
  run.progress.verdict = null;
  return 'passed';
}

/** Intent, undo, effect; again with a new intent when another write came first. */
async function apply(run: ChangeRun, summary: PlanSummary, stage: StageStatus): Promise<PhaseOutcome> {
  const { changeId } = run.status;
  stage.state = 'applying';
  for (;;) {
    const stopped = await run.safePoint();
    if (stopped) return STOPPED;
    const intentIndex = await order(run, summary, stage);
    if (intentIndex === STOPPED) return STOPPED;
    stage.intentIndex = intentIndex;
    // Before the effect, so that whatever happens next there is a way back.
    // The intent of the same stage that a freeze kept from its effect is behind this one.
    run.status.undo = run.status.undo.filter(({ input }) => input.stage !== stage.name);
    run.status.undo.unshift({ activity: 'rollBack', input: { changeId, stage: stage.name, intentIndex } });
    const outcome: StageResult | Stopped = await run.persist(`applying ${stage.name}`, () =>
      enactor.applyStage({ changeId, intentIndex }),
    );
    if (outcome === STOPPED) return STOPPED;
    if (outcome.result === 'applied') {
      stage.appliedAt = outcome.at;
      return 'passed';
    }
    if (outcome.result === 'refused') {
      run.refuse(outcome.violations);
      return 'refused';
    }
    if (outcome.result === 'frozen') {
      const stopped = await run.waitOutFreeze(outcome);
      if (stopped) return STOPPED;
    } else {
      run.status.undo.shift();
    }
  }
}

async function order(run: ChangeRun, summary: PlanSummary, stage: StageStatus): Promise<number | Stopped> {
  const { changeId } = run.status;
  for (;;) {
    const { verdict } = run.progress;
    const ordered = await run.persist(`ordering ${stage.name}`, () =>
      orchestrator.orderStage({ changeId, planDigest: summary.planDigest, stage: stage.name, verdict }),
    );
    if (ordered === STOPPED) return STOPPED;
    run.progress.verdict = null;
    if (ordered.status === 'ordered') return ordered.intentIndex;
    const stopped =
      ordered.code === 'FROZEN'
        ? await run.waitOutFreeze(ordered)
        : await run.waitFor(ordered.reason, WHO_UNBLOCKS[ordered.code], () => false, TURN_RETRY_MS);
    if (stopped) return STOPPED;
  }
}

/** The bake and its verdict. Inconclusive never passes: it holds, pages, and watches again when told to. */
async function watch(run: ChangeRun, summary: PlanSummary, stage: StageStatus): Promise<PhaseOutcome> {
  const { changeId } = run.status;
  const { intentIndex } = stage;
  if (intentIndex === undefined) throw new Error('watch before intent');
  for (;;) {
    if (stage.state === 'inconclusive') {
      const stopped = await run.hold(
        `the evidence at ${stage.name} is inconclusive: ${stage.verdict?.reasons.join('; ')}`,
        'Continue to watch again, or abort to go back.',
      );
      if (stopped) return STOPPED;
    }
    stage.state = 'baking';
    stage.bakeEndsAt = new Date(Date.now() + summary.bakeMs).toISOString();
    const judged: StageJudgement | Stopped = await run.persist(`watching ${stage.name}`, () =>
      run.untilStopped(() =>
        analysis(summary.bakeMs).judgeStage({
          changeId,
          planDigest: summary.planDigest,
          stage: stage.name,
          intentIndex,
        }),
      ),
    );
    if (judged === STOPPED) return STOPPED;
    const { verdict, reasons, envelope } = judged;
    stage.verdict = { verdict, reasons };
    if (verdict === 'pass') {
      run.progress.verdict = envelope;
      return 'passed';
    }
    stage.state = verdict === 'fail' ? 'failed' : 'inconclusive';
    const recorded = await run.persist('recording the verdict', () =>
      orchestrator.recordVerdict({ verdict: envelope }),
    );
    if (verdict === 'fail') {
      run.refuse([
        {
          code: 'CANARY_REGRESSED',
          rule: 'canary',
          message: `The new version failed at ${stage.name}: ${reasons.join('; ')}`,
          remedy: 'Mend the new version and submit again; production goes back to what it was.',
        },
      ]);
      return 'regressed';
    }
    if (recorded === STOPPED) return STOPPED;
  }
}
