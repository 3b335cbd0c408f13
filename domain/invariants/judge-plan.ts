import type { DnsPlan, Stage } from '../change/plan.ts';
import { DomainError, type Violation } from '../errors.ts';
import { canonicalText } from '../evidence/canonical-json.ts';
import type { Policy } from '../evidence/trust.ts';
import { applyChanges, canonicalRecordSet, groupDigest, groupIn } from '../kinds/dns.ts';
import type { RecordChange, RecordSet, ZoneState } from '../kinds/dns-records.ts';
import type { LogState } from '../log/state.ts';
import { judgeBatch } from './batch-rules.ts';
import { judgeDependents, judgeReplacement, judgeZoneShare } from './change-limits.ts';
import { judgeDeclarations } from './declaration-rules.ts';
import { type GovernedRecord, governedRecords } from './governed-record.ts';
import { judgeZone, type ResultZone } from './zone-rules.ts';

export interface PlanFacts {
  zone: ZoneState;
  live: LogState['live'];
  recentCommits: LogState['recentCommits'];
  policy: Policy;
  nowMs: number;
}

/**
 * Judges the zone that would exist after every stage of a plan, and that every inverse leads back to what is live
 * now: rules about the result, since "1 %" is no protection for a set of one. Returns all violations; none of what
 * is wrong in the zone already, and would stay as it is, counts against the plan.
 * Throws what `parseDnsResource` throws for a plan whose resources are none.
 */
export function judgePlan(plan: DnsPlan, facts: PlanFacts): Violation[] {
  const records = governedRecords(plan);
  const { zone, policy, live } = facts;
  return [
    ...judgeUniqueness(records),
    ...judgeBase(records, zone),
    ...judgeDeclarations(records, policy),
    ...judgeZoneShare(records, zone, facts.recentCommits, policy, facts.nowMs),
    ...judgeReplacement(records, plan),
    ...judgeDependents(records, live),
    ...judgeStages(plan, records, zone),
  ];
}

/**
 * Judges one stage on the zone as it is now, for the enactor, which believes nobody's earlier judgement. Whatever
 * else has moved in the zone since the plan was made is judged with it.
 * Throws `NOT_FOUND` for a stage that the plan has not, and what `parseDnsResource` throws.
 */
export function judgeStage(plan: DnsPlan, stageIndex: number, zone: ZoneState, policy: Policy): Violation[] {
  const stage = plan.stages[stageIndex];
  if (stage === undefined) {
    throw new DomainError(
      'NOT_FOUND',
      `The plan has no stage number ${stageIndex}; it has ${plan.stages.length}.`,
      {
        next: 'Ask for a stage of the plan.',
      },
    );
  }
  const records = governedRecords(plan);
  return [
    ...judgeUniqueness(records),
    ...judgeDeclarations(records, policy),
    ...judgeZoneShare(records, zone, [], policy, 0),
    ...judgeReplacement(records, plan),
    ...judgeStep(stage, records, canonicalZone(zone)).violations,
  ];
}

function judgeUniqueness(records: readonly GovernedRecord[]): Violation[] {
  return records
    .filter((one, index) => records.findIndex((other) => other.resource === one.resource) !== index)
    .map(({ resource, path }) => ({
      code: 'INVARIANT_VIOLATED',
      rule: 'one-operation-a-resource',
      path,
      message: `${resource} is in the plan twice.`,
      remedy: 'Say in one operation what it is to become.',
    }));
}

function judgeBase(records: readonly GovernedRecord[], zone: ZoneState): Violation[] {
  return records
    .filter((one) => {
      const live = groupDigest(groupIn(zone, one));
      return one.zone !== zone.zone || live !== one.baseDigest || live !== groupDigest(one.before);
    })
    .map(({ resource, path }) => ({
      code: 'STALE_BASE',
      rule: 'base-is-live',
      path,
      message: `${resource} is no longer what the plan was made against.`,
      remedy: 'Plan again, look at the new diff, and submit that.',
    }));
}

function judgeStages(plan: DnsPlan, records: readonly GovernedRecord[], zone: ZoneState): Violation[] {
  let now: ResultZone = canonicalZone(zone);
  const violations: Violation[] = [];
  for (const stage of plan.stages) {
    const step = judgeStep(stage, records, now);
    violations.push(...step.violations);
    if (step.result === null) return violations;
    now = step.result;
  }
  const final = plan.stages.at(-1)?.live ?? [];
  if (
    !sameSets(
      final,
      records.flatMap((one) => one.after),
    )
  ) {
    violations.push(notAsPlanned('The last stage does not end in what the plan declares.'));
  }
  return violations;
}

/** One batch on one zone: exact, within the provider's limits, its result sound, its way back open. */
function judgeStep(
  stage: Stage,
  records: readonly GovernedRecord[],
  now: ResultZone,
): { violations: Violation[]; result: ResultZone | null } {
  const violations = [
    ...judgeBatch(`Stage ${stage.name}`, stage.changes, now.zone, records),
    ...judgeBatch(`The way back from stage ${stage.name}`, stage.inverse, now.zone, records),
  ];
  const forward = applyChanges(now.recordSets, stage.changes);
  if (forward.refused.length > 0) {
    return { violations: [...violations, doesNotApply(stage, forward.refused)], result: null };
  }
  const result = { ...now, recordSets: forward.recordSets };
  const already = new Set(judgeZone(now, records).map(canonicalText));
  const fresh = judgeZone(result, records).filter((violation) => !already.has(canonicalText(violation)));
  violations.push(
    ...fresh.map((violation) => ({ ...violation, message: `Stage ${stage.name}: ${violation.message}` })),
  );
  if (!sameSets(ownSets(result, records), stage.live)) {
    violations.push(notAsPlanned(`Stage ${stage.name} would not leave the records that the plan shows.`));
  }
  const back = applyChanges(result.recordSets, stage.inverse);
  const base = records.flatMap((one) => one.before);
  if (back.refused.length > 0 || !sameSets(ownSets(back, records), base)) {
    violations.push(notAsPlanned(`The way back from stage ${stage.name} does not lead to the base.`));
  }
  return { violations, result };
}

function doesNotApply(stage: Stage, refused: readonly RecordChange[]): Violation {
  const names = refused.map(({ action, recordSet: { name, type } }) => `${action} ${name} ${type}`);
  return {
    code: 'STALE_BASE',
    rule: 'changes-apply',
    message: `Stage ${stage.name} does not apply to the zone as it is: ${names.join(', ')}.`,
    remedy: 'Plan again against the zone as it is.',
  };
}

function notAsPlanned(message: string): Violation {
  return {
    code: 'INVARIANT_VIOLATED',
    rule: 'stages-as-declared',
    message,
    remedy: 'Plan the request again; this plan does not follow from it.',
  };
}

function canonicalZone(zone: ZoneState): ResultZone {
  return { zone: zone.zone, opaque: zone.opaque, recordSets: zone.recordSets.map(canonicalRecordSet) };
}

function ownSets(zone: { recordSets: RecordSet[] }, records: readonly GovernedRecord[]): RecordSet[] {
  return records.flatMap((record) => groupIn(zone, record));
}

function sameSets(left: readonly RecordSet[], right: readonly RecordSet[]): boolean {
  return canonicalText(left.map(canonicalText).sort()) === canonicalText(right.map(canonicalText).sort());
}
