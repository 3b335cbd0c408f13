/** A run of a change's workflow as the engine recorded it: the history as protobuf JSON. */
export interface ChangeHistory {
  runId: string;
  history: unknown;
}

/**
 * Histories of changes that are over, kept for when the engine has forgotten them. Nobody signs them: they show an
 * auditor how the workflow went and prove nothing. Methods throw as every store does: `STORE_UNAVAILABLE`,
 * `THROTTLED`, `NOT_PERMITTED`.
 */
export interface HistoryArchive {
  /** The changes whose histories are here. */
  changes(): Promise<Set<string>>;
  /** Keeps all runs of a change, first run first. What is here already stays. */
  put(changeId: string, runs: readonly ChangeHistory[]): Promise<void>;
  /** First run first; null where none were kept. */
  get(changeId: string): Promise<ChangeHistory[] | null>;
}
