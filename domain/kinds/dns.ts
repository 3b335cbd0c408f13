import type { SetBody } from '../change/request.ts';
import { DomainError } from '../errors.ts';
import { canonicalText, type Digest, digestOf } from '../evidence/canonical-json.ts';
import { fenceName } from './dns-fence.ts';
import {
  RECORD_TYPES,
  type RecordChange,
  type RecordGroup,
  type RecordSet,
  type RecordType,
  type ZoneState,
} from './dns-records.ts';
import { canonicalName, canonicalValue, ownerNameProblem } from './dns-syntax.ts';

/** A resource name `dns/<zone>/<label>/<TYPE>`, taken apart. `name` is fully qualified. */
export interface DnsResource {
  resource: string;
  zone: string;
  name: string;
  type: RecordType;
}

/**
 * Takes a resource name apart. `label` may hold dots, `*` and `_`; `@` is the apex. A resource has one spelling, so
 * that two requests cannot name it differently: upper case and trailing dots are refused, not repaired.
 *
 * Throws `SCHEMA_INVALID` for a name that is none or that is the fence's, `NOT_FOUND` for a zone not in `zones`.
 */
export function parseDnsResource(resource: string, zones: readonly string[]): DnsResource {
  const [kind, zone, label, type, ...rest] = resource.split('/');
  const recordType = RECORD_TYPES.find((one) => one === type);
  if (kind !== 'dns' || !zone || !label || recordType === undefined || rest.length > 0) {
    throw new DomainError('SCHEMA_INVALID', `"${resource}" is no DNS resource.`, {
      next: `Write dns/<zone>/<label or @>/<${RECORD_TYPES.join('|')}>, such as dns/example.com/api/A.`,
    });
  }
  if (!zones.includes(zone)) {
    throw new DomainError('NOT_FOUND', `The zone "${zone}" does not belong to this environment.`, {
      next:
        zones.length === 0
          ? 'Add a zone to the trust document.'
          : `Use one of its zones: ${zones.join(', ')}.`,
    });
  }
  const name = label === '@' ? zone : `${label}.${zone}`;
  const problem = ownerNameProblem(name);
  if (problem !== null) {
    throw new DomainError('SCHEMA_INVALID', `"${resource}" names no record: ${problem}.`, {
      next: 'Write the label in lower case, as in dns/example.com/api/A, and @ for the apex.',
    });
  }
  if (name === fenceName(zone)) {
    throw new DomainError(
      'SCHEMA_INVALID',
      `"${resource}" is the zone's fence, which no request may touch.`,
      {
        next: 'Choose another name.',
      },
    );
  }
  return { resource, zone, name, type: recordType };
}

/** The inverse of `parseDnsResource`: the resource that a record set belongs to. */
export function resourceName(zone: string, { name, type }: Pick<RecordSet, 'name' | 'type'>): string {
  const label = name === zone ? '@' : name.slice(0, -(zone.length + 1));
  return `dns/${zone}/${label}/${type}`;
}

/** The record sets of one resource as they are, in canonical form and order; empty when it does not exist. */
export function groupIn(
  zone: Pick<ZoneState, 'recordSets'>,
  { name, type }: Pick<DnsResource, 'name' | 'type'>,
): RecordGroup {
  return zone.recordSets
    .filter((set) => set.type === type && canonicalName(set.name) === name)
    .map(canonicalRecordSet)
    .sort(compareRecordSets);
}

/** A resource's content address; null when it does not exist. */
export function groupDigest(group: RecordGroup): Digest | null {
  return group.length === 0 ? null : digestOf(group);
}

/** The record sets that an operation declares. Values that are not valid stay as written, for the judge to name. */
export function desiredGroup({ name, type }: DnsResource, body: SetBody): RecordGroup {
  const ttlSeconds = body.ttl;
  const sets: RecordSet[] =
    'values' in body
      ? [{ name, type, ttlSeconds, values: body.values }]
      : body.weighted.map(({ id, weight, values }) => ({
          name,
          type,
          ttlSeconds,
          values,
          setIdentifier: id,
          weight,
        }));
  return sets.map(canonicalRecordSet).sort(compareRecordSets);
}

/** The one form in which record sets are compared and hashed, whether read from a provider or declared. Never throws. */
export function canonicalRecordSet(recordSet: RecordSet): RecordSet {
  return {
    ...recordSet,
    name: canonicalName(recordSet.name),
    values: recordSet.values.map((value) => canonicalValue(recordSet.type, value)).sort(),
  };
}

/** The exact edits that turn one list of record sets into another: DELETEs first, each part in canonical order. */
export function diffGroups(before: RecordGroup, after: RecordGroup): RecordChange[] {
  const old = new Set(before.map(canonicalText));
  const wanted = new Set(after.map(canonicalText));
  const deletes = before.filter((set) => !wanted.has(canonicalText(set))).sort(compareRecordSets);
  const creates = after.filter((set) => !old.has(canonicalText(set))).sort(compareRecordSets);
  return [
    ...deletes.map((recordSet) => ({ action: 'DELETE' as const, recordSet })),
    ...creates.map((recordSet) => ({ action: 'CREATE' as const, recordSet })),
  ];
}

/**
 * What a provider makes of an exact batch: a DELETE must match a record set in full, a CREATE must find none of its
 * name, type and set identifier. `refused` lists the changes that would not apply; a provider then applies nothing.
 */
export function applyChanges(
  recordSets: readonly RecordSet[],
  changes: readonly RecordChange[],
): { recordSets: RecordSet[]; refused: RecordChange[] } {
  const sets = new Map(recordSets.map((set) => [recordSetKey(set), canonicalRecordSet(set)]));
  const refused: RecordChange[] = [];
  for (const change of changes) {
    const key = recordSetKey(change.recordSet);
    const found = sets.get(key);
    if (change.action === 'CREATE' && found === undefined) {
      sets.set(key, canonicalRecordSet(change.recordSet));
    } else if (change.action === 'DELETE' && found !== undefined && sameRecordSet(found, change.recordSet)) {
      sets.delete(key);
    } else {
      refused.push(change);
    }
  }
  return { recordSets: [...sets.values()].sort(compareRecordSets), refused };
}

/** The names that a record set sends its readers to: targets of CNAME, MX and SRV. */
export function referencesOf({ type, values }: RecordSet): string[] {
  if (type !== 'CNAME' && type !== 'MX' && type !== 'SRV') return [];
  const targets = values.map((value) => canonicalName(value.trim().split(/\s+/).at(-1) ?? ''));
  return targets.filter((target) => target !== '.');
}

/** By name, type and set identifier. */
export function compareRecordSets(a: RecordSet, b: RecordSet): number {
  const [left, right] = [recordSetKey(a), recordSetKey(b)];
  return left < right ? -1 : left > right ? 1 : 0;
}

function sameRecordSet(a: RecordSet, b: RecordSet): boolean {
  return canonicalText(a) === canonicalText(canonicalRecordSet(b));
}

/** A provider holds at most one record set of a key. */
function recordSetKey({ name, type, setIdentifier }: RecordSet): string {
  return `${canonicalName(name)} ${type} ${setIdentifier ?? ''}`;
}
