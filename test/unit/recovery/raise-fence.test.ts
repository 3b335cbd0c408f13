import { describe, expect, it } from 'vitest';
import { raiseFences } from '../../../activities/dns/raise-fence.ts';
import { trustOf } from '../../../domain/log/state.ts';
import { createMemoryWorld, type MemoryWorld } from '../../support/memory-world.ts';
import { envelopeOf, ZONE } from '../../support/sample-log.ts';

const OTHER = 'example.org';

async function recovered(...zones: string[]): Promise<{ world: MemoryWorld; causeIndex: number }> {
  const world = createMemoryWorld(...zones);
  await world.append(await envelopeOf('trust', { document: trustOf(world.log.lastKnown()) }));
  return { world, causeIndex: await world.append(await envelopeOf('recovery')) };
}

function fenceIn(world: MemoryWorld, zone = ZONE): string | null {
  return world.zones.get(zone)?.fence ?? null;
}

function setFence(world: MemoryWorld, fence: string): void {
  const zone = world.zones.get(ZONE);
  if (zone) zone.fence = fence;
}

describe('raising fences', () => {
  it('writes an entry ahead for each zone, and its index is the fence', async () => {
    const { world, causeIndex } = await recovered(ZONE, OTHER);
    expect(await raiseFences(world.enactor, { causeIndex })).toEqual([
      { zone: ZONE, fence: '2' },
      { zone: OTHER, fence: '3' },
    ]);
    expect([fenceIn(world), fenceIn(world, OTHER)]).toEqual(['2', '3']);
    expect(world.log.lastKnown().raisedFences).toMatchObject([
      { zone: ZONE, index: 2, expectedFence: null, cause: { type: 'recovery', index: causeIndex } },
      { zone: OTHER, index: 3, expectedFence: null },
    ]);
  });

  it('makes a batch that was prepared before land no more', async () => {
    const { world, causeIndex } = await recovered(ZONE);
    await raiseFences(world.enactor, { causeIndex });
    const late = { zone: ZONE, expectedFence: null, nextFence: '1', changes: [], comment: 'late' };
    expect(await world.enactor.dns.applyBatch(late)).toHaveProperty('unknown');
    expect(fenceIn(world)).toBe('2');
  });

  it('done again changes nothing, and neither does a newer fence', async () => {
    const { world, causeIndex } = await recovered(ZONE);
    await raiseFences(world.enactor, { causeIndex });
    setFence(world, '9.r4');
    expect(await raiseFences(world.enactor, { causeIndex })).toEqual([{ zone: ZONE, fence: '9.r4' }]);
    expect(world.batches).toHaveLength(1);
    expect(world.log.lastKnown().size).toBe(3);
  });

  it('finds out by the fence whether a batch landed whose answer was lost', async () => {
    const { world, causeIndex } = await recovered(ZONE);
    world.beforeBatch = (_, land) => {
      land();
      throw new Error('connection reset');
    };
    expect(await raiseFences(world.enactor, { causeIndex })).toEqual([{ zone: ZONE, fence: '2' }]);
    expect(world.batches).toHaveLength(1);
  });

  it('writes another entry when another write comes between, and so stands on what that left', async () => {
    const { world, causeIndex } = await recovered(ZONE);
    setFence(world, '0.r1');
    let first = true;
    world.beforeBatch = () => {
      if (first) setFence(world, '1');
      first = false;
    };
    expect(await raiseFences(world.enactor, { causeIndex })).toEqual([{ zone: ZONE, fence: '3' }]);
    expect(world.batches.map(({ expectedFence, landed }) => [expectedFence, landed])).toEqual([
      ['0.r1', false],
      ['1', true],
    ]);
    expect(world.log.lastKnown().fenceChain).toEqual({ 2: '0.r1', 3: '1' });
  });

  it('raises what it can before it says that one zone has a fence that nobody wrote', async () => {
    const { world, causeIndex } = await recovered(ZONE, OTHER);
    setFence(world, 'somebody was here');
    await expect(raiseFences(world.enactor, { causeIndex })).rejects.toMatchObject({
      code: 'ENTRY_MALFORMED',
    });
    expect(fenceIn(world, OTHER)).toBe('2');
    expect(fenceIn(world)).toBe('somebody was here');
  });

  it('raises the zones of a freeze’s scope alone, and none for a freeze that is over', async () => {
    const { world } = await recovered(ZONE, OTHER);
    const freeze = { scope: { zone: OTHER } };
    const causeIndex = await world.append(await envelopeOf('freeze', freeze));
    expect(await raiseFences(world.enactor, { causeIndex })).toEqual([{ zone: OTHER, fence: '3' }]);
    expect(fenceIn(world)).toBeNull();
    await world.append(await envelopeOf('freeze', { ...freeze, state: 'active', nonce: 'over' }));
    await expect(raiseFences(world.enactor, { causeIndex })).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
    await expect(raiseFences(world.enactor, { causeIndex: 0 })).rejects.toMatchObject({
      code: 'NOT_PERMITTED',
    });
  });
});
