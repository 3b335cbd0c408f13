import { judgeApproval } from '../domain/approval/judge-approval.ts';
import { type ApprovalTally, approvalNeeds, missingApprovals } from '../domain/approval/missing-approvals.ts';
import type { Plan } from '../domain/change/plan.ts';
import type { Violation } from '../domain/errors.ts';
import { boundedReasons } from '../domain/evidence/bounded-reasons.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import type { ApprovalPredicate } from '../domain/evidence/statements.ts';
import type { ChangeRecord, LogState } from '../domain/log/state.ts';
import { actionQuestions } from '../domain/permissions/change-questions.ts';
import { judgePermissionsVersion, principalOf } from '../domain/permissions/in-force.ts';
import { indexOfFate } from './fates.ts';
import { openSigned, type SignedByPerson } from './open-signed.ts';
import { openPermissions, type Permissions } from './permissions.ts';
import { loadPlan } from './recorded-change.ts';
import type { OrchestratorPorts } from './role-ports.ts';
import { signDecision } from './sign-decision.ts';

export interface AdmittedApproval {
  accepted: boolean;
  reasons: Violation[];
  index: number | null;
  approver: string;
  decision: 'approve' | 'reject';
  /** The approver's own words. */
  reason?: string;
}

/** Beside the count: why no approval of this plan counts any more; null while they do. */
export interface ApprovalStanding extends ApprovalTally {
  stale: Violation | null;
}

/** What decisions on one change are judged by. Null while it has no plan. */
interface Decided {
  plan: Plan;
  permissions: Permissions;
}

/**
 * Phase `approval`: each signed decision is judged and, if somebody's key did sign it, recorded with the time at
 * which it arrived, accepted or refused. What nobody signed is answered and not recorded, so that the log cannot be
 * flooded from outside.
 */
export async function admitApprovals(
  ports: OrchestratorPorts & SignedByPerson,
  input: { changeId: string; approvals: Envelope[] },
): Promise<{ answers: AdmittedApproval[]; tally: ApprovalStanding }> {
  const answers: AdmittedApproval[] = [];
  // The live fold: each append below brings it up to date again.
  const state = await ports.log.sync();
  const planDigest = state.changes[input.changeId]?.plan?.planDigest;
  const decided: Decided | null =
    planDigest === undefined
      ? null
      : {
          plan: await loadPlan(ports.bodies, planDigest),
          permissions: await openPermissions(ports, state.live),
        };
  for (const envelope of input.approvals) {
    const opened = openSigned(envelope, 'approval', ports.verify);
    answers.push(
      'violations' in opened
        ? {
            accepted: false,
            reasons: [...opened.violations],
            index: null,
            approver: 'unknown',
            decision: 'approve',
          }
        : await admit(ports, state, input.changeId, envelope, opened, decided),
    );
  }
  return { answers, tally: tallyOf(ports, state, input.changeId, decided) };
}

async function admit(
  ports: OrchestratorPorts,
  state: LogState,
  changeId: string,
  envelope: Envelope,
  { predicate: approval, keyIds }: { predicate: ApprovalPredicate; keyIds: string[] },
  decided: Decided | null,
): Promise<AdmittedApproval> {
  const change = state.changes[changeId];
  const nowMs = ports.clock.nowMs();
  const { approver, decision, reason } = approval;
  const answer = { approver, decision, ...(reason === undefined ? {} : { reason }) };
  const earlier = change?.acceptances.find(
    (one) => one.nonce === approval.nonce && one.approver === approval.approver,
  );
  // The same message again, by Signal and Update or by a retry: the same answer.
  if (earlier && earlier.planDigest === approval.planDigest && earlier.decision === approval.decision) {
    return { ...answer, accepted: earlier.accepted, reasons: earlier.reasons, index: earlier.index };
  }
  const reasons = judgeApproval(approval, {
    change,
    ended: state.ended[changeId] !== undefined,
    trust: ports.trust,
    keyIds,
    environment: ports.environment,
    nowMs,
  });
  if (change !== undefined && decided !== null)
    reasons.push(...judgeDecision(ports, change, approval, decided));
  if (change === undefined) return { ...answer, accepted: false, reasons, index: null };
  const entry = await signDecision(ports, 'acceptance', {
    changeId,
    environment: ports.environment,
    accepted: reasons.length === 0,
    reasons: boundedReasons(reasons),
    approver: approval.approver,
    decision: approval.decision,
    nonce: approval.nonce,
    planDigest: approval.planDigest,
    approval: envelope,
    at: new Date(nowMs).toISOString(),
  });
  const [fate] = await ports.log.append([entry]);
  return { ...answer, accepted: reasons.length === 0, reasons, index: indexOfFate(fate) };
}

/** What the policy of permissions says, as it is now and as it was when this was planned. */
function judgeDecision(
  { trust }: OrchestratorPorts,
  { request }: ChangeRecord,
  { approver, decision }: ApprovalPredicate,
  { plan, permissions }: Decided,
): Violation[] {
  const stale = judgePermissionsVersion(plan.permissions, permissions.version);
  const questions = actionQuestions(plan, request.author, principalOf(trust, approver), decision);
  return [...stale, ...permissions.judge(questions)];
}

function tallyOf(
  ports: OrchestratorPorts,
  state: LogState,
  changeId: string,
  decided: Decided | null,
): ApprovalStanding {
  const change = state.changes[changeId];
  if (!change?.plan || decided === null) {
    return { needed: 0, given: [], rejectedBy: null, eligible: [], missing: [], stale: null };
  }
  const { plan, permissions } = decided;
  const [stale = null] = judgePermissionsVersion(plan.permissions, permissions.version);
  return { ...missingApprovals(change, approvalNeeds(plan), ports.trust), stale };
}
