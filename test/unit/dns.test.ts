import { describe, expect, it } from 'vitest';
import { DomainError } from '../../domain/errors.ts';
import {
  applyChanges,
  canonicalRecordSet,
  desiredGroup,
  diffGroups,
  groupDigest,
  groupIn,
  parseDnsResource,
  referencesOf,
  resourceName,
} from '../../domain/kinds/dns.ts';
import { record, ZONE, zoneOf } from '../support/dns-plans.ts';

function codeOf(act: () => unknown): string {
  try {
    act();
  } catch (error) {
    if (error instanceof DomainError) return error.code;
    throw error;
  }
  return 'nothing thrown';
}

describe('parseDnsResource', () => {
  it.each([
    ['dns/example.com/api/A', 'api.example.com', 'A'],
    ['dns/example.com/@/MX', 'example.com', 'MX'],
    ['dns/example.com/a.b/TXT', 'a.b.example.com', 'TXT'],
    ['dns/example.com/*/CNAME', '*.example.com', 'CNAME'],
    ['dns/example.com/_sip._tcp/SRV', '_sip._tcp.example.com', 'SRV'],
  ])('%s', (resource, name, type) => {
    const parsed = parseDnsResource(resource, [ZONE]);
    expect(parsed).toEqual({ resource, zone: ZONE, name, type });
    expect(resourceName(ZONE, parsed)).toBe(resource);
  });

  it.each([
    ['config/example.com/api/A', 'SCHEMA_INVALID'],
    ['dns/example.com/api', 'SCHEMA_INVALID'],
    ['dns/example.com/api/NS', 'SCHEMA_INVALID'],
    ['dns/example.com/api/A/x', 'SCHEMA_INVALID'],
    ['dns/example.com/API/A', 'SCHEMA_INVALID'],
    ['dns/example.com/api./A', 'SCHEMA_INVALID'],
    ['dns/example.com/_resilience-ctl/TXT', 'SCHEMA_INVALID'],
    ['dns/example.com/_resilience-ctl/CNAME', 'SCHEMA_INVALID'],
    ['dns/example.net/api/A', 'NOT_FOUND'],
  ])('%s: %s', (resource, code) => {
    expect(codeOf(() => parseDnsResource(resource, [ZONE]))).toBe(code);
  });
});

describe('groups', () => {
  const resource = parseDnsResource('dns/example.com/api/AAAA', [ZONE]);

  it('compare equal whether declared or read', () => {
    const read = zoneOf([
      { name: 'API.example.com.', type: 'AAAA', ttlSeconds: 60, values: ['2001:DB8::2', '2001:db8:0::1'] },
      record('other', 'AAAA', ['2001:db8::9']),
    ]);
    const declared = desiredGroup(resource, { ttl: 60, values: ['2001:db8::1', '2001:db8:0:0::2'] });
    expect(groupIn(read, resource)).toEqual(declared);
    expect(groupDigest(groupIn(read, resource))).toBe(groupDigest(declared));
  });

  it('have no digest when empty', () => {
    expect(groupDigest(groupIn(zoneOf([]), resource))).toBeNull();
  });

  it('are ordered by set identifier', () => {
    const group = desiredGroup(resource, {
      ttl: 5,
      weighted: [
        { id: 'b', weight: 1, values: ['2001:db8::2'] },
        { id: 'a', weight: 2, values: ['2001:db8::1'] },
      ],
    });
    expect(group.map((one) => [one.setIdentifier, one.weight, one.ttlSeconds])).toEqual([
      ['a', 2, 5],
      ['b', 1, 5],
    ]);
  });
});

describe('diffGroups', () => {
  it('is exact, DELETEs first, and touches nothing that stays', () => {
    const stays = record('a', 'A', ['192.0.2.1']);
    const old = record('b', 'A', ['192.0.2.2']);
    const next = record('b', 'A', ['192.0.2.2'], { ttlSeconds: 30 });
    const created = record('a', 'TXT', ['"x"']);
    expect(diffGroups([old, stays], [created, next, stays])).toEqual([
      { action: 'DELETE', recordSet: old },
      { action: 'CREATE', recordSet: created },
      { action: 'CREATE', recordSet: next },
    ]);
    expect(diffGroups([stays], [stays])).toEqual([]);
  });
});

describe('applyChanges', () => {
  const live = record('api', 'A', ['192.0.2.1']);

  it('refuses a DELETE that does not match in full and a CREATE of what exists', () => {
    const stale = { action: 'DELETE' as const, recordSet: { ...live, ttlSeconds: 61 } };
    const taken = { action: 'CREATE' as const, recordSet: { ...live, values: ['192.0.2.9'] } };
    expect(applyChanges([live], [stale, taken]).refused).toEqual([stale, taken]);
    expect(applyChanges([], [{ action: 'DELETE', recordSet: live }]).refused).toHaveLength(1);
  });

  it('replaces by DELETE and CREATE', () => {
    const next = { ...live, values: ['192.0.2.9'] };
    const changes = diffGroups([live], [next]);
    expect(applyChanges([live], changes)).toEqual({ recordSets: [next], refused: [] });
  });
});

describe('referencesOf', () => {
  it('names the targets of CNAME, MX and SRV', () => {
    expect(referencesOf(record('www', 'CNAME', ['API.example.com.']))).toEqual(['api.example.com']);
    expect(referencesOf(record('@', 'MX', ['10 mx.example.com', '0 .']))).toEqual(['mx.example.com']);
    expect(referencesOf(record('_sip._tcp', 'SRV', ['1 2 3 sip.example.com']))).toEqual(['sip.example.com']);
    expect(referencesOf(record('api', 'TXT', ['"see api.example.com"']))).toEqual([]);
  });
});

it('canonicalRecordSet never fails on what somebody else wrote', () => {
  expect(canonicalRecordSet(record('api', 'MX', ['nonsense', '20 B.example.com.'])).values).toEqual([
    '20 b.example.com',
    'nonsense',
  ]);
});
