import type { Violation } from '../errors.ts';
import { referencesOf } from '../kinds/dns.ts';
import { type RecordGroup, type RecordSet, WEIGHTABLE_TYPES, type ZoneState } from '../kinds/dns-records.ts';
import { MAX_SET_IDENTIFIER_CHARACTERS, MAX_WEIGHT } from '../kinds/dns-weights.ts';
import type { GovernedRecord } from './governed-record.ts';

/** A zone as it would be. */
export type ResultZone = Pick<ZoneState, 'zone' | 'recordSets' | 'opaque'>;

const ADDRESS_TYPES: readonly string[] = ['A', 'AAAA', 'CNAME'];

/**
 * Judges a zone that would exist: the names that a plan touches, and every reference inside the zone. Route 53
 * refuses most of this itself; the rest it would serve, and readers would get nothing.
 */
export function judgeZone(zone: ResultZone, touched: readonly GovernedRecord[]): Violation[] {
  const names = new Map(touched.map((record) => [record.name, record.path]));
  return [
    ...touched.flatMap((record) => judgeGroup(zone, record)),
    ...[...names].flatMap(([name, path]) => judgeCname(zone, name, path)),
    ...danglingReferences(zone, touched),
  ];
}

function judgeGroup(zone: ResultZone, record: GovernedRecord): Violation[] {
  const group = zone.recordSets.filter((set) => set.name === record.name && set.type === record.type);
  const opaque = zone.opaque.filter((set) => set.name === record.name && set.type === record.type);
  const weighted = group.filter((set) => set.weight !== undefined);
  const violations: Violation[] = [];
  const add = (rule: string, message: string, remedy: string) =>
    violations.push({ code: 'INVARIANT_VIOLATED', rule, path: record.path, message, remedy });

  if (group.length > 0 && opaque.length > 0) {
    add(
      'opaque-beside',
      `${record.resource} would stand beside a record set that this product cannot express (${opaque.map((set) => set.setIdentifier ?? 'alias or simple').join(', ')}).`,
      'Replace that record set by plain or weighted ones outside this system first.',
    );
  }
  if (weighted.length > 0 && weighted.length < group.length) {
    add(
      'weighted-beside-simple',
      `${record.resource} would have ${weighted.length} weighted and ${group.length - weighted.length} simple record sets.`,
      'Declare it either simple or weighted.',
    );
  }
  for (const set of group.filter((one) => one.values.length === 0)) {
    add(
      'never-empty',
      `${record.resource}${named(set.setIdentifier)} would have no value.`,
      'Give it a value, or remove the resource.',
    );
  }
  violations.push(...judgeWeights(group, record));
  return violations;
}

function judgeWeights(group: RecordGroup, record: GovernedRecord): Violation[] {
  const violations: Violation[] = [];
  const add = (rule: string, message: string, remedy: string) =>
    violations.push({ code: 'INVARIANT_VIOLATED', rule, path: record.path, message, remedy });
  const identifiers = group.map((set) => set.setIdentifier ?? '');
  const weighted = group.filter((set) => set.weight !== undefined);
  const ttls = [...new Set(weighted.map((set) => set.ttlSeconds))];

  for (const { setIdentifier, weight = 0 } of weighted) {
    if (Number.isInteger(weight) && weight >= 0 && weight <= MAX_WEIGHT) continue;
    add(
      'weight-range',
      `${record.resource}${named(setIdentifier)} would have weight ${weight}.`,
      `Use an integer from 0 to ${MAX_WEIGHT}.`,
    );
  }
  if (weighted.length > 0 && weighted.every((set) => set.weight === 0)) {
    add(
      'weights-not-all-zero',
      `The weights of ${record.resource} would sum to 0, and then Route 53 answers with every one of them.`,
      'Give at least one member a weight above 0, or remove the resource.',
    );
  }
  if (weighted.length > 0 && !WEIGHTABLE_TYPES.includes(record.type)) {
    add(
      'weightable-type',
      `${record.resource} would be weighted.`,
      `Only ${WEIGHTABLE_TYPES.join(', ')} may be.`,
    );
  }
  for (const identifier of identifiers.filter((one) => one.length > MAX_SET_IDENTIFIER_CHARACTERS)) {
    add(
      'set-identifier-length',
      `The set identifier "${identifier}" has ${identifier.length} characters, Route 53 takes ${MAX_SET_IDENTIFIER_CHARACTERS}.`,
      'Use a shorter id: a rollout puts "stable." or "canary." before it.',
    );
  }
  // Route 53 API, ResourceRecordSet: all sets in a weighted group must have the same TTL.
  if (ttls.length > 1) {
    add(
      'one-ttl-a-group',
      `${record.resource} would have the TTLs ${ttls.join(', ')}.`,
      'Use one TTL for all members.',
    );
  }
  return violations;
}

/** RFC 1034 §3.6.2 and RFC 2181 §10.1: where a CNAME is, nothing else may be, and the apex always has SOA and NS. */
function judgeCname(zone: ResultZone, name: string, path: string): Violation[] {
  const here = [...zone.recordSets, ...zone.opaque].filter((set) => set.name === name);
  if (!here.some((set) => set.type === 'CNAME')) return [];
  const violations: Violation[] = [];
  const others = new Set(here.map((set) => set.type).filter((type) => type !== 'CNAME'));
  if (name === zone.zone) {
    violations.push({
      code: 'INVARIANT_VIOLATED',
      rule: 'cname-not-at-apex',
      path,
      message: `${name} is the apex of its zone and cannot be a CNAME.`,
      remedy: 'Use A and AAAA records there.',
    });
  } else if (others.size > 0) {
    violations.push({
      code: 'INVARIANT_VIOLATED',
      rule: 'cname-alone',
      path,
      message: `${name} would have a CNAME beside ${[...others].sort().join(', ')}.`,
      remedy: 'Remove the other records in the same request, or use A and AAAA instead of the CNAME.',
    });
  }
  for (const set of zone.recordSets.filter((one) => one.name === name && one.type === 'CNAME')) {
    if (set.values.length <= 1) continue;
    violations.push({
      code: 'INVARIANT_VIOLATED',
      rule: 'cname-single',
      path,
      message: `${name}${named(set.setIdentifier)} would be a CNAME with ${set.values.length} targets.`,
      remedy: 'Declare one target, or weighted members with one target each.',
    });
  }
  return violations;
}

/**
 * Whatever CNAME, MX and SRV records in the zone point to, inside the zone, must answer. The path is of the address that
 * goes, where that is why, and only there: break-glass passes over it by that resource's name. Otherwise it is of the
 * record that points.
 */
function danglingReferences(zone: ResultZone, touched: readonly GovernedRecord[]): Violation[] {
  const answers = answering(zone);
  const addressAt = (target: string) =>
    touched.find(({ name, type }) => name === target && ADDRESS_TYPES.includes(type));
  const governing = (set: RecordSet) =>
    touched.find(({ name, type }) => name === set.name && type === set.type);
  return zone.recordSets.flatMap((set) =>
    referencesOf(set)
      .filter((target) => target === zone.zone || target.endsWith(`.${zone.zone}`))
      .filter((target) => !answers(target))
      .map((target): Violation => {
        const path = (addressAt(target) ?? governing(set))?.path;
        return {
          code: 'INVARIANT_VIOLATED',
          rule: 'reference-answers',
          ...(path === undefined ? {} : { path }),
          message: `${set.name} ${set.type} points to ${target}, which would have no address.`,
          remedy: `Keep an A, AAAA or CNAME record at ${target}, or point ${set.name} elsewhere in the same request.`,
        };
      }),
  );
}

/**
 * Whether a name of the zone leads to an address: by its own record, by a delegation (which answers elsewhere), or by
 * the wildcard of its closest encloser (RFC 4592 §3.3.1: an existing name between the two hides the wildcard).
 */
function answering(zone: ResultZone): (name: string) => boolean {
  const all = [...zone.recordSets, ...zone.opaque];
  const withAddress = new Set(all.filter((set) => ADDRESS_TYPES.includes(set.type)).map((set) => set.name));
  const delegated = new Set(
    all.filter((set) => set.type === 'NS' && set.name !== zone.zone).map((set) => set.name),
  );
  const existing = new Set(all.flatMap((set) => [set.name, ...ancestorsOf(set.name)]));
  return (name) => {
    if (withAddress.has(name) || [name, ...ancestorsOf(name)].some((one) => delegated.has(one))) return true;
    if (existing.has(name)) return false;
    const encloser = ancestorsOf(name).find((one) => existing.has(one));
    return withAddress.has(`*.${encloser}`);
  };
}

/** `a.b.c` → `b.c`, `c`. */
function ancestorsOf(name: string): string[] {
  const labels = name.split('.');
  return labels.slice(1).map((_, index) => labels.slice(index + 1).join('.'));
}

function named(setIdentifier: string | undefined): string {
  return setIdentifier ? ` "${setIdentifier}"` : '';
}
