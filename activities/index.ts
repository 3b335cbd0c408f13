import { admitApprovals } from './approval.ts';
import { checkCausality } from './causal.ts';
import { admitCommand } from './command.ts';
import { commit } from './commit.ts';
import { page, recordEnd, recordVerdict } from './conclude.ts';
import { raiseFences } from './dns/raise-fence.ts';
import { settleZone } from './dns/settle-outcomes.ts';
import { applyStage } from './enact.ts';
import { judgeStage } from './judge-stage.ts';
import type { SignedByPerson } from './open-signed.ts';
import { orderStage } from './order-stage.ts';
import { makePlan } from './plan.ts';
import type { PacedWait } from './ports/paced-wait.ts';
import { recordVotes } from './quorum.ts';
import { createRateLimiter } from './rate-limiter.ts';
import { restartChange } from './restart-change.ts';
import {
  changesSentBack,
  judgeResumption,
  observeZone,
  recordResumption,
  resumptionStanding,
} from './resumption.ts';
import type { AnalysisPorts, EnactorPorts, OrchestratorPorts, VoterPorts } from './role-ports.ts';
import { rollBack } from './roll-back.ts';
import { checkSchema } from './schema.ts';
import { sentBack } from './sent-back.ts';
import { survey } from './survey.ts';
import { findUnderway } from './underway.ts';
import { verifyLive } from './verify.ts';
import { vote } from './vote.ts';

/** Each role's activities, bound to its ports. A worker registers those of its own role and no others. */

export function createOrchestratorActivities(opened: OrchestratorPorts & SignedByPerson) {
  const ports = { ...opened, limiter: createRateLimiter(opened.clock) };
  return {
    checkSchema: bind(ports, checkSchema),
    checkCausality: bind(ports, checkCausality),
    makePlan: bind(ports, makePlan),
    recordVotes: bind(ports, recordVotes),
    admitApprovals: bind(ports, admitApprovals),
    admitCommand: bind(ports, admitCommand),
    orderStage: bind(ports, orderStage),
    recordVerdict: bind(ports, recordVerdict),
    sentBack: bind(ports, sentBack),
    changesSentBack: bind(ports, changesSentBack),
    resumptionStanding: bind(ports, resumptionStanding),
    recordResumption: bind(ports, recordResumption),
    verifyLive: bind(ports, verifyLive),
    recordEnd: bind(ports, recordEnd),
    page: bind(ports, page),
    findUnderway: bind(ports, findUnderway),
    survey: () => survey(ports),
    restartChange: bind(ports, restartChange),
    keepReconciling: () => ports.runs.keepReconciling(),
    takeSnapshot: () => ports.takeSnapshot(),
  };
}
export type OrchestratorActivities = ReturnType<typeof createOrchestratorActivities>;

export function createVoterActivities(ports: VoterPorts) {
  return { vote: bind(ports, vote), observeZone: () => observeZone(ports) };
}
export type VoterActivities = ReturnType<typeof createVoterActivities>;

export function createAnalysisActivities(ports: AnalysisPorts & PacedWait) {
  return { judgeStage: bind(ports, judgeStage), judgeResumption: bind(ports, judgeResumption) };
}
export type AnalysisActivities = ReturnType<typeof createAnalysisActivities>;

export function createEnactorActivities(ports: EnactorPorts & PacedWait) {
  return {
    applyStage: bind(ports, applyStage),
    rollBack: bind(ports, rollBack),
    commit: bind(ports, commit),
    settleZone: bind(ports, settleZone),
  };
}
export type EnactorActivities = ReturnType<typeof createEnactorActivities>;

/** The enactor's too, on a queue of their own: a flood of changes never delays a freeze or a recovery. */
export function createBrakeActivities(ports: EnactorPorts & PacedWait) {
  return { raiseFences: bind(ports, raiseFences) };
}
export type BrakeActivities = ReturnType<typeof createBrakeActivities>;

function bind<Ports, Input, Output>(
  ports: Ports,
  activity: (ports: Ports, input: Input) => Promise<Output>,
): (input: Input) => Promise<Output> {
  return (input) => activity(ports, input);
}
