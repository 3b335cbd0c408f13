import { ChangeResourceRecordSetsCommand, type ResourceRecordSet } from '@aws-sdk/client-route-53';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import type { DnsZones, FencedBatch } from '../../activities/ports/dns-zones.ts';
import type { RecordChange, RecordSet } from '../../domain/kinds/dns-records.ts';
import { createRoute53Reader, createRoute53Writer } from '../../infra/aws/aws-clients.ts';
import { createRoute53DnsZones } from '../../infra/aws/route53-dns-zones.ts';
import { bootstrapEnvironment, type EnvironmentResources } from '../../infra/dev/bootstrap.ts';

/**
 * Gaps of the emulator, which therefore nothing here shows: it accepts weighted beside simple sets, CNAME beside
 * other types, malformed addresses, weights over 255 and batches of any size. Our own rules refuse those earlier.
 */
const plain: ResourceRecordSet = record('api', 'A', ['192.0.2.1']);
const shouted: ResourceRecordSet = { ...record('WWW', 'CNAME', ['Origin.Example.COM.']), TTL: 30 };
const wildcard: ResourceRecordSet = record('\\052.apps', 'TXT', ['"hello world"']);
const alias: ResourceRecordSet = {
  Name: 'alias.example.test.',
  Type: 'A',
  AliasTarget: {
    HostedZoneId: 'Z2FDTNDATAQYW2',
    DNSName: 'd111.cloudfront.net.',
    EvaluateTargetHealth: false,
  },
};
const located: ResourceRecordSet = {
  ...record('near', 'A', ['192.0.2.9']),
  SetIdentifier: 'eu',
  GeoLocation: { ContinentCode: 'EU' },
};

function record(label: string, Type: 'A' | 'CNAME' | 'TXT', values: string[]): ResourceRecordSet {
  return {
    Name: `${label}.example.test.`,
    Type,
    TTL: 5,
    ResourceRecords: values.map((Value) => ({ Value })),
  };
}

const aws = () => inject('stack').aws;
let made: EnvironmentResources;
let count = 0;

beforeAll(async () => {
  made = await bootstrapEnvironment(aws(), { environment: 'dns-contract', zones: [] });
});

/** A zone of its own for each test, with the records above. */
async function newZone(records: ResourceRecordSet[] = [plain, shouted, wildcard, alias, located]) {
  count += 1;
  const zone = `zone${count}.example.test`;
  const moved = records.map((one) => ({ ...one, Name: one.Name?.replace('example.test', zone) }));
  made = await bootstrapEnvironment(
    aws(),
    { environment: 'dns-contract', zones: [{ name: zone, records: moved }] },
    made,
  );
  const hostedZoneId = made.hostedZones[zone] ?? '';
  const open = (role: 'enactor' | 'orchestrator', afterFirstPage?: () => Promise<void>): DnsZones => {
    const connection = {
      endpoint: aws().endpoint,
      region: made.region,
      credentials: { ...made.roles[role].credentials },
    };
    const reader = createRoute53Reader(connection);
    let pending = afterFirstPage;
    reader.middlewareStack.add(
      (next) => async (args) => {
        const answer = await next(args);
        const hook = pending;
        pending = undefined;
        await hook?.();
        return answer;
      },
      { step: 'initialize' },
    );
    return createRoute53DnsZones({
      reader,
      writer: createRoute53Writer(connection),
      targets: () => [{ zone, hostedZoneId }],
    });
  };
  const batch = (change: Partial<FencedBatch>): FencedBatch => ({
    zone,
    expectedFence: null,
    nextFence: '1',
    changes: [],
    comment: 'test',
    ...change,
  });
  const interrupted = (afterFirstPage: () => Promise<void>) => open('enactor', afterFirstPage);
  return { zone, hostedZoneId, dns: open('enactor'), stranger: open('orchestrator'), batch, interrupted };
}

const create = (recordSet: RecordSet): RecordChange => ({ action: 'CREATE', recordSet });
const remove = (recordSet: RecordSet): RecordChange => ({ action: 'DELETE', recordSet });

describe('readZone', () => {
  test('gives record sets in canonical form, and keeps apart what cannot be expressed', async () => {
    const { zone, dns } = await newZone();
    const state = await dns.readZone(zone);
    expect(state.fence).toBeNull();
    expect(state.recordSets).toEqual(
      expect.arrayContaining([
        { name: `api.${zone}`, type: 'A', ttlSeconds: 5, values: ['192.0.2.1'] },
        { name: `www.${zone}`, type: 'CNAME', ttlSeconds: 30, values: ['origin.example.com'] },
        { name: `*.apps.${zone}`, type: 'TXT', ttlSeconds: 5, values: ['"hello world"'] },
      ]),
    );
    expect(state.recordSets).toHaveLength(3);
    expect(state.opaque).toEqual(
      expect.arrayContaining([
        { name: zone, type: 'NS' },
        { name: zone, type: 'SOA' },
        { name: `alias.${zone}`, type: 'A' },
        { name: `near.${zone}`, type: 'A', setIdentifier: 'eu' },
      ]),
    );
  });

  test('reads every page', async () => {
    const many = Array.from({ length: 650 }, (_, i) => record(`host-${i}`, 'A', ['192.0.2.1']));
    const { zone, dns } = await newZone(many);
    const { recordSets } = await dns.readZone(zone);
    expect(new Set(recordSets.map(({ name }) => name)).size).toBe(650);
  });

  test('never mixes what was there before and after a write that came between two pages', async () => {
    const many = Array.from({ length: 650 }, (_, i) => record(`host-${1000 + i}`, 'A', ['192.0.2.1']));
    const { zone, dns, batch, interrupted } = await newZone(many);
    const ends = [`host-1000.${zone}`, `host-1649.${zone}`];
    const { recordSets } = await dns.readZone(zone);
    const moved = recordSets.filter(({ name }) => ends.includes(name));
    const changes = moved.flatMap((set) => [remove(set), create({ ...set, values: ['192.0.2.2'] })]);
    let wrote = false;
    const reader = interrupted(async () => {
      wrote = 'changeRef' in (await dns.applyBatch(batch({ nextFence: '7', changes })));
    });
    const seen = await reader.readZone(zone);
    expect(wrote).toBe(true);
    const values = seen.recordSets.filter(({ name }) => ends.includes(name)).map((set) => set.values[0]);
    expect({ fence: seen.fence, values }).toEqual({ fence: '7', values: ['192.0.2.2', '192.0.2.2'] });
  });

  test('a zone that is not in the trust document is not found', async () => {
    const { dns } = await newZone();
    await expect(dns.readZone('example.org')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});

describe('applyBatch', () => {
  test('moves the fence with the records, and is in sync after a while', async () => {
    const { zone, dns, batch } = await newZone();
    const made = await dns.applyBatch(batch({ nextFence: '41' }));
    if (!('changeRef' in made)) throw made.unknown;
    await expect.poll(() => dns.isInSync(made.changeRef)).toBe(true);
    expect(await dns.readFence(zone)).toBe('41');
    expect(await dns.applyBatch(batch({ expectedFence: '41', nextFence: '41.r41' }))).toHaveProperty(
      'changeRef',
    );
    const state = await dns.readZone(zone);
    expect(state.fence).toBe('41.r41');
    expect(state.recordSets.map(({ name }) => name)).not.toContain(`_resilience-ctl.${zone}`);
  });

  test('a DELETE finds a record however it is spelled in the zone', async () => {
    const { zone, dns, batch } = await newZone();
    const before = await dns.readZone(zone);
    expect(await dns.applyBatch(batch({ changes: before.recordSets.map(remove) }))).toHaveProperty(
      'changeRef',
    );
    expect((await dns.readZone(zone)).recordSets).toEqual([]);
  });

  test('weighted sets are written and read back as they are', async () => {
    const { zone, dns, batch } = await newZone([]);
    const arm = (setIdentifier: string, weight: number): RecordSet => ({
      name: `*.api.${zone}`,
      type: 'A',
      ttlSeconds: 1,
      values: ['192.0.2.1', '192.0.2.2'],
      setIdentifier,
      weight,
    });
    const sets = [arm('canary', 0), arm('stable', 255)];
    expect(await dns.applyBatch(batch({ changes: sets.map(create) }))).toHaveProperty('changeRef');
    expect((await dns.readZone(zone)).recordSets).toEqual(sets);
    expect(
      await dns.applyBatch(batch({ expectedFence: '1', nextFence: '2', changes: sets.map(remove) })),
    ).toHaveProperty('changeRef');
  });

  const stale: [string, (zone: string) => Partial<FencedBatch>][] = [
    ['another fence than it expects', () => ({ expectedFence: '7', nextFence: '8' })],
    ['a fence where it expects none', () => ({ expectedFence: null, nextFence: '8' })],
    [
      'other values than it deletes',
      (zone) => ({
        expectedFence: '1',
        nextFence: '8',
        changes: [remove({ name: `api.${zone}`, type: 'A', ttlSeconds: 5, values: ['192.0.2.99'] })],
      }),
    ],
    [
      'a record where it creates one',
      (zone) => ({
        expectedFence: '1',
        nextFence: '8',
        changes: [
          create({ name: `new.${zone}`, type: 'A', ttlSeconds: 5, values: ['192.0.2.3'] }),
          create({ name: `api.${zone}`, type: 'A', ttlSeconds: 5, values: ['192.0.2.3'] }),
        ],
      }),
    ],
  ];
  test.each(stale)('against %s is refused whole: nothing is half applied', async (_, change) => {
    const { zone, dns, batch } = await newZone();
    await dns.applyBatch(batch({}));
    const before = await dns.readZone(zone);
    expect(await dns.applyBatch(batch(change(zone)))).toMatchObject({ unknown: { code: 'DNS_UNAVAILABLE' } });
    expect(await dns.readZone(zone)).toEqual(before);
  });

  test('a record that moved since it was read is not deleted', async () => {
    const { zone, dns, batch, hostedZoneId } = await newZone();
    const { recordSets } = await dns.readZone(zone);
    const writer = createRoute53Writer({
      endpoint: aws().endpoint,
      region: made.region,
      credentials: { ...aws().adminCredentials },
    });
    const moved = (value: string) => ({ ...record('api', 'A', [value]), Name: `api.${zone}.` });
    await writer.send(
      new ChangeResourceRecordSetsCommand({
        HostedZoneId: hostedZoneId,
        ChangeBatch: {
          Changes: [
            { Action: 'DELETE', ResourceRecordSet: moved('192.0.2.1') },
            { Action: 'CREATE', ResourceRecordSet: moved('192.0.2.77') },
          ],
        },
      }),
    );
    expect(await dns.applyBatch(batch({ changes: recordSets.map(remove) }))).toHaveProperty('unknown');
    expect(await dns.readFence(zone)).toBeNull();
  });

  test('a role that may not write is refused for certain', async () => {
    const { zone, stranger, batch } = await newZone();
    await expect(stranger.applyBatch(batch({}))).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
    expect(await stranger.readFence(zone)).toBeNull();
  });
});
