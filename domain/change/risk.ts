/**
 * `emergency` is declared by the author. `brake` only engages switches: the safe direction, for which policy may ask
 * fewer people. The other two follow from the score.
 */
export const RISK_CLASSES = ['standard', 'critical', 'emergency', 'brake'] as const;
export type RiskClass = (typeof RISK_CLASSES)[number];

export interface Risk {
  /** 0–100. */
  score: number;
  class: RiskClass;
  /** Each reason with the points it added, in the order in which they were added. */
  reasons: { points: number; reason: string }[];
}
