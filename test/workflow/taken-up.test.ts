import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import type { Underway } from '../../activities/underway.ts';
import { DomainError } from '../../domain/errors.ts';
import { BASE, FakeWorld } from '../support/fake-world.ts';
import { inEachMode } from '../support/workflow-environment.ts';

/** An earlier run left stage 10% live, with its intent in the log. */
function leftAtTenPercent(): { world: FakeWorld; underway: Underway } {
  const world = new FakeWorld(randomUUID());
  const intentIndex = world.record('intent 10%');
  world.live = '10%';
  return { world, underway: { summary: world.summary, stage: '10%', intentIndex } };
}

inEachMode('a change whose run was lost', (engine) => {
  it('after its first intent goes back at once: nobody is asked and nothing is applied', async () => {
    const { world, underway } = leftAtTenPercent();
    const { checkSchema } = world.orchestrator;
    world.orchestrator.checkSchema = async (input) => ({ ...(await checkSchema(input)), underway });
    const change = await engine().start(world);
    const { status, violations } = await change.result();
    expect(status).toBe('rolled-back');
    expect(violations.map(({ rule }) => rule)).toEqual(['run-lost']);
    expect(world.live).toBe(BASE);
    expect(world.log).toEqual(['request', 'intent 10%', 'rolled back', 'end rolled-back']);
    const { stages, timeline } = await change.status();
    expect(stages.map(({ state }) => state)).toEqual(['inconclusive', 'pending', 'pending']);
    expect(timeline.map(({ phase }) => phase)).toEqual([
      'submitted',
      'schema',
      'rolling-back',
      'rolled-back',
    ]);
  });

  it('goes back also when it learns that only by the refusal of its end', async () => {
    const { world, underway } = leftAtTenPercent();
    // As the log answers a plan when another one is being written by.
    world.orchestrator.makePlan = async () => {
      throw new DomainError('RESERVED', 'it already writes under its plan');
    };
    world.orchestrator.findUnderway = async () => underway;
    const change = await engine().start(world);
    const { status, violations } = await change.result();
    expect(status).toBe('rolled-back');
    expect(violations.map(({ code }) => code)).toEqual(['RESERVED', 'ABORTED']);
    expect(world.live).toBe(BASE);
    expect(world.pages).toEqual([]);
  });

  it('holds when what leads back cannot be read, and goes back when it can', async () => {
    const { world, underway } = leftAtTenPercent();
    world.orchestrator.makePlan = async () => {
      throw new DomainError('RESERVED', 'it already writes under its plan');
    };
    let lost = true;
    world.orchestrator.findUnderway = async () => {
      if (lost) throw new DomainError('NOT_FOUND', 'the plan is gone', { next: 'Put it back.' });
      return underway;
    };
    const change = await engine().start(world);
    const { held } = await change.until((status) => status.held !== null);
    expect(held).toEqual({ why: 'looking for what was written: the plan is gone', next: 'Put it back.' });
    lost = false;
    await change.command('continue');
    expect((await change.result()).status).toBe('rolled-back');
  });

  it('is aborted, or stays paused, as somebody ordered before', async () => {
    const order = { by: 'olga', reason: 'ordered before' };
    const world = new FakeWorld(randomUUID());
    const { checkSchema } = world.orchestrator;
    world.orchestrator.checkSchema = async (input) => ({
      ...(await checkSchema(input)),
      ordered: { abort: order, pause: null },
    });
    expect((await (await engine().start(world)).result()).status).toBe('aborted');

    const paused = new FakeWorld(randomUUID());
    const found = await paused.orchestrator.checkSchema({ ...paused.input });
    paused.orchestrator.checkSchema = async () => ({ ...found, ordered: { abort: null, pause: order } });
    const change = await engine().start(paused);
    await change.untilWaitingFor('paused by olga: ordered before');
    await change.command('abort');
    expect((await change.result()).status).toBe('aborted');
  });

  it('after its commit is committed, whatever a run that was reset wants to take back', async () => {
    const world = new FakeWorld(randomUUID());
    world.analysis.judgeStage = async ({ stage }) => world.judged(stage, 'fail');
    world.enactor.rollBack = async () => ({ result: 'committed' });
    const change = await (await engine().start(world)).approved();
    expect((await change.result()).status).toBe('committed');
  });
});
