import { type ApprovalFacts, judgeApproval } from '../domain/approval/judge-approval.ts';
import { type ApprovalTally, approvalNeeds, missingApprovals } from '../domain/approval/missing-approvals.ts';
import type { Plan } from '../domain/change/plan.ts';
import { DomainError, ERROR_KINDS, type Violation, violationsOf } from '../domain/errors.ts';
import { openedFactor } from '../domain/evidence/audit-entries.ts';
import { boundedReasons } from '../domain/evidence/bounded-reasons.ts';
import type { Envelope, VerifySignature } from '../domain/evidence/dsse.ts';
import type { ApprovalPredicate } from '../domain/evidence/statements.ts';
import { signaturesUnder, type TrustDocument } from '../domain/evidence/trust.ts';
import { laneOfDecision } from '../domain/limits/rate-lane.ts';
import { own } from '../domain/log/authority.ts';
import { type ChangeRecord, type LogState, trustOf } from '../domain/log/state.ts';
import { actionQuestions } from '../domain/permissions/change-questions.ts';
import { judgePermissionsVersion, principalOf } from '../domain/permissions/in-force.ts';
import { indexOfFate } from './fates.ts';
import { openSigned, type SignedByPerson } from './open-signed.ts';
import { openPermissions, type Permissions } from './permissions.ts';
import { type RateLimited, subjectOf } from './rate-limiter.ts';
import { loadPlan } from './recorded-change.ts';
import type { OrchestratorPorts } from './role-ports.ts';
import { signDecision } from './sign-decision.ts';

/** What a person sent. */
export interface SignedDecision {
  approval: Envelope;
  /** The factor-verifier's `mfa` statement for it, where the change's class asks for a second factor. */
  mfa?: Envelope;
}

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

type Opened = Pick<ApprovalFacts, 'keyIds' | 'mfa'> & { predicate: ApprovalPredicate };

/**
 * Phase `approval`: each signed decision is judged and, if somebody's key did sign it, recorded with the time at
 * which it arrived, accepted or refused. What nobody signed is answered and not recorded, so that the log cannot be
 * flooded from outside; nor is what somebody sends too often.
 */
export async function admitApprovals(
  ports: OrchestratorPorts & SignedByPerson & RateLimited,
  input: { changeId: string; decisions: SignedDecision[] },
): Promise<{ answers: AdmittedApproval[]; tally: ApprovalStanding }> {
  const answers: AdmittedApproval[] = [];
  // The live fold: each append below brings it up to date again.
  const state = await ports.log.sync();
  const verify = signaturesUnder(trustOf(state), ports.verify);
  const planDigest = own(state.changes, input.changeId)?.plan?.planDigest;
  const decided: Decided | null =
    planDigest === undefined
      ? null
      : {
          plan: await loadPlan(ports.bodies, planDigest),
          permissions: await openPermissions(ports, state),
        };
  for (const decision of input.decisions) {
    const opened = open(decision, verify);
    answers.push(
      'violations' in opened
        ? {
            accepted: false,
            reasons: [...opened.violations],
            index: null,
            approver: 'unknown',
            decision: 'approve',
          }
        : await admitOrRefuse(ports, state, input.changeId, decision, opened, decided),
    );
  }
  return { answers, tally: tallyOf(state, input.changeId, decided) };
}

function open(
  { approval, mfa }: SignedDecision,
  verify: VerifySignature,
): Opened | { violations: readonly Violation[] } {
  const opened = openSigned(approval, 'approval', verify);
  if ('violations' in opened) return opened;
  try {
    return { ...opened, mfa: openedFactor(mfa, verify) };
  } catch (error) {
    if (error instanceof DomainError) return { violations: violationsOf(error) };
    throw error;
  }
}

/**
 * A decision that cannot be recorded is answered, like one that nobody signed: neither the others that came with it nor
 * the change may depend on what anybody writes into a statement. What is wrong with the log itself is nobody's answer.
 */
async function admitOrRefuse(
  ports: OrchestratorPorts & RateLimited,
  state: LogState,
  changeId: string,
  message: SignedDecision,
  opened: Opened,
  decided: Decided | null,
): Promise<AdmittedApproval> {
  try {
    return await admit(ports, state, changeId, message, opened, decided);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    if (ERROR_KINDS[error.kind].retryable || error.kind === 'integrity') throw error;
    const { approver, decision } = opened.predicate;
    return { accepted: false, reasons: [...violationsOf(error)], index: null, approver, decision };
  }
}

async function admit(
  ports: OrchestratorPorts & RateLimited,
  state: LogState,
  changeId: string,
  message: SignedDecision,
  { predicate: approval, keyIds, mfa }: Opened,
  decided: Decided | null,
): Promise<AdmittedApproval> {
  const change = own(state.changes, changeId);
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
  const counted = { lane: laneOfDecision(decision), subject: subjectOf(trustOf(state), keyIds) };
  const throttled = ports.limiter.refusal(counted, trustOf(state).policy.rateLimits);
  if (throttled !== null) return { ...answer, accepted: false, reasons: [throttled], index: null };
  const reasons = judgeApproval(approval, {
    change,
    ended: own(state.ended, changeId) !== undefined,
    trust: trustOf(state),
    keyIds,
    mfa,
    environment: ports.environment,
    nowMs,
  });
  if (change !== undefined && decided !== null)
    reasons.push(...judgeDecision(trustOf(state), change, approval, decided));
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
    approval: message.approval,
    ...(message.mfa === undefined ? {} : { mfa: message.mfa }),
    at: new Date(nowMs).toISOString(),
  });
  const [fate] = await ports.log.append([entry]);
  return { ...answer, accepted: reasons.length === 0, reasons, index: indexOfFate(fate) };
}

/** What the policy of permissions says, as it is now and as it was when this was planned. */
function judgeDecision(
  trust: TrustDocument,
  { request }: ChangeRecord,
  { approver, decision }: ApprovalPredicate,
  { plan, permissions }: Decided,
): Violation[] {
  const stale = judgePermissionsVersion(plan.permissions, permissions.version);
  const questions = actionQuestions(plan, request.author, principalOf(trust, approver), decision);
  return [...stale, ...permissions.judge(questions)];
}

function tallyOf(state: LogState, changeId: string, decided: Decided | null): ApprovalStanding {
  const change = own(state.changes, changeId);
  if (!change?.plan || decided === null) {
    return {
      needed: 0,
      secondFactor: false,
      given: [],
      rejectedBy: null,
      eligible: [],
      missing: [],
      stale: null,
    };
  }
  const { plan, permissions } = decided;
  const [stale = null] = judgePermissionsVersion(plan.permissions, permissions.version);
  return { ...missingApprovals(change, approvalNeeds(plan), trustOf(state)), stale };
}
