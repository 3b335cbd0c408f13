import { condition } from '@temporalio/workflow';
import type { ApprovalTally } from '../../activities/approval.ts';
import { orchestrator } from '../activities.ts';
import { type ChangeRun, STOPPED } from '../change-run.ts';
import type { DecisionDesk } from '../decision-desk.ts';
import type { PhaseOutcome } from './outcome.ts';

/** People have a day to decide; their own statements live 15 minutes at most. */
const APPROVAL_WINDOW_MS = 24 * 60 * 60_000;

/** Votes older than this say little about the zones as they are: they are asked again before the first effect. */
const VOTES_FRESH_MS = 60_000;

/** Enough distinct people who are not the author say yes to exactly this plan, or one of them says no. */
export async function approval(run: ChangeRun, desk: DecisionDesk): Promise<PhaseOutcome> {
  run.progress.approvalDeadlineMs ??= Date.now() + APPROVAL_WINDOW_MS;
  const first = await admit(run, desk);
  if (first === STOPPED) return STOPPED;
  let tally: ApprovalTally = first;
  for (;;) {
    if (tally.rejectedBy !== null) {
      run.refuse([
        {
          code: 'APPROVAL_REJECTED',
          rule: 'approval',
          message: `${tally.rejectedBy} rejected it: ${reasonOf(run, tally.rejectedBy)}`,
          remedy: 'Talk to them, then submit a new change.',
        },
      ]);
      return 'refused';
    }
    const missing = tally.needed - tally.given.length;
    const stopped = await run.whilePaused();
    if (stopped) return STOPPED;
    if (missing <= 0) return Date.now() - run.progress.quorumAtMs > VOTES_FRESH_MS ? 'votes-aged' : 'passed';

    const leftMs = run.progress.approvalDeadlineMs - Date.now();
    if (leftMs <= 0) {
      run.refuse([
        {
          code: 'APPROVAL_EXPIRED',
          rule: 'approval-window',
          message: `Nobody else approved within a day; ${missing} more needed.`,
          remedy: 'Submit the change again when its approvers are there.',
        },
      ]);
      return 'refused';
    }
    const waited = await run.waitFor(
      `${missing} more approval${missing === 1 ? '' : 's'}`,
      tally.eligible.join(', ') || 'nobody who may: enrol another approver',
      () => desk.hasMail || run.progress.paused !== null,
      leftMs,
    );
    if (waited) return STOPPED;
    const next = await admit(run, desk);
    if (next === STOPPED) return STOPPED;
    tally = next;
  }
}

function reasonOf({ status }: ChangeRun, approver: string): string {
  return status.approvals.findLast((one) => one.approver === approver)?.reason ?? 'no reason given';
}

/** Judges what has come in, a batch at a time, and answers those who wait for an answer. */
async function admit(run: ChangeRun, desk: DecisionDesk): Promise<ApprovalTally | typeof STOPPED> {
  const { changeId } = run.status;
  for (;;) {
    const batch = desk.peek();
    const approvals = batch.map((letter) => letter.approval);
    const admitted = await run.persist('recording approvals', () =>
      orchestrator.admitApprovals({ changeId, approvals }),
    );
    if (admitted === STOPPED) return STOPPED;
    desk.answer(batch, admitted.answers);
    for (const { accepted, approver, decision, reason } of admitted.answers) {
      const { approvals } = run.status;
      const known = approvals.some((one) => one.approver === approver && one.decision === decision);
      if (!accepted || known) continue;
      const at = new Date(Date.now()).toISOString();
      approvals.push({ approver, decision, at, ...(reason === undefined ? {} : { reason }) });
    }
    if (!desk.hasMail) return admitted.tally;
    // One turn of the loop, so that those answered can leave before the next batch.
    await condition(() => true);
  }
}
