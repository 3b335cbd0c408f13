import type { SignedDecision } from '../activities/approval.ts';
import type { RaisedFence } from '../activities/dns/raise-fence.ts';
import type { Survey } from '../activities/survey.ts';
import type { Phase } from '../domain/change/lifecycle.ts';
import type { RiskClass } from '../domain/change/risk.ts';
import type { Violation } from '../domain/errors.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import type { Verdict, VoteDecision } from '../domain/evidence/statements.ts';
import type { Finding } from '../domain/reconcile/judge-environment.ts';

export type { Phase };

/** What the outside may rely on about the workflow `change`: names, shapes, queues. Plain data only. */

export const CHANGE_WORKFLOW = 'change';
/** Takes a snapshot of the log, and answers with a `TakenSnapshot`. */
export const SNAPSHOT_WORKFLOW = 'snapshot';
/** Finds and mends what record, engine and zones do not agree on; takes a `ReconcileInput`, answers with a `Reconciliation`. */
export const RECONCILE_WORKFLOW = 'reconcile';
/** After the engine was lost; takes a `RecoverInput` and answers with a `Recovery`. */
export const RECOVER_WORKFLOW = 'recover';
/** Makes a recorded freeze effective at once. Input: the index of its entry. */
export const FREEZE_WORKFLOW = 'freeze';
/** Releases a scope step by step. Input: `ResumeInput`. */
export const RESUME_WORKFLOW = 'resume';

export interface ResumeInput {
  /** Index of the operator's entry that says `resuming`. */
  freezeIndex: number;
  watchMs: number;
}

/** Each role polls its own queue; who may poll it is a matter of the cluster's and AWS's credentials. */
export const QUEUES = {
  orchestrator: 'orchestrator',
  analysis: 'analysis',
  enactor: 'enactor',
  /** The enactor's too, polled by a worker of its own. */
  brakes: 'enactor.brakes',
  voter: (voterZone: string) => `voter.${voterZone}`,
} as const;

export const VOTER_ZONES = ['us-east-1a', 'us-east-1b', 'us-east-1c'] as const;

/** Signals and updates of one name share one handler and have one effect; updates are answered. */
export const MESSAGES = {
  decide: 'decide',
  command: 'command',
  /** A signal that carries nothing: look in the log whether a freeze sends this change back. */
  brake: 'brake',
} as const;
export const STATUS_QUERY = 'status';

/** A person's signed approval or rejection. Update id: the approval's nonce. */
export type DecideMessage = SignedDecision;
export interface DecideAnswer {
  accepted: boolean;
  reasons: Violation[];
  /** Index of the acceptance entry; null when nobody's key signed it, which is answered but not recorded. */
  index: number | null;
}

/** A person's signed `command`. Update id: its nonce. */
export interface CommandMessage {
  command: Envelope;
}
export interface CommandAnswer {
  accepted: boolean;
  phase: Phase;
  /** What it did, or why it does nothing any more. */
  reason: string;
  /** Why the person may not give it; then it did nothing. */
  violations: Violation[];
}

export interface ChangeInput {
  changeId: string;
  environment: string;
  requestDigest: Digest;
  /** Index of the request entry. */
  requestIndex: number;
}

export interface StageStatus {
  name: string;
  percent: number;
  state: 'pending' | 'applying' | 'baking' | 'passed' | 'failed' | 'inconclusive';
  intentIndex?: number;
  appliedAt?: string;
  bakeEndsAt?: string;
  verdict?: { verdict: Verdict; reasons: string[] };
}

/** The answer of the `status` query. */
export interface ChangeStatus {
  changeId: string;
  environment: string;
  author: string;
  reason: string;
  phase: Phase;
  /** Set while nothing moves until a person acts. */
  held: { why: string; next: string } | null;
  /** What it is waiting for, and who can unblock it. */
  waitingFor: { what: string; who: string } | null;
  resources: string[];
  risk: { score: number; class: RiskClass; reasons: { points: number; reason: string }[] } | null;
  planDigest: Digest | null;
  votes: { voter: string; decision: VoteDecision | 'no-answer' | 'not-needed'; reasons: Violation[] }[];
  approvalsNeeded: number;
  /** `reason`: what a person who rejects says. */
  approvals: { approver: string; decision: 'approve' | 'reject'; at: string; reason?: string }[];
  stages: StageStatus[];
  /** What a rollback would do now, newest first. */
  undo: UndoEntry[];
  violations: Violation[];
  /** Each phase with the time at which it began. */
  timeline: { phase: Phase; at: string }[];
}

/** Registered before its step; data, never a closure. */
export interface UndoEntry {
  activity: 'rollBack';
  input: { changeId: string; stage: string; intentIndex: number };
}

/** The workflow's result. */
export interface ChangeResult {
  status: 'committed' | 'rejected' | 'rolled-back' | 'aborted';
  violations: Violation[];
}

/** Search attributes, registered by the stack. */
export const SEARCH_ATTRIBUTES = {
  changeId: 'ChangeId',
  phase: 'ChangePhase',
  author: 'ChangeAuthor',
  environment: 'ChangeEnvironment',
  risk: 'ChangeRisk',
  resources: 'ChangeResources',
} as const;

export interface ReconcileInput {
  /** Whether to page for what the run before it did not find. A person who asked reads the answer. */
  page: boolean;
}

export interface Reconciliation extends Omit<Survey, 'findings'> {
  findings: ReconciledFinding[];
}

export interface ReconciledFinding extends Finding {
  /** What was done about it; `failed`, with why; or `nothing`, which is for a person. */
  done: 'restarted' | 'settled' | 'nothing' | 'failed';
  why: string | null;
}

export interface RecoverInput {
  /** Index of the recovery entry. */
  causeIndex: number;
}

export interface Recovery extends Reconciliation {
  raised: RaisedFence[];
}
