/** `emergency` is declared by the author, the other two follow from the score. */
export type RiskClass = 'standard' | 'critical' | 'emergency';

export interface Risk {
  /** 0–100. */
  score: number;
  class: RiskClass;
  /** Each reason with the points it added, in the order in which they were added. */
  reasons: { points: number; reason: string }[];
}
