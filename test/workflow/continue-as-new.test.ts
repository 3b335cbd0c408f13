import { randomUUID } from 'node:crypto';
import { TestWorkflowEnvironment } from '@temporalio/testing';
import { expect, inject, it } from 'vitest';
import { DomainError } from '../../domain/errors.ts';
import {
  type ChangeStatus,
  type DecideAnswer,
  type DecideMessage,
  MESSAGES,
  STATUS_QUERY,
  VOTER_ZONES,
} from '../../workflows/contract.ts';
import { BASE, decisionOf, FakeWorld, Gate, orderOf } from '../support/fake-world.ts';
import { type ChangeUnderTest, type Engine, replayedAfterwards } from '../support/workflow-environment.ts';

/** Above the limit of the workflow's history, so that a change that gets them has to begin a new one. */
const FLOOD = 640;
const AT_ONCE = 80;

/** Commands that change nothing: a pause of what is paused already. */
async function flood(change: ChangeUnderTest, count = FLOOD): Promise<void> {
  const message = orderOf({ action: 'pause', reason: 'a flood', nonce: 'again and again' });
  for (let sent = 0; sent < count; sent += AT_ONCE) {
    await Promise.all(Array.from({ length: AT_ONCE }, () => change.handle.signal(MESSAGES.command, message)));
  }
}

/** A status can be asked for in the middle of a workflow task; one that is then done again reads a later clock. */
function withoutTimes({ timeline, approvals, ...status }: ChangeStatus) {
  return {
    ...status,
    timeline: timeline.map(({ phase }) => phase),
    approvals: approvals.map(({ at: _, ...approval }) => approval),
  };
}

/** Every vote of the first round stands at the gate that is answered. */
function firstVotesAtGate(world: FakeWorld): Gate {
  const votes = new Gate();
  for (const zone of VOTER_ZONES) {
    const { vote } = world.voter(zone, 'yes');
    world.voters[zone] = {
      vote: async (input) => {
        if (input.round === 1) await votes.pass();
        return vote(input);
      },
    };
  }
  return votes;
}

async function runIdOf(change: ChangeUnderTest): Promise<string> {
  return (await change.handle.describe()).runId;
}

/** The server that skips time loses queries and updates of a run that continues as new meanwhile. */
function openRealServer(): Promise<TestWorkflowEnvironment> {
  return TestWorkflowEnvironment.createFromExistingServer({ address: inject('stack').temporal.address });
}

function tests(engine: () => Engine): void {
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
    expect(withoutTimes(after)).toEqual(withoutTimes(before));
    await change.decide({ approver: 'cyd' });
    expect((await change.result()).status).toBe('committed');
  });

  it('while a decision waits for the quorum has it answered before the new history', async () => {
    const world = new FakeWorld(randomUUID());
    const votes = firstVotesAtGate(world);
    const change = await engine().start(world);
    await votes.reached;
    const firstRun = await runIdOf(change);
    const update = await change.handle.startUpdate<DecideAnswer, [DecideMessage]>(MESSAGES.decide, {
      args: [decisionOf({ approver: 'bob' })],
      waitForStage: 'ACCEPTED',
    });
    await flood(change);
    expect((await update.result()).accepted).toBe(true);
    await change.untilWaitingFor('paused');
    await change.command('continue');
    expect((await change.result()).status).toBe('committed');
    expect(await runIdOf(change)).not.toBe(firstRun);
    const accepted = world.log.indexOf('accepted approve of bob, nonce of bob');
    expect(accepted).toBeLessThan(world.log.findIndex((entry) => entry.includes('votes yes in round 2')));
  });

  it('while a decision is refused for good does not fail the run: the phase ends the change', async () => {
    const world = new FakeWorld(randomUUID());
    const votes = firstVotesAtGate(world);
    world.orchestrator.admitApprovals = () =>
      Promise.reject(new DomainError('NOT_FOUND', 'The body of its plan is gone.'));
    const change = await engine().start(world);
    await votes.reached;
    await change.handle.startUpdate<DecideAnswer, [DecideMessage]>(MESSAGES.decide, {
      args: [decisionOf({ approver: 'bob' })],
      waitForStage: 'ACCEPTED',
    });
    await flood(change);
    await change.untilWaitingFor('paused');
    await change.command('continue');
    expect(await change.result()).toMatchObject({ status: 'rejected', violations: [{ code: 'NOT_FOUND' }] });
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
    expect((await change.result()).status).toBe('committed');
    expect(world.log.filter((entry) => entry === 'applied 10%')).toHaveLength(1);
  });

  it('of identical decisions is judged once', async () => {
    const world = new FakeWorld(randomUUID());
    const gate = new Gate();
    const batches: number[] = [];
    const { admitApprovals } = world.orchestrator;
    world.orchestrator.admitApprovals = async (input) => {
      batches.push(input.decisions.length);
      if (input.decisions.length > 0) await gate.pass();
      return admitApprovals(input);
    };
    const change = await engine().start(world);
    await change.untilWaitingFor('approval');
    const refused = (nonce: number) => decisionOf({ approver: 'cyd', expired: true, nonce: `${nonce}` });
    await change.handle.signal(MESSAGES.decide, refused(0));
    await gate.reached;
    await Promise.all(
      Array.from({ length: 90 }, (_, sender) => change.handle.signal(MESSAGES.decide, refused(sender % 3))),
    );
    gate.open();
    await change.decide({ approver: 'bob' });
    expect((await change.result()).status).toBe('committed');
    expect(world.log.filter((entry) => entry.startsWith('refused'))).toHaveLength(3);
    expect(Math.max(...batches)).toBeLessThanOrEqual(4);
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
}

replayedAfterwards('a flood of signals', tests, openRealServer);
