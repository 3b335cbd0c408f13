import { allHandlersFinished } from '@temporalio/workflow';
import type { ApprovalTally } from '../../domain/approval/judge-approval.ts';
import type { Violation } from '../../domain/errors.ts';
import { orchestrator } from '../activities.ts';
import { type ChangeRun, PAUSE_ENDED_BY, pausedBy, STOPPED, type Stopped } from '../change-run.ts';
import type { DecisionDesk } from '../decision-desk.ts';
import type { PhaseOutcome } from './outcome.ts';

/** People have a day to decide; their own statements live 15 minutes at most. */
const APPROVAL_WINDOW_MS = 24 * 60 * 60_000;

/** Votes older than this say little about the zones as they are: they are asked again before the first effect. */
const VOTES_FRESH_MS = 60_000;

const ANSWERED_WITHIN_MS = 10_000;

/** Enough distinct people who are not the author say yes to exactly this plan, or one of them says no. */
export async function approval(run: ChangeRun, desk: DecisionDesk): Promise<PhaseOutcome> {
  run.progress.approvalDeadlineMs ??= Date.now() + APPROVAL_WINDOW_MS;
  for (;;) {
    const tally = await admit(run, desk);
    if (tally === STOPPED) return STOPPED;
    if (tally.rejectedBy !== null) return refused(run, rejection(run, tally.rejectedBy));
    const missing = tally.needed - tally.given.length;
    const stopped = missing > 0 ? await waitForMore(run, desk, tally, missing) : await whilePaused(run, desk);
    if (stopped) return STOPPED;
    if (desk.hasMail) continue;
    if (missing <= 0) return Date.now() - run.progress.quorumAtMs > VOTES_FRESH_MS ? 'votes-aged' : 'passed';
    if (Date.now() >= run.progress.approvalDeadlineMs) return refused(run, expiry(missing));
  }
}

/**
 * Before a run closes: who waits for an answer gets it, as soon as there is a plan to judge by. What came by signal
 * is carried over.
 */
export async function answerWaiting(run: ChangeRun, desk: DecisionDesk): Promise<void> {
  const giveUpAtMs = Date.now() + ANSWERED_WITHIN_MS;
  while (run.progress.plan !== null && desk.hasMail && !allHandlersFinished() && Date.now() < giveUpAtMs) {
    if ((await admitBatch(run, desk)) === STOPPED) return;
  }
}

async function waitForMore(
  run: ChangeRun,
  desk: DecisionDesk,
  { eligible, secondFactor }: ApprovalTally,
  missing: number,
): Promise<undefined | Stopped> {
  const leftMs = (run.progress.approvalDeadlineMs ?? 0) - Date.now();
  if (leftMs <= 0) return undefined;
  const { paused } = run.progress;
  const each = missing === 1 ? '' : 's';
  const approvals = `${missing} more approval${each}${secondFactor ? ' with a second factor' : ''}`;
  const approvers = eligible.join(', ') || 'nobody who may: enrol another approver';
  return run.waitFor(
    paused === null ? approvals : `${approvals}; ${paused.by} has paused it: ${paused.reason}`,
    paused === null ? approvers : `${approvers}; then ${PAUSE_ENDED_BY}`,
    // A pause that comes or goes meanwhile is said at once.
    () => desk.hasMail || run.progress.paused !== paused,
    leftMs,
  );
}

/** A pause stops the change, not the people: they may still object. */
async function whilePaused(run: ChangeRun, desk: DecisionDesk): Promise<undefined | Stopped> {
  const { paused } = run.progress;
  if (paused === null) return undefined;
  return run.waitFor(pausedBy(paused), PAUSE_ENDED_BY, () => desk.hasMail || run.progress.paused === null);
}

function refused(run: ChangeRun, reason: Violation): 'refused' {
  run.refuse([reason]);
  return 'refused';
}

function rejection({ status }: ChangeRun, rejectedBy: string): Violation {
  const reason = status.approvals.findLast((one) => one.approver === rejectedBy)?.reason ?? 'no reason given';
  return {
    code: 'APPROVAL_REJECTED',
    rule: 'approval',
    message: `${rejectedBy} rejected it: ${reason}`,
    remedy: 'Talk to them, then submit a new change.',
  };
}

function expiry(missing: number): Violation {
  return {
    code: 'APPROVAL_EXPIRED',
    rule: 'approval-window',
    message: `Nobody else approved within a day; ${missing} more needed.`,
    remedy: 'Submit the change again when its approvers are there.',
  };
}

/** Judges all that has come in. */
async function admit(run: ChangeRun, desk: DecisionDesk): Promise<ApprovalTally | Stopped> {
  for (;;) {
    const tally = await admitBatch(run, desk);
    if (tally === STOPPED || !desk.hasMail) return tally;
    // A flood may outrun us.
    if (run.mustStop) return STOPPED;
  }
}

/** Has one batch judged and recorded, and answers those who wait for an answer. */
async function admitBatch(run: ChangeRun, desk: DecisionDesk): Promise<ApprovalTally | Stopped> {
  const { changeId } = run.status;
  const batch = desk.peek();
  const decisions = batch.map((letter) => letter.message);
  const admitted = await run.persist('recording approvals', () =>
    orchestrator.admitApprovals({ changeId, decisions }),
  );
  if (admitted === STOPPED) return STOPPED;
  desk.answer(batch, admitted.answers);
  for (const { accepted, approver, decision, reason } of admitted.answers) {
    const known = run.status.approvals.some((one) => one.approver === approver && one.decision === decision);
    if (accepted && !known) {
      const at = new Date(Date.now()).toISOString();
      run.status.approvals.push({ approver, decision, at, ...(reason === undefined ? {} : { reason }) });
    }
  }
  return admitted.tally;
}
