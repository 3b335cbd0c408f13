/** What the raw workflows and those who start them agree on. */

/** Beside each role's own queue, polled by the same process. */
export function rawQueue(queue: string): string {
  return `raw.${queue}`;
}

/** One step of a change, as its history shows it; the activities behind it do nothing here. */
export type Step =
  /** On these queues, at the same time. */
  | { kind: 'remote'; queues: string[] }
  /** Updates that are waited for, then answered. */
  | { kind: 'updates'; count: number };

export interface RawActivities {
  noOp(): Promise<void>;
}

export const DECIDE = 'decide';
