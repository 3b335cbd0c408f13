import type { PlanSummary } from '../activities/plan.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import type { ChangeInput, ChangeStatus, Phase } from './contract.ts';

/**
 * All that a change knows of itself: plain data, so that it survives continue-as-new whole and a query can show it.
 * Each phase reads and writes it and can be entered again from it.
 */
export interface Progress extends ChangeStatus {
  requestDigest: ChangeInput['requestDigest'];
  requestIndex: number;
  plan: PlanSummary | null;
  /** How often the quorum was asked, and when it last agreed. */
  quorumRound: number;
  quorumAtMs: number;
  /** Stages applied and passed so far: index of the one to do next. */
  stageIndex: number;
  /** The passing verdict on the stage before, recorded together with the next intent. */
  verdict: Envelope | null;
  approvalDeadlineMs: number | null;
  paused: { by: string; reason: string } | null;
  abort: { by: string; reason: string } | null;
  /** Signals received and not yet judged. */
  inbox: Envelope[];
}

export function begin(input: ChangeInput, atMs: number): Progress {
  return {
    changeId: input.changeId,
    environment: input.environment,
    requestDigest: input.requestDigest,
    requestIndex: input.requestIndex,
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
    timeline: [{ phase: 'submitted', at: new Date(atMs).toISOString() }],
    plan: null,
    quorumRound: 0,
    quorumAtMs: 0,
    stageIndex: 0,
    verdict: null,
    approvalDeadlineMs: null,
    paused: null,
    abort: null,
    inbox: [],
  };
}

/** The part of it that the status query promises. */
export function statusOf(progress: Progress): ChangeStatus {
  const {
    requestDigest: _digest,
    requestIndex: _index,
    plan: _plan,
    quorumRound: _round,
    quorumAtMs: _at,
    stageIndex: _stage,
    verdict: _verdict,
    approvalDeadlineMs: _deadline,
    paused: _paused,
    abort: _abort,
    inbox: _inbox,
    ...status
  } = progress;
  return status;
}

const ENDS: readonly Phase[] = ['committed', 'rejected', 'rolled-back'];

export function isEnd(phase: Phase): boolean {
  return ENDS.includes(phase);
}
