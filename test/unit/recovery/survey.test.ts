import { describe, expect, it } from 'vitest';
import { settleZone } from '../../../activities/dns/settle-outcomes.ts';
import { survey } from '../../../activities/survey.ts';
import { DomainError } from '../../../domain/errors.ts';
import type { RunState } from '../../../domain/reconcile/judge-environment.ts';
import { createMemoryWorld, type MemoryWorld } from '../../support/memory-world.ts';
import { CHANGE, envelopeOf, ZONE } from '../../support/sample-log.ts';

/** A change whose first intent is entry 3. */
async function intended(): Promise<MemoryWorld> {
  const world = createMemoryWorld(ZONE);
  await world.append(await envelopeOf('trust', { document: world.trust }));
  for (const type of ['request', 'plan', 'intent'] as const) await world.append(await envelopeOf(type));
  return world;
}

function zoneIn(world: MemoryWorld) {
  const zone = world.zones.get(ZONE);
  if (!zone) throw new Error('no zone');
  return zone;
}

function surveyOf(world: MemoryWorld, run: RunState, hourLater = true) {
  const { log, dns, clock } = world.enactor;
  const never = () => Promise.reject(new Error('a survey changes nothing'));
  return survey({
    ...{ log, dns },
    clock: { nowMs: () => clock.nowMs() + (hourLater ? 3_600_000 : 0) },
    runs: { stateOf: async () => run, start: never, keepReconciling: never },
  });
}

describe('a survey', () => {
  it('says what it is about', async () => {
    const world = await intended();
    expect(await surveyOf(world, 'running')).toEqual({
      at: '2026-01-01T01:00:00.000Z',
      size: 4,
      openChanges: 1,
      zones: 1,
      findings: [],
      foundInAll: 0,
    });
  });

  it('of a change that ended while its run was asked for finds nothing', async () => {
    const world = await intended();
    const { log, dns, clock } = world.enactor;
    const never = () => Promise.reject(new Error('a survey changes nothing'));
    const stateOf = async (): Promise<RunState> => {
      const back = { intentIndex: 3, direction: 'rollback', fence: '0.r3' } as const;
      zoneIn(world).fence = '0.r3';
      await world.append(await envelopeOf('outcome', back), await envelopeOf('end'));
      return 'completed';
    };
    const found = await survey({ log, dns, clock, runs: { stateOf, start: never, keepReconciling: never } });
    expect(found.findings).toEqual([]);
  });

  it('reads a zone again that moved meanwhile, and judges no zone that keeps moving', async () => {
    const world = await intended();
    zoneIn(world).fence = 'v=spf1';
    let reads = 0;
    const { readFence } = world.enactor.dns;
    world.enactor.dns.readFence = async (zone) => {
      reads += 1;
      if (reads === 1) zoneIn(world).fence = '3';
      return readFence(zone);
    };
    const settled = await surveyOf(world, 'running', false);
    expect(settled.findings).toEqual([]);
    expect(reads).toBe(2);

    world.enactor.dns.readFence = async () => {
      reads += 1;
      return `moving ${reads}`;
    };
    const moving = await surveyOf(world, 'running', false);
    expect(moving.findings.map(({ rule, message }) => [rule, message])).toEqual([
      ['unread-zone', 'Not judged: its fence moved during each of 3 readings.'],
    ]);
  });

  it('goes on where one zone does not answer', async () => {
    const world = await intended();
    world.enactor.dns.readZone = async () => {
      throw new DomainError('DNS_UNAVAILABLE', 'Route 53 is away.');
    };
    const { findings } = await surveyOf(world, 'terminated');
    expect(findings.map(({ rule, subject }) => [rule, subject])).toEqual([
      ['lost-run', CHANGE],
      ['unread-zone', ZONE],
    ]);
  });
});

describe('settling a zone', () => {
  it.each([
    ['landed, as its own fence says', '3', 'applied'],
    ['never will, because another fence took its place', '0.r1', 'not-applied'],
  ])('records that an intent %s', async (_, fence, result) => {
    const world = await intended();
    zoneIn(world).fence = fence;
    await settleZone(world.enactor, { zone: ZONE });
    const [outcome, ...others] = world.log.lastKnown().changes[CHANGE]?.outcomes ?? [];
    expect(outcome).toMatchObject({ intentIndex: 3, direction: 'forward', result, fence });
    expect(others).toEqual([]);
    await settleZone(world.enactor, { zone: ZONE });
    expect(world.log.lastKnown().changes[CHANGE]?.outcomes).toHaveLength(1);
  });

  it('leaves alone what may still be in flight', async () => {
    const world = await intended();
    await settleZone(world.enactor, { zone: ZONE });
    expect(world.log.lastKnown().changes[CHANGE]?.outcomes).toEqual([]);
  });
});
