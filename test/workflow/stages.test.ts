import { randomUUID } from 'node:crypto';
import { expect, it, vi } from 'vitest';
import { DomainError } from '../../domain/errors.ts';
import type { Verdict } from '../../domain/evidence/statements.ts';
import { MESSAGES } from '../../workflows/contract.ts';
import { BASE, FakeWorld, Gate, violation } from '../support/fake-world.ts';
import { replayedAfterwards } from '../support/workflow-environment.ts';

/** Answers in turn; the last one answers for ever. */
function inTurn<I, O>(...answers: ((input: I) => Promise<O>)[]): (input: I) => Promise<O> {
  let call = 0;
  return (input) => {
    const answer = answers[Math.min(call, answers.length - 1)];
    call += 1;
    if (!answer) throw new Error('No answers were given.');
    return answer(input);
  };
}

replayedAfterwards('a stage', (engine) => {
  it('that finds another fence is ordered anew', async () => {
    const world = new FakeWorld(randomUUID());
    const { orderStage } = world.orchestrator;
    const { applyStage } = world.enactor;
    let orders = 0;
    world.orchestrator.orderStage = async (input) => {
      orders += 1;
      await orderStage(input);
      return { status: 'ordered', intentIndex: world.log.push(`intent ${input.stage}`) - 1 };
    };
    world.enactor.applyStage = inTurn(async () => ({ result: 'stale-fence', live: '7' }), applyStage);
    const change = await (await engine().start(world)).approved();
    expect((await change.result()).status).toBe('committed');
    expect(orders).toBe(world.summary.stages.length + 1);
    expect((await change.status()).undo).toHaveLength(world.summary.stages.length);
  });

  it.each(['10%', '100%'])('%s that the enactor refuses leads back to the base', async (refusedStage) => {
    const world = new FakeWorld(randomUUID());
    const { applyStage } = world.enactor;
    const reason = violation('BUNDLE_INCOMPLETE', 'a vote is missing');
    world.enactor.applyStage = async (effect) =>
      world.log[effect.intentIndex] === `intent ${refusedStage}`
        ? { result: 'refused', violations: [reason] }
        : applyStage(effect);
    const change = await (await engine().start(world)).approved();
    expect(await change.result()).toEqual({ status: 'rolled-back', violations: [reason] });
    expect(world.live).toBe(BASE);
    expect(world.log.slice(-2)).toEqual(['rolled back', 'end rolled-back']);
  });

  it('that the log refuses to order, before anything is live, is a rejection', async () => {
    const world = new FakeWorld(randomUUID());
    world.orchestrator.orderStage = async () => {
      throw new DomainError('STALE_BASE', 'not the current plan');
    };
    const change = await (await engine().start(world)).approved();
    const { status, violations } = await change.result();
    expect(status).toBe('rejected');
    expect(violations).toMatchObject([{ code: 'STALE_BASE', message: 'not the current plan' }]);
  });

  it('that fails is rolled back', async () => {
    const world = new FakeWorld(randomUUID());
    world.analysis.judgeStage = async ({ stage }) => world.judged(stage, stage === '100%' ? 'fail' : 'pass');
    const change = await (await engine().start(world)).approved();
    const { status, violations } = await change.result();
    expect(status).toBe('rolled-back');
    expect(violations).toMatchObject([{ code: 'CANARY_REGRESSED' }]);
    expect(world.live).toBe(BASE);
    expect(world.log.slice(-3)).toEqual(['verdict 100% fail', 'rolled back', 'end rolled-back']);
    expect((await change.status()).stages.map(({ state }) => state)).toEqual(['passed', 'failed', 'pending']);
  });

  it('that is inconclusive holds, pages, and is watched again when somebody says so', async () => {
    const world = new FakeWorld(randomUUID());
    const verdict =
      (it: Verdict) =>
      async ({ stage }: { stage: string }) =>
        world.judged(stage, it);
    world.analysis.judgeStage = inTurn(verdict('inconclusive'), verdict('pass'));
    const change = await (await engine().start(world)).approved();
    const { held, stages } = await change.until((status) => status.held !== null);
    expect(held?.why).toContain('10% is inconclusive: inconclusive in a test');
    expect(stages[0]?.state).toBe('inconclusive');
    await engine().environment.sleep('2 hours');
    expect(world.pages).toHaveLength(1);
    expect(world.log.at(-1)).toBe('verdict 10% inconclusive');
    await change.command('continue');
    expect((await change.result()).status).toBe('committed');
    expect((await change.status()).held).toBeNull();
  });

  it('that is inconclusive can be aborted', async () => {
    const world = new FakeWorld(randomUUID());
    world.analysis.judgeStage = async ({ stage }) => world.judged(stage, 'inconclusive');
    const change = await (await engine().start(world)).approved();
    await change.until((status) => status.held !== null);
    await change.command('abort');
    expect((await change.result()).status).toBe('rolled-back');
    expect(world.live).toBe(BASE);
  });

  it.each([
    ['RESERVED', 'the change that holds these records'],
    ['FROZEN', 'an operator: resume automation'],
  ] as const)('waits while it is %s, and goes on by itself', async (code, who) => {
    const world = new FakeWorld(randomUUID());
    const { orderStage } = world.orchestrator;
    const wait = { status: 'wait', reason: 'not now' } as const;
    world.orchestrator.orderStage = async () =>
      code === 'FROZEN' ? { ...wait, code, sentBackBy: null } : { ...wait, code };
    const change = await (await engine().start(world)).approved();
    expect((await change.untilWaitingFor('not now')).waitingFor).toEqual({ what: 'not now', who });
    await engine().environment.sleep('10 seconds');
    expect(world.live).toBe(BASE);
    world.orchestrator.orderStage = orderStage;
    expect((await change.result()).status).toBe('committed');
  });
});

replayedAfterwards('a freeze', (engine) => {
  const FROZEN = { reason: 'it is frozen', sentBackBy: null };
  const BACK = { ...FROZEN, sentBackBy: { by: 'carol', reason: 'incident 812' } };

  it.each(['applyStage', 'commit'] as const)(
    'that the enactor meets at %s holds the change until it ends',
    async (step) => {
      const world = new FakeWorld(randomUUID());
      const { applyStage, commit } = world.enactor;
      if (step === 'commit') world.enactor.commit = async () => ({ result: 'frozen', ...FROZEN });
      else world.enactor.applyStage = async () => ({ result: 'frozen', ...FROZEN });
      const change = await (await engine().start(world)).approved();
      const { waitingFor } = await change.untilWaitingFor(FROZEN.reason);
      expect(waitingFor?.who).toBe('an operator: resume automation');
      await engine().environment.sleep('10 seconds');
      expect(world.log).not.toContain('committed');
      Object.assign(world.enactor, { applyStage, commit });
      expect((await change.result()).status).toBe('committed');
      expect((await change.status()).undo.map(({ input }) => input.stage)).toEqual(['final', '100%', '10%']);
    },
  );

  it('that sends back what waits for its commit ends it rolled back', async () => {
    const world = new FakeWorld(randomUUID());
    world.enactor.commit = async () => ({ result: 'frozen', ...BACK });
    const change = await (await engine().start(world)).approved();
    const { status, violations } = await change.result();
    expect(status).toBe('rolled-back');
    expect(violations).toMatchObject([{ message: 'Aborted by carol: incident 812' }]);
    expect(world.live).toBe(BASE);
  });

  it('that sends back leaves a change waiting of which nothing can be live', async () => {
    const world = new FakeWorld(randomUUID());
    const { orderStage } = world.orchestrator;
    world.orchestrator.orderStage = async () => ({ status: 'wait', code: 'FROZEN', ...BACK });
    const change = await (await engine().start(world)).approved();
    await change.untilWaitingFor(FROZEN.reason);
    world.orchestrator.orderStage = orderStage;
    expect((await change.result()).status).toBe('committed');
  });

  it('that is signalled is looked up in the log, and only then believed', async () => {
    const world = new FakeWorld(randomUUID());
    const gate = new Gate();
    let looked = 0;
    let sentBackBy: (typeof BACK)['sentBackBy'] | null = null;
    world.orchestrator.sentBack = async () => {
      looked += 1;
      return sentBackBy;
    };
    world.analysis.judgeStage = async ({ stage }) => {
      await gate.pass();
      return world.judged(stage, 'pass');
    };
    const change = await (await engine().start(world)).approved();
    await gate.reached;
    const { workflow } = engine().environment.client;
    const brake = () => workflow.getHandle(world.changeId).signal(MESSAGES.brake);
    await brake();
    await vi.waitUntil(() => looked === 1, { timeout: 10_000 });
    expect((await change.status()).stages[0]?.state).toBe('baking');
    sentBackBy = BACK.sentBackBy;
    await brake();
    expect((await change.result()).status).toBe('rolled-back');
  });
});

replayedAfterwards('the end of a rollout', (engine) => {
  it('that is not what the plan promised is rolled back', async () => {
    const world = new FakeWorld(randomUUID());
    const { verifyLive } = world.orchestrator;
    const reason = violation('VERIFY_MISMATCH', 'somebody else wrote');
    world.orchestrator.verifyLive = async (input) =>
      input.expect === 'after' ? { violations: [reason] } : verifyLive(input);
    const change = await (await engine().start(world)).approved();
    expect(await change.result()).toEqual({ status: 'rolled-back', violations: [reason] });
    expect(world.live).toBe(BASE);
  });

  it('whose commit is void is rolled back', async () => {
    const world = new FakeWorld(randomUUID());
    const reason = violation('STALE_BASE', 'a dependency is gone');
    world.enactor.commit = async () => ({ result: 'refused', violations: [reason] });
    const change = await (await engine().start(world)).approved();
    expect(await change.result()).toEqual({ status: 'rolled-back', violations: [reason] });
    expect(world.live).toBe(BASE);
  });
});

replayedAfterwards('a rollback', (engine) => {
  function failing(): FakeWorld {
    const world = new FakeWorld(randomUUID());
    world.analysis.judgeStage = async ({ stage }) => world.judged(stage, 'fail');
    return world;
  }

  it('that is stuck holds and pages until somebody has looked', async () => {
    const world = failing();
    const { rollBack } = world.enactor;
    const why = violation('ROLLBACK_INCOMPLETE', 'the records are not ours any more');
    world.enactor.rollBack = inTurn(async () => ({ result: 'stuck', violations: [why] }), rollBack);
    const change = await (await engine().start(world)).approved();
    const { held, phase } = await change.until((status) => status.held !== null);
    expect({ held, phase }).toEqual({ held: { why: why.message, next: why.remedy }, phase: 'rolling-back' });
    await engine().environment.sleep('1 day');
    expect(world.pages).toEqual([why.message]);
    expect((await change.command('abort')).accepted).toBe(false);
    await change.command('continue');
    expect((await change.result()).status).toBe('rolled-back');
    expect(world.live).toBe(BASE);
  });

  it('that is refused holds too: it is not given up', async () => {
    const world = failing();
    const { rollBack } = world.enactor;
    world.enactor.rollBack = inTurn(async () => {
      throw new DomainError('BUNDLE_INCOMPLETE', 'no such intent');
    }, rollBack);
    const change = await (await engine().start(world)).approved();
    await change.until((status) => status.held?.why === 'no such intent');
    await change.command('continue');
    expect((await change.result()).status).toBe('rolled-back');
  });

  it('that cannot be recorded is ordered again until it is', async () => {
    const world = failing();
    const { rollBack } = world.enactor;
    let calls = 0;
    world.enactor.rollBack = async (effect) => {
      calls += 1;
      if (calls > 3) return rollBack(effect);
      world.live = BASE;
      return { result: 'rolled-back', recorded: false, wasLive: true };
    };
    const change = await (await engine().start(world)).approved();
    expect((await change.result()).status).toBe('rolled-back');
    expect(world.log.slice(-2)).toEqual(['rolled back', 'end rolled-back']);
  });

  it('that did not restore production holds, and ends only when it reads as before', async () => {
    const world = failing();
    world.enactor.rollBack = async () => ({ result: 'rolled-back', recorded: true, wasLive: true });
    const change = await (await engine().start(world)).approved();
    await change.until((status) => status.held?.why.includes('production is not as before') ?? false);
    await change.command('continue');
    await change.until((status) => status.held !== null);
    world.live = BASE;
    await change.command('continue');
    expect((await change.result()).status).toBe('rolled-back');
  });

  it('that the log does not believe holds instead of ending unseen', async () => {
    const world = failing();
    const { recordEnd } = world.orchestrator;
    world.orchestrator.recordEnd = inTurn(async () => {
      throw new DomainError('ROLLBACK_INCOMPLETE', 'intent 5 has no outcome');
    }, recordEnd);
    const change = await (await engine().start(world)).approved();
    await change.until((status) => status.held?.why.includes('intent 5 has no outcome') ?? false);
    await expect.poll(() => world.pages, { timeout: 10_000 }).toHaveLength(1);
    await change.command('continue');
    expect((await change.result()).status).toBe('rolled-back');
    expect(world.log.at(-1)).toBe('end rolled-back');
  });
});
