import type { Stage } from '../change/plan.ts';
import type { Violation } from '../errors.ts';
import { fenceName } from '../kinds/dns-fence.ts';
import type { RecordChange } from '../kinds/dns-records.ts';
import type { GovernedRecord } from './governed-record.ts';

/**
 * Route 53 API, ChangeResourceRecordSets: a request has at most 1000 ResourceRecord elements, that is values, and at
 * most 32,000 characters in their Value elements. An UPSERT counts twice; there is none here.
 */
export const MAX_BATCH_RECORDS = 1000;
export const MAX_BATCH_CHARACTERS = 32_000;

/** The enactor adds one DELETE and one CREATE of the fence, each one quoted string of at most 255 characters. */
const FENCE_RECORDS = 2;
const FENCE_CHARACTERS = 2 * 257;

/** Judges one batch by itself: its size, and that it keeps to the plan's own records. */
export function judgeBatch(
  label: string,
  changes: Stage['changes'],
  zone: string,
  records: readonly GovernedRecord[],
): Violation[] {
  return [...judgeSize(label, changes), ...judgeScope(label, changes, zone, records)];
}

function judgeSize(label: string, changes: readonly RecordChange[]): Violation[] {
  const values = changes.flatMap((change) => change.recordSet.values);
  const recordCount = values.length + FENCE_RECORDS;
  const characterCount = values.reduce((sum, value) => sum + value.length, FENCE_CHARACTERS);
  const violations: Violation[] = [];
  const add = (message: string) =>
    violations.push({
      code: 'INVARIANT_VIOLATED',
      rule: 'batch-size',
      path: 'spec.operations',
      message,
      remedy: 'Split the request, and let one part declare dependsOn the other.',
    });
  if (recordCount > MAX_BATCH_RECORDS) {
    add(
      `${label} has ${recordCount} records with its fence, Route 53 takes ${MAX_BATCH_RECORDS} in one batch.`,
    );
  }
  if (characterCount > MAX_BATCH_CHARACTERS) {
    add(
      `${label} has ${characterCount} characters with its fence, Route 53 takes ${MAX_BATCH_CHARACTERS} in one batch.`,
    );
  }
  return violations;
}

function judgeScope(
  label: string,
  changes: readonly RecordChange[],
  zone: string,
  records: readonly GovernedRecord[],
): Violation[] {
  const own = new Set(records.map(({ name, type }) => `${name} ${type}`));
  return changes.flatMap(({ recordSet: { name, type } }): Violation[] => {
    if (own.has(`${name} ${type}`)) return [];
    const fence = name === fenceName(zone);
    return [
      {
        code: 'INVARIANT_VIOLATED',
        rule: fence ? 'fence-untouched' : 'own-records-only',
        message: `${label} changes ${name} ${type}, ${fence ? "the zone's fence" : 'which is no resource of the plan'}.`,
        remedy: 'Plan the request again; this plan does not follow from it.',
      },
    ];
  });
}
