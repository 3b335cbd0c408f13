import type { RunState } from '../../domain/reconcile/judge-environment.ts';
import type { ChangeInput } from '../../workflows/contract.ts';

/** The engine's runs of changes, as the orchestrator sees them. Every method throws `ENGINE_UNAVAILABLE`. */
export interface ChangeRuns {
  stateOf(changeId: string): Promise<RunState>;
  /** Starts a change from its log entry. A run of it is left alone; whatever else runs under its id is ended. As by an author. */
  start(input: ChangeInput, isUrgent: boolean): Promise<void>;
  /** Sees to it that the environment is reconciled every minute. */
  keepReconciling(): Promise<void>;
}
