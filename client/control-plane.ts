import type { TakenSnapshot } from '../activities/role-ports.ts';
import type { VectorClock } from '../domain/causality/vector-clock.ts';
import type { Plan } from '../domain/change/plan.ts';
import type { ChangeRequest } from '../domain/change/request.ts';
import type { Violation } from '../domain/errors.ts';
import type { Signer } from '../domain/evidence/dsse.ts';
import type { CommandAction } from '../domain/evidence/statements.ts';
import type {
  ChangeStatus,
  CommandAnswer,
  DecideAnswer,
  Phase,
  Reconciliation,
  Recovery,
} from '../workflows/contract.ts';
import type { LogLine } from './log-line.ts';

/** A person who acts: the subject that the trust document knows, and that person's own key, which stays here. */
export interface Person {
  subject: string;
  signer: Signer;
}

/** What would happen, computed here from the request and the zone as it is now. Nothing is written. */
export interface PlanPreview {
  /** Null when the request allows no plan; the violations say why. */
  plan: Plan | null;
  /** Everything that would refuse the change, not only the first. */
  violations: Violation[];
  /** Distinct people, whether each with a second factor, and yes votes, that the risk class asks for; null without a plan. */
  needs: { approvals: number; secondFactor: boolean; votes: number; voters: number } | null;
}

/** The log's clocks after its first `size` entries: what a request that is made now has seen. */
export interface Clocks {
  size: number;
  /** Lamport's, the highest of what is live. */
  clock: number;
  vector: VectorClock;
}

export interface ChangeSummary {
  changeId: string;
  author: string | null;
  /** `open` while the log has no end for it. */
  /** `in-review`: break-glass has changed production, and no third person has closed its review. */
  state: 'open' | 'in-review' | Extract<Phase, 'committed' | 'rejected' | 'rolled-back'> | 'aborted';
  resources: string[];
  /** Index of the entry that says so: the request of an open change, the end of another. */
  index: number;
}

/**
 * Everything that a person can do. The commands know only this; today it is Temporal and the log, later an HTTP
 * gateway. Every method throws `DomainError`: `ENGINE_UNAVAILABLE` when no engine answers within seconds,
 * `STORE_UNAVAILABLE` or `THROTTLED` when the log does not, `NOT_FOUND` for an unknown change.
 */
export interface ControlPlane {
  readonly environment: string;
  clocks(): Promise<Clocks>;
  plan(changeId: string, request: ChangeRequest): Promise<PlanPreview>;
  /**
   * Records the signed request, then starts the change, then answers (G1). Repeating it with the same change id
   * is safe. Fills in what the author has seen where the request does not say: clocks, and the bases of documents.
   * `ENGINE_UNAVAILABLE` after the entry says so: nothing is lost, and `resume` starts it.
   */
  submit(
    changeId: string,
    request: ChangeRequest,
    author: Person,
  ): Promise<{ changeId: string; index: number }>;
  /** Starts a change that is recorded but has not started; a change that runs already is left alone. */
  resume(changeId: string): Promise<{ changeId: string; index: number }>;
  /** From the engine; from the log when the engine no longer knows the change or does not answer. */
  status(changeId: string): Promise<ChangeStatus>;
  list(): Promise<ChangeSummary[]>;
  /** The plan that votes and approvals bind to, checked against its digest. `NOT_FOUND` until there is one. */
  planOf(changeId: string): Promise<Plan>;
  /** Whether an approval of this plan counts only with a second factor. */
  asksSecondFactor(plan: Plan): boolean;
  /**
   * Signs a decision over exactly this plan and hands it to the change. `code` is the person's second factor: where the
   * plan's class asks for one, an approval without it throws `NOT_PERMITTED`, and one that the factor-verifier does not
   * take throws what that says (`FACTOR_VERIFIER_UNAVAILABLE` when it is down). Then nothing has been sent.
   */
  decide(
    changeId: string,
    decision: { decision: 'approve' | 'reject'; plan: Plan; reason?: string; code?: string },
    person: Person,
  ): Promise<DecideAnswer>;
  /** Signs a command and hands it to the change. */
  command(
    changeId: string,
    command: { action: CommandAction; reason: string },
    person: Person,
  ): Promise<CommandAnswer>;
  /** Has the orchestrator store the state so far and sign the entry that names it. */
  takeSnapshot(): Promise<TakenSnapshot>;
  /**
   * A third person closes the review that an override has opened. Throws `NOT_PERMITTED` for anybody who took part,
   * `ALREADY_ENDED` when it is closed, `NOT_FOUND` when there was no override.
   */
  closeReview(changeId: string, reason: string, person: Person): Promise<{ index: number }>;
  /** Has the orchestrator look for what record, engine and zones do not agree on, and mend what is proven. */
  reconcile(): Promise<Reconciliation>;
  /**
   * After the engine was lost: records the operator's signed recovery, has every fence raised, and has every open
   * change begin again or go back. `index`: of the entry. `ENGINE_UNAVAILABLE` after the entry says so.
   */
  recover(reason: string, operator: Person): Promise<Recovery & { index: number }>;
  /** The entries of one change, in order. */
  history(changeId: string): Promise<LogLine[]>;
  /** Every entry from index `from` to the head. */
  log(from: number): AsyncIterable<LogLine>;
}
