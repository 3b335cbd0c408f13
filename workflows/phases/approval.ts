import { allHandlersFinished } from '@temporalio/workflow';
import type { ApprovalStanding } from '../../activities/approval.ts';
import type { Violation } from '../../domain/errors.ts';
import { orchestrator } from '../activities.ts';
import { type ChangeRun, failureOf, PAUSE_ENDED_BY, pausedBy, STOPPED, type Stopped } from '../change-run.ts';
import type { DecisionDesk } from '../decision-desk.ts';
import type { PhaseOutcome } from './outcome.ts';

/** People have a day to decide; their own statements live 15 minutes at most. */
const APPROVAL_WINDOW_MS = 24 * 60 * 60_000;

/** Votes older than this say little about the zones as they are: they are asked again before the first effect. */
const VOTES_FRESH_MS = 60_000;

const ANSWERED_WITHIN_MS = 10_000;

type Missing = ApprovalStanding['missing'][number];
/** As it may stand in the history of a change that an older build began. */
type RecordedStanding = Omit<ApprovalStanding, 'missing'> & Partial<Pick<ApprovalStanding, 'missing'>>;

/** Enough distinct people who are not the author say yes to exactly this plan, or one of them says no. */
export async function approval(run: ChangeRun, desk: DecisionDesk): Promise<PhaseOutcome> {
  run.progress.approvalDeadlineMs ??= Date.now() + APPROVAL_WINDOW_MS;
  for (;;) {
    const tally = await admit(run, desk);
    if (tally === STOPPED) return STOPPED;
    if (tally.rejectedBy !== null) return refused(run, rejection(run, tally.rejectedBy));
    if (tally.stale) return refused(run, tally.stale);
    const missing = missingOf(tally);
    const stopped = missing.length > 0 ? await waitForMore(run, desk, missing) : await whilePaused(run, desk);
    if (stopped) return STOPPED;
    if (desk.hasMail) continue;
    if (missing.length === 0)
      return Date.now() - run.progress.quorumAtMs > VOTES_FRESH_MS ? 'votes-aged' : 'passed';
    if (Date.now() >= run.progress.approvalDeadlineMs) return refused(run, expiry(inWords(missing)));
  }
}

/**
 * Before a run closes: who waits for an answer gets it, as soon as there is a plan to judge by. What came by signal
 * is carried over.
 */
export async function answerWaiting(run: ChangeRun, desk: DecisionDesk): Promise<void> {
  const giveUpAtMs = Date.now() + ANSWERED_WITHIN_MS;
  while (run.progress.plan !== null && desk.hasMail && !allHandlersFinished() && Date.now() < giveUpAtMs) {
    try {
      if ((await admitBatch(run, desk)) === STOPPED) return;
    } catch (error) {
      // Refused for good: the phase itself meets that in the next run, which gets what is unanswered, and ends by it.
      if (failureOf(error).kind === 'bug') throw error;
      return;
    }
  }
}

async function waitForMore(
  run: ChangeRun,
  desk: DecisionDesk,
  missing: readonly Missing[],
): Promise<undefined | Stopped> {
  const leftMs = (run.progress.approvalDeadlineMs ?? 0) - Date.now();
  if (leftMs <= 0) return undefined;
  const { paused } = run.progress;
  const approvals = inWords(missing);
  const named = new Map(missing.flatMap(({ who }) => who).map((one) => [one.subject, one.teams]));
  const approvers =
    [...named].map(([subject, teams]) => `${subject} (${teams.join(', ')})`).join(', ') ||
    'nobody who may: enrol another approver';
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

function expiry(missing: string): Violation {
  return {
    code: 'APPROVAL_EXPIRED',
    rule: 'approval-window',
    message: `Nobody else approved within a day; still needed: ${missing}.`,
    remedy: 'Submit the change again when its approvers are there.',
  };
}

/** What an older build recorded says only how many: the rules of then knew nothing of teams and owners. */
function missingOf({ needed, given, eligible, missing }: RecordedStanding): readonly Missing[] {
  if (missing !== undefined) return missing;
  const count = needed - given.length;
  const what = `${count} more approval${count === 1 ? '' : 's'}`;
  return count > 0 ? [{ what, who: eligible.map((subject) => ({ subject, teams: [] })) }] : [];
}

function inWords(missing: readonly Missing[]): string {
  return missing.map(({ what }) => what).join('; ');
}

/** Judges all that has come in. */
async function admit(run: ChangeRun, desk: DecisionDesk): Promise<ApprovalStanding | Stopped> {
  for (;;) {
    const tally = await admitBatch(run, desk);
    if (tally === STOPPED || !desk.hasMail) return tally;
    // A flood may outrun us.
    if (run.mustStop) return STOPPED;
  }
}

/** Has one batch judged and recorded, and answers those who wait for an answer. */
async function admitBatch(run: ChangeRun, desk: DecisionDesk): Promise<ApprovalStanding | Stopped> {
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
