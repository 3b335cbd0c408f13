import type { DnsPlan } from '../change/plan.ts';
import type { Violation } from '../errors.ts';
import type { Policy } from '../evidence/trust.ts';
import { groupIn, resourceName } from '../kinds/dns.ts';
import { WEIGHTABLE_TYPES, type ZoneState } from '../kinds/dns-records.ts';
import { liveTargets } from '../kinds/dns-weights.ts';
import type { LogState } from '../log/state.ts';
import type { GovernedRecord } from './governed-record.ts';

const DAY_MS = 86_400_000;

/**
 * How much of a zone may change or go at once or within a day, so that two half-steps do not make the step that was
 * refused. Counts distinct resources that existed before; creating more is free. In a small zone, where a share says
 * nothing, the rule is: never all of them. A zone's only record set may change, and may not go.
 */
export function judgeZoneShare(
  records: readonly GovernedRecord[],
  zone: Pick<ZoneState, 'zone' | 'recordSets'>,
  recentCommits: LogState['recentCommits'],
  { limits }: Pick<Policy, 'limits'>,
  nowMs: number,
): Violation[] {
  const changed = records.filter((one) => one.baseDigest !== null && one.baseDigest !== one.targetDigest);
  if (changed.length === 0) return [];
  const earlier = recentCommits
    .filter((commit) => commit.zone === zone.zone && Date.parse(commit.at) > nowMs - DAY_MS)
    .flatMap((commit) => commit.resources);
  const touched = new Set([...changed.map((one) => one.resource), ...earlier]);
  const all = new Set([...zone.recordSets.map((set) => resourceName(zone.zone, set)), ...touched]);
  const counted = `${touched.size} of the ${all.size} record sets of ${zone.zone} would change within a day (${touched.size - changed.length} of them already have)`;

  if (all.size < limits.smallZoneSize) {
    const onlyOneStays = all.size === 1 && changed.every((one) => one.targetDigest !== null);
    if (touched.size < all.size || onlyOneStays) return [];
    return [tooMuch('never-all-records', `${counted}: in a small zone, never all of them.`, all.size - 1)];
  }
  // A product such as 0.29 × 100 falls just short of the whole number that is meant.
  const allowed = Math.floor(limits.maxZoneShare * all.size + 1e-9);
  if (touched.size <= allowed) return [];
  const percent = Math.round(limits.maxZoneShare * 100);
  return [tooMuch('zone-share', `${counted}: at most ${percent} % may.`, allowed)];
}

function tooMuch(rule: string, message: string, allowed: number): Violation {
  return {
    code: 'INVARIANT_VIOLATED',
    rule,
    path: 'spec.operations',
    message,
    remedy: `Change at most ${allowed} within a day: split the request and submit the rest tomorrow.`,
  };
}

/** A set whose targets are all replaced in one step has no canary: some stage must serve old and new together. */
export function judgeReplacement(
  records: readonly GovernedRecord[],
  plan: Pick<DnsPlan, 'stages'>,
): Violation[] {
  return records
    .filter((one) => isReplacedAtOnce(one, plan))
    .map(
      ({ resource, path, before }): Violation => ({
        code: 'INVARIANT_VIOLATED',
        rule: 'never-all-targets',
        path,
        message: `All ${liveTargets(before).size} target(s) of ${resource} would be replaced in one step.`,
        remedy: 'Put at least one share below 100 into spec.rollout.stages.',
      }),
    );
}

function isReplacedAtOnce(record: GovernedRecord, { stages }: Pick<DnsPlan, 'stages'>): boolean {
  if (!WEIGHTABLE_TYPES.includes(record.type) || record.before.length === 0 || record.after.length === 0)
    return false;
  const old = liveTargets(record.before);
  let servedTogether = false;
  for (const stage of stages) {
    const targets = [...liveTargets(groupIn({ recordSets: stage.live }, record))];
    const kept = targets.filter((target) => old.has(target)).length;
    if (kept === 0) return !servedTogether;
    servedTogether ||= kept < targets.length;
  }
  return false;
}

/** Nothing goes that a live version declares to depend on. What the zone's own records point to is a rule of the zone. */
export function judgeDependents(records: readonly GovernedRecord[], live: LogState['live']): Violation[] {
  const removed = records.filter((one) => one.after.length === 0);
  const going = new Set(removed.map((one) => one.resource));
  return removed.flatMap(({ resource, path }) => {
    const names = [resource, `change/${live[resource]?.changeId}`];
    const dependents = Object.entries(live).filter(
      ([name, version]) =>
        version.digest !== null && !going.has(name) && version.dependsOn.some((one) => names.includes(one)),
    );
    if (dependents.length === 0) return [];
    const who = dependents.map(([name]) => name).sort();
    return [
      {
        code: 'INVARIANT_VIOLATED' as const,
        rule: 'dependents-stay',
        path,
        message: `${resource} cannot go: ${who.join(', ')} depend(s) on it.`,
        remedy: `Remove or change ${who.join(', ')} first, or in the same request.`,
      },
    ];
  });
}
