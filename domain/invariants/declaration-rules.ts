import type { Violation } from '../errors.ts';
import type { Policy } from '../evidence/trust.ts';
import type { RecordSet } from '../kinds/dns-records.ts';
import { MAX_TTL_SECONDS, VALUE_EXAMPLES, valueProblem } from '../kinds/dns-syntax.ts';
import { armOf } from '../kinds/dns-weights.ts';
import type { GovernedRecord } from './governed-record.ts';

/**
 * Judges what a plan declares, set by set: the syntax of values, the TTL, the identifiers. What is live already is
 * not judged here, or a record that somebody else wrote badly could never be put right.
 */
export function judgeDeclarations(
  records: readonly GovernedRecord[],
  { limits }: Pick<Policy, 'limits'>,
): Violation[] {
  return records.flatMap((record) => [
    ...record.after.flatMap((set) => judgeValues(set, record)),
    ...judgeTtl(record, limits),
    ...judgeIdentifiers(record),
  ]);
}

function judgeValues(set: RecordSet, { resource, type, path }: GovernedRecord): Violation[] {
  const at = `${path}.body.${set.setIdentifier === undefined ? 'values' : 'weighted'}`;
  const malformed = set.values.flatMap((value): Violation[] => {
    const problem = valueProblem(type, value);
    if (problem === null) return [];
    const message = `A value of ${resource} cannot be used: ${problem}.`;
    const remedy = `Write a value such as: ${VALUE_EXAMPLES[type]}`;
    return [{ code: 'INVARIANT_VIOLATED', rule: 'record-syntax', path: at, message, remedy }];
  });
  const repeated = new Set(set.values.filter((value, index) => set.values.indexOf(value) !== index));
  // RFC 2181 §5: a set of records has no duplicates.
  const duplicates = [...repeated].map((value): Violation => {
    const message = `${resource} declares the value ${value} more than once.`;
    return {
      code: 'INVARIANT_VIOLATED',
      rule: 'values-unique',
      path: at,
      message,
      remedy: 'Declare it once.',
    };
  });
  return [...malformed, ...duplicates];
}

function judgeTtl({ resource, path, after }: GovernedRecord, limits: Policy['limits']): Violation[] {
  const [least, most] = [limits.minTtlSeconds, Math.min(limits.maxTtlSeconds, MAX_TTL_SECONDS)];
  return [...new Set(after.map((set) => set.ttlSeconds))]
    .filter((ttl) => !Number.isInteger(ttl) || ttl < least || ttl > most)
    .map((ttl) => ({
      code: 'INVARIANT_VIOLATED',
      rule: 'ttl-range',
      path: `${path}.body.ttl`,
      message: `The TTL of ${resource} would be ${ttl} s.`,
      remedy: `Use a TTL from ${least} to ${most} s.`,
    }));
}

/** A declared id that reads like an arm would make the arms of the next rollout ambiguous. */
function judgeIdentifiers({ resource, path, after }: GovernedRecord): Violation[] {
  const at = `${path}.body.weighted`;
  const identifiers = after.map((set) => set.setIdentifier);
  const repeated = new Set(identifiers.filter((one, index) => identifiers.indexOf(one) !== index));
  const duplicates = [...repeated].map((identifier): Violation => {
    const message = `${resource} declares the id "${identifier}" more than once.`;
    const remedy = 'Give each member an id of its own.';
    return { code: 'INVARIANT_VIOLATED', rule: 'set-identifier-unique', path: at, message, remedy };
  });
  const reserved = after
    .filter((set) => armOf(set) !== null)
    .map(({ setIdentifier }): Violation => {
      const message = `${resource} declares the id "${setIdentifier}", which rollouts use for their arms.`;
      const remedy =
        'Choose an id other than stable and canary, which does not start with "stable." or "canary.".';
      return { code: 'INVARIANT_VIOLATED', rule: 'arm-name-reserved', path: at, message, remedy };
    });
  return [...duplicates, ...reserved];
}
