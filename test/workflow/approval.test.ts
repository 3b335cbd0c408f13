import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { MESSAGES } from '../../workflows/contract.ts';
import { AUTHOR, BASE, decisionOf, FakeWorld, Gate } from '../support/fake-world.ts';
import { replayedAfterwards } from '../support/workflow-environment.ts';

replayedAfterwards('an approval', (engine) => {
  it('by signal has the effect of one by update', async () => {
    const outcomes = [];
    for (const by of ['update', 'signal'] as const) {
      const world = new FakeWorld(randomUUID());
      const change = await engine().start(world);
      await change.untilWaitingFor('approval');
      if (by === 'update') {
        const index = world.log.length;
        expect(await change.decide({ approver: 'bob' })).toEqual({ accepted: true, reasons: [], index });
      } else {
        await change.handle.signal(MESSAGES.decide, decisionOf({ approver: 'bob' }));
      }
      const result = await change.result();
      outcomes.push({ result, log: world.log.filter((entry) => !entry.includes('votes')) });
    }
    expect(outcomes[1]).toEqual(outcomes[0]);
  });

  it('that comes before the plan is ready is judged when it is', async () => {
    const world = new FakeWorld(randomUUID());
    const gate = new Gate();
    const { makePlan } = world.orchestrator;
    world.orchestrator.makePlan = async (input) => {
      await gate.pass();
      return makePlan(input);
    };
    const change = await engine().start(world);
    await gate.reached;
    const answer = change.decide({ approver: 'bob' });
    gate.open();
    expect((await answer).accepted).toBe(true);
    expect((await change.result()).status).toBe('committed');
  });

  it('is refused with the reasons of who judges it, and the change waits on', async () => {
    const world = new FakeWorld(randomUUID());
    world.summary = { ...world.summary, approvalsNeeded: 2 };
    const change = await engine().start(world);
    await change.untilWaitingFor('2 more');
    const codes = async (decision: Parameters<typeof change.decide>[0]) =>
      (await change.decide(decision)).reasons.map(({ code }) => code);
    expect(await codes({ approver: AUTHOR })).toEqual(['NOT_PERMITTED']);
    expect(await codes({ approver: 'bob', expired: true })).toEqual(['APPROVAL_EXPIRED']);
    expect(await codes({ approver: 'bob' })).toEqual([]);
    expect(await codes({ approver: 'bob', nonce: 'another key' })).toEqual(['NONCE_REPLAYED']);
    const waiting = await change.untilWaitingFor('1 more');
    expect(waiting.approvals.map(({ approver }) => approver)).toEqual(['bob']);
    await change.decide({ approver: 'cyd' });
    expect((await change.result()).status).toBe('committed');
  });

  it('by two people at once answers both', async () => {
    const world = new FakeWorld(randomUUID());
    world.summary = { ...world.summary, approvalsNeeded: 2 };
    const change = await engine().start(world);
    await change.untilWaitingFor('2 more');
    const answers = await Promise.all([
      change.decide({ approver: 'bob' }),
      change.decide({ approver: 'cyd' }),
    ]);
    expect(answers.map(({ accepted }) => accepted)).toEqual([true, true]);
    expect((await change.result()).status).toBe('committed');
  });

  it('that one person sends twice at once is answered twice and counts once', async () => {
    const world = new FakeWorld(randomUUID());
    world.summary = { ...world.summary, approvalsNeeded: 2 };
    const change = await engine().start(world);
    await change.untilWaitingFor('2 more');
    const answers = await Promise.all([
      change.decide({ approver: 'bob' }),
      change.decide({ approver: 'bob' }),
    ]);
    expect(answers.map(({ accepted }) => accepted)).toEqual([true, true]);
    await change.untilWaitingFor('1 more');
    expect((await change.decide({ approver: 'cyd' })).accepted).toBe(true);
    expect((await change.result()).status).toBe('committed');
  });

  it('that says no ends the change', async () => {
    const world = new FakeWorld(randomUUID());
    const change = await engine().start(world);
    await change.untilWaitingFor('approval');
    expect((await change.decide({ approver: 'cyd', decision: 'reject', reason: 'too soon' })).accepted).toBe(
      true,
    );
    const { status, violations } = await change.result();
    expect(status).toBe('rejected');
    expect(violations).toMatchObject([{ code: 'APPROVAL_REJECTED', message: 'cyd rejected it: too soon' }]);
    expect(world.log.at(-1)).toBe('end rejected');
    expect(world.live).toBe(BASE);
  });

  it('has a day', async () => {
    const world = new FakeWorld(randomUUID());
    const change = await engine().start(world);
    await change.untilWaitingFor('approval');
    await engine().environment.sleep('23 hours');
    expect((await change.status()).phase).toBe('approval');
    const { status, violations } = await change.result();
    expect(status).toBe('rejected');
    expect(violations).toMatchObject([{ code: 'APPROVAL_EXPIRED' }]);
  });

  it('that comes too late is answered so, and changes nothing', async () => {
    const world = new FakeWorld(randomUUID());
    const bake = new Gate();
    world.analysis.judgeStage = async ({ stage }) => {
      await bake.pass();
      return world.judged(stage, 'pass');
    };
    const change = await (await engine().start(world)).approved();
    await bake.reached;
    const late = await change.decide({ approver: 'cyd', decision: 'reject' });
    expect(late).toMatchObject({ accepted: false, index: null, reasons: [{ code: 'ALREADY_ENDED' }] });
    bake.open();
    expect((await change.result()).status).toBe('committed');
  });
});
