import type { PlanSummary } from '../activities/plan.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import type { ChangeInput, ChangeStatus, DecideMessage, Phase } from './contract.ts';

/**
 * All that a change knows of itself: plain data, so that it survives continue-as-new whole. Each phase reads and
 * writes it and can be entered again from it.
 */
export interface Progress {
  /** The part that the query shows. */
  status: ChangeStatus;
  requestDigest: ChangeInput['requestDigest'];
  requestIndex: number;
  plan: PlanSummary | null;
  /** How often the quorum was asked, and when it last agreed. */
  quorumRound: number;
  quorumAtMs: number;
  /** Index of the stage to do next. */
  stageIndex: number;
  /** The passing verdict on the stage before, recorded together with the next intent. */
  verdict: Envelope | null;
  approvalDeadlineMs: number | null;
  paused: { by: string; reason: string } | null;
  abort: { by: string; reason: string } | null;
  /** The end that is being recorded. */
  ending: 'rejected' | 'rolled-back' | null;
  /** Nonces of the commands that it followed: one that is sent again, long after, changes nothing. */
  followed: string[];
  /** Rulings that the log could not take yet. */
  unrecorded: Envelope[];
  /** Decisions that came by signal and are not yet judged. */
  inbox: DecideMessage[];
}

export function begin(input: ChangeInput, nowMs: number): Progress {
  return {
    status: {
      changeId: input.changeId,
      environment: input.environment,
      author: '',
      reason: '',
      phase: 'submitted',
      held: null,
      waitingFor: null,
      resources: [],
      risk: null,
      planDigest: null,
      votes: [],
      approvalsNeeded: 0,
      approvals: [],
      stages: [],
      undo: [],
      violations: [],
      timeline: [{ phase: 'submitted', at: new Date(nowMs).toISOString() }],
    },
    requestDigest: input.requestDigest,
    requestIndex: input.requestIndex,
    plan: null,
    quorumRound: 0,
    quorumAtMs: 0,
    stageIndex: 0,
    verdict: null,
    approvalDeadlineMs: null,
    paused: null,
    abort: null,
    ending: null,
    followed: [],
    unrecorded: [],
    inbox: [],
  };
}

const ENDS: readonly Phase[] = ['committed', 'rejected', 'rolled-back'];

export function isEnd(phase: Phase): boolean {
  return ENDS.includes(phase);
}
