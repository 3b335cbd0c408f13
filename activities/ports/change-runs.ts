import type { Digest } from '../../domain/evidence/canonical-json.ts';
import type { RunState } from '../../domain/reconcile/judge-environment.ts';

/** A change, as the entry of its request names it. */
export interface RequestedChange {
  changeId: string;
  environment: string;
  requestDigest: Digest;
  requestIndex: number;
}

/** The engine's runs of changes, as the orchestrator sees them. Every method throws `ENGINE_UNAVAILABLE`. */
export interface ChangeRuns {
  stateOf(changeId: string): Promise<RunState>;
  /** Starts a change from its log entry. A run of it is left alone; whatever else runs under its id is ended. As by an author. */
  start(change: RequestedChange, isUrgent: boolean): Promise<void>;
  /** Sees to it that the environment is reconciled every minute. */
  keepReconciling(): Promise<void>;
}
