import { referencesOf } from '../kinds/dns.ts';
import type { RecordSet, ZoneState } from '../kinds/dns-records.ts';
import type { LogState } from '../log/state.ts';
import type { PlannedResource } from './plan.ts';
import type { Risk } from './risk.ts';

/**
 * From this score on a change is critical. An ordinary edit of one record that rolls out by weight scores 10, in the
 * smallest zone 30; it takes two grave facts (a removal, the apex, mail, drift, many dependents) to get here.
 */
export const CRITICAL_SCORE = 50;

export interface RiskInput {
  resources: readonly PlannedResource[];
  /** The resources among them that move by weight. */
  weighted: readonly string[];
  zone: Pick<ZoneState, 'zone' | 'recordSets'>;
  live: LogState['live'];
  emergency: boolean;
}

type Reason = Risk['reasons'][number];

/**
 * How much a change can hurt, 0–100, as a sum of reasons that an approver can read. Facts about the rest of the zone
 * count in coarse steps, so that an unrelated commit seldom changes the plan's digest and voids its votes.
 */
export function assessRisk(input: RiskInput): Risk {
  const changed = input.resources.filter((one) => one.baseDigest !== one.targetDigest);
  const reasons = [
    gravestEdit(changed, input.weighted),
    apex(changed, input.zone.zone),
    importantType(changed),
    zoneShare(changed, input.zone),
    dependents(changed, input),
    drift(input.resources),
    slowRollback(changed),
    manyOperations(changed),
  ].filter((reason) => reason !== null);
  const score = Math.min(
    100,
    reasons.reduce((sum, reason) => sum + reason.points, 0),
  );
  const scored = score >= CRITICAL_SCORE ? 'critical' : 'standard';
  return { score, class: input.emergency ? 'emergency' : scored, reasons };
}

function gravestEdit(changed: readonly PlannedResource[], weighted: readonly string[]): Reason | null {
  const removed = changed.filter((one) => one.targetDigest === null);
  if (removed.length > 0) return { points: 30, reason: `removes ${namesOf(removed)}` };
  const edited = changed.filter((one) => one.baseDigest !== null && !weighted.includes(one.resource));
  if (edited.length > 0) return { points: 15, reason: `changes ${namesOf(edited)} in one step` };
  const moved = changed.filter((one) => weighted.includes(one.resource));
  if (moved.length > 0) return { points: 10, reason: `moves ${namesOf(moved)} to other targets, by weight` };
  return changed.length > 0 ? { points: 5, reason: `creates ${namesOf(changed)}` } : null;
}

function apex(changed: readonly PlannedResource[], zone: string): Reason | null {
  const atApex = changed.filter((one) => setsOf(one).some((set) => set.name === zone));
  return atApex.length > 0 ? { points: 20, reason: `${namesOf(atApex)} is at the apex of the zone` } : null;
}

/** Mail and certificates: a fault shows late, and elsewhere. A wildcard answers for names that nobody listed. */
function importantType(changed: readonly PlannedResource[]): Reason | null {
  const important = changed.filter((one) =>
    setsOf(one).some((set) => set.type === 'MX' || set.type === 'CAA' || set.name.startsWith('*.')),
  );
  return important.length > 0
    ? { points: 20, reason: `${namesOf(important)} steers mail, certificates or a whole wildcard` }
    : null;
}

function zoneShare(changed: readonly PlannedResource[], zone: Pick<ZoneState, 'recordSets'>): Reason | null {
  const total = new Set(zone.recordSets.map((set) => `${set.name} ${set.type}`)).size;
  const share = changed.filter((one) => one.baseDigest !== null).length / Math.max(total, 1);
  if (share > 0.25) return { points: 20, reason: 'touches more than a quarter of the zone' };
  return share > 0.1 ? { points: 10, reason: 'touches more than a tenth of the zone' } : null;
}

function dependents(changed: readonly PlannedResource[], { zone, live }: RiskInput): Reason | null {
  const resources = changed.map((one) => one.resource);
  const names = new Set(changed.flatMap(setsOf).map((set) => set.name));
  const declared = Object.values(live).filter(
    (version) => version.digest !== null && version.dependsOn.some((one) => resources.includes(one)),
  );
  const referring = zone.recordSets.filter((set) => referencesOf(set).some((name) => names.has(name)));
  const count = declared.length + referring.length;
  if (count > 5) return { points: 20, reason: 'more than five live resources depend on it' };
  return count > 0 ? { points: 10, reason: 'live resources depend on it' } : null;
}

function drift(resources: readonly PlannedResource[]): Reason | null {
  const drifted = resources.filter(
    (one) => one.committedDigest !== null && one.committedDigest !== one.baseDigest,
  );
  return drifted.length > 0
    ? { points: 20, reason: `${namesOf(drifted)} was changed outside this system since its last commit` }
    : null;
}

/** Going back reaches a reader only when what it holds has expired. */
function slowRollback(changed: readonly PlannedResource[]): Reason | null {
  const longest = Math.max(0, ...changed.flatMap(setsOf).map((set) => set.ttlSeconds));
  if (longest > 3600) return { points: 15, reason: `going back takes up to ${longest} s (TTL)` };
  return longest > 300 ? { points: 5, reason: `going back takes up to ${longest} s (TTL)` } : null;
}

function manyOperations(changed: readonly PlannedResource[]): Reason | null {
  if (changed.length > 20) return { points: 20, reason: 'more than twenty resources at once' };
  if (changed.length > 5) return { points: 10, reason: 'more than five resources at once' };
  return changed.length > 1 ? { points: 5, reason: 'more than one resource at once' } : null;
}

function setsOf(one: PlannedResource): RecordSet[] {
  return [...one.before, ...one.after];
}

function namesOf(resources: readonly PlannedResource[]): string {
  const shown = resources.slice(0, 3).map((one) => one.resource);
  return [...shown, ...(resources.length > 3 ? [`${resources.length - 3} more`] : [])].join(', ');
}
