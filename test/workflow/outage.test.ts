import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { DomainError } from '../../domain/errors.ts';
import { BASE, FakeWorld } from '../support/fake-world.ts';
import { inEachMode } from '../support/workflow-environment.ts';

const down = async () => {
  throw new DomainError('STORE_UNAVAILABLE', 'the store is down', { next: 'Bring it back.' });
};

inEachMode('while the log is down a change', (engine) => {
  it('holds, says so, pages once and goes on by itself', async () => {
    const world = new FakeWorld(randomUUID());
    const { orderStage } = world.orchestrator;
    world.orchestrator.orderStage = down;
    const change = await (await engine().start(world)).approved();
    const { held } = await change.until((status) => status.held !== null);
    expect(held).toEqual({ why: 'ordering 10%: the store is down', next: 'Bring it back.' });
    await engine().environment.sleep('20 seconds');
    expect(world.pages).toHaveLength(1);
    expect(world.live).toBe(BASE);
    world.orchestrator.orderStage = orderStage;
    expect((await change.result()).status).toBe('committed');
    expect((await change.status()).held).toBeNull();
  });

  it('can be aborted', async () => {
    const world = new FakeWorld(randomUUID());
    world.orchestrator.orderStage = down;
    const change = await (await engine().start(world)).approved();
    await change.until((status) => status.held !== null);
    await change.command('abort');
    expect((await change.result()).status).toBe('rolled-back');
  });

  it('does not end before its end is recorded', async () => {
    const world = new FakeWorld(randomUUID());
    const { recordEnd } = world.orchestrator;
    world.orchestrator.recordEnd = down;
    const change = await engine().start(world);
    await change.untilWaitingFor('approval');
    await change.command('abort');
    const { phase } = await change.until((status) => status.held !== null);
    expect(phase).toBe('approval');
    world.orchestrator.recordEnd = recordEnd;
    expect((await change.result()).status).toBe('aborted');
    expect(world.log.at(-1)).toBe('end aborted');
  });

  it('goes on when it is told to, however soon after the page', async () => {
    const world = new FakeWorld(randomUUID());
    world.analysis.judgeStage = async ({ stage }) => world.judged(stage, 'inconclusive');
    const change = await engine().start(world);
    world.orchestrator.page = async () => {
      world.analysis.judgeStage = async ({ stage }) => world.judged(stage, 'pass');
      // Answered while the page is still on its way.
      await change.command('continue');
    };
    await change.approved();
    expect((await change.result()).status).toBe('committed');
  });
});

inEachMode('a defect in an activity', (engine) => {
  it('holds the change until somebody has mended it', async () => {
    const world = new FakeWorld(randomUUID());
    const { orderStage } = world.orchestrator;
    world.orchestrator.orderStage = async () => {
      throw new TypeError('undefined is not a function');
    };
    const change = await (await engine().start(world)).approved();
    const { held } = await change.until((status) => status.held !== null);
    expect(held?.next).toContain('This is a defect');
    world.orchestrator.orderStage = orderStage;
    await change.command('continue');
    expect((await change.result()).status).toBe('committed');
  });
});
