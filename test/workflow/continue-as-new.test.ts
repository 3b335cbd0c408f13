import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { MESSAGES, STATUS_QUERY } from '../../workflows/contract.ts';
import { BASE, decisionOf, FakeWorld, Gate } from '../support/fake-world.ts';
import { type ChangeUnderTest, inEachMode } from '../support/workflow-environment.ts';

/** Above the limit of the workflow's history, so that a change that gets them has to begin a new one. */
const FLOOD = 2_100;
const AT_ONCE = 150;

/** Commands that change nothing: a pause of what is paused already. */
async function flood(change: ChangeUnderTest, count = FLOOD): Promise<void> {
  const message = { action: 'pause', by: 'olga', reason: 'a flood' };
  for (let sent = 0; sent < count; sent += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => change.handle.signal(MESSAGES.command, message)));
  }
}

async function runIdOf(change: ChangeUnderTest): Promise<string> {
  return (await change.handle.describe()).runId;
}

inEachMode('a flood of signals', (engine) => {
  it('while approvals are awaited starts a new history and loses nothing', async () => {
    const world = new FakeWorld(randomUUID());
    world.summary = { ...world.summary, approvalsNeeded: 2 };
    const change = await engine().start(world);
    await change.untilWaitingFor('2 more');
    await change.decide({ approver: 'bob' });
    await change.untilWaitingFor('1 more');
    const before = await change.status();
    const firstRun = await runIdOf(change);
    await flood(change);
    await change.command('continue');
    const after = await change.untilWaitingFor('1 more');
    expect(await runIdOf(change)).not.toBe(firstRun);
    expect(after).toEqual(before);
    await change.decide({ approver: 'cyd' });
    expect((await change.result()).status).toBe('committed');
  });

  it('over whose new history an update is in flight has it answered', async () => {
    const world = new FakeWorld(randomUUID());
    const gate = new Gate();
    const { admitApprovals } = world.orchestrator;
    world.orchestrator.admitApprovals = async (input) => {
      if (input.approvals.length > 0) await gate.pass();
      return admitApprovals(input);
    };
    const change = await engine().start(world);
    await change.untilWaitingFor('approval');
    const firstRun = await runIdOf(change);
    const first = change.decide({ approver: 'cyd', expired: true });
    await gate.reached;
    await flood(change);
    const second = change.decide({ approver: 'bob' });
    gate.open();
    expect((await first).reasons).toMatchObject([{ code: 'APPROVAL_EXPIRED' }]);
    expect((await second).accepted).toBe(true);
    await change.command('continue');
    expect((await change.result()).status).toBe('committed');
    expect(await runIdOf(change)).not.toBe(firstRun);
  });

  it('during a bake has that stage watched anew in a new history, still paused and with its way back', async () => {
    const world = new FakeWorld(randomUUID());
    const bake = new Gate();
    const again = new Gate();
    let watches = 0;
    world.analysis.judgeStage = async ({ stage }) => {
      watches += 1;
      await (watches === 1 ? bake : again).pass();
      return world.judged(stage, 'pass');
    };
    const change = await (await engine().start(world)).approved();
    await bake.reached;
    const firstRun = await runIdOf(change);
    const before = await change.status();
    await flood(change);
    await again.reached;
    expect(await runIdOf(change)).not.toBe(firstRun);
    const after = await change.status();
    expect(after).toMatchObject({ undo: before.undo, votes: before.votes, approvals: before.approvals });
    expect(after.stages[0]).toMatchObject({ state: 'baking', intentIndex: world.log.indexOf('intent 10%') });
    await bake.left;
    again.open();
    await change.untilWaitingFor('paused by olga');
    expect(world.live).toBe('10%');
    await change.command('continue');
    // Not by its result: the test server, whose time stands still now, may never tell it.
    await change.until(({ phase }) => phase === 'committed');
    expect(world.log.filter((entry) => entry === 'applied 10%')).toHaveLength(1);
  });

  it('of decisions is judged in batches, each identical one once', async () => {
    const world = new FakeWorld(randomUUID());
    const batches: number[] = [];
    const { admitApprovals } = world.orchestrator;
    world.orchestrator.admitApprovals = async (input) => {
      batches.push(input.approvals.length);
      return admitApprovals(input);
    };
    const change = await engine().start(world);
    await change.untilWaitingFor('approval');
    await Promise.all(
      Array.from({ length: 90 }, (_, sender) =>
        change.handle.signal(
          MESSAGES.decide,
          decisionOf({ approver: 'cyd', expired: true, nonce: `${sender % 3}` }),
        ),
      ),
    );
    await change.decide({ approver: 'bob' });
    expect((await change.result()).status).toBe('committed');
    expect(world.log.filter((entry) => entry.startsWith('refused'))).toHaveLength(3);
    expect(Math.max(...batches)).toBeLessThanOrEqual(50);
  });

  it('does not release a held stage', async () => {
    const world = new FakeWorld(randomUUID());
    world.analysis.judgeStage = async ({ stage }) => world.judged(stage, 'inconclusive');
    const change = await (await engine().start(world)).approved();
    await change.until((status) => status.held !== null);
    const firstRun = await runIdOf(change);
    await flood(change);
    await change.until(({ waitingFor }) => waitingFor !== null);
    expect(await runIdOf(change)).not.toBe(firstRun);
    const held = await change.handle.query<{ stages: { state: string }[] }>(STATUS_QUERY);
    expect(held.stages[0]?.state).toBe('inconclusive');
    expect(world.pages).toHaveLength(1);
    await change.command('abort');
    expect((await change.result()).status).toBe('rolled-back');
    expect(world.live).toBe(BASE);
  });
});
