import type { RiskClass } from '../../domain/change/risk.ts';
import type { Policy } from '../../domain/evidence/trust.ts';

/** So many people for each risk class, of any team, without a second factor. */
export function peopleNeeded(counts: Record<RiskClass, number>): Policy['approvals'] {
  const rule = (people: number) => ({ people, teams: 1, secondFactor: false });
  return {
    standard: rule(counts.standard),
    critical: rule(counts.critical),
    emergency: rule(counts.emergency),
    brake: rule(counts.brake),
  };
}
