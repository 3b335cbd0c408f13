import type { ConsumerReport } from '../../domain/canary/consumer-report.ts';

/** What consumers say about the versions that a change exposes to them. */
export interface ConsumerReports {
  /**
   * All reports about a change so far, in no order. What is there and is no report of this change is left out: whoever
   * may report could otherwise stop the judge. Throws `STORE_UNAVAILABLE`, `THROTTLED`, `NOT_PERMITTED`.
   */
  read(changeId: string): Promise<ConsumerReport[]>;
}

/** A consumer's own side of it. */
export interface ConsumerReportWriter {
  /** Puts one report for good. Throws as `read`. */
  write(report: ConsumerReport): Promise<void>;
}
