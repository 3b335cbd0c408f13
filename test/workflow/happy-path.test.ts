import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { MESSAGES } from '../../workflows/contract.ts';
import { AUTHOR, BASE, FakeWorld, Gate, violation } from '../support/fake-world.ts';
import { type ChangeUnderTest, inEachMode } from '../support/workflow-environment.ts';

/** Without the workflow tasks themselves: the test server, unlike the real one, writes those of a refusal too. */
async function eventsOf(change: ChangeUnderTest): Promise<number[]> {
  const { events } = await change.handle.fetchHistory();
  return (events ?? [])
    .filter((event) => !event.workflowTaskScheduledEventAttributes)
    .filter((event) => !event.workflowTaskStartedEventAttributes)
    .filter((event) => !event.workflowTaskCompletedEventAttributes)
    .map((event) => event.eventType ?? 0);
}

inEachMode('a change', (engine) => {
  it('goes through every phase in order and is committed', async () => {
    const world = new FakeWorld(randomUUID());
    const change = await (await engine().start(world)).approved();
    expect(await change.result()).toEqual({ status: 'committed', violations: [] });

    expect(world.live).toBe('final');
    expect(world.log.filter((entry) => !entry.includes('votes'))).toEqual([
      ...['request', 'plan', 'accepted approve of bob, nonce of bob'],
      ...['intent 10%', 'applied 10%', 'verdict 10% pass'],
      ...['intent 100%', 'applied 100%', 'verdict 100% pass'],
      ...['intent final', 'applied final', 'committed'],
    ]);
    const status = await change.status();
    expect(status.timeline.map(({ phase }) => phase)).toEqual([
      ...['submitted', 'schema', 'causal', 'plan', 'quorum', 'approval'],
      ...['stages', 'verify', 'commit', 'committed'],
    ]);
    expect(status).toMatchObject({ phase: 'committed', held: null, waitingFor: null, author: AUTHOR });
    expect(status.stages.map(({ state }) => state)).toEqual(['passed', 'passed', 'passed']);
    expect(world.pages).toEqual([]);
  });

  it('says at each wait what it waits for and who can unblock it', async () => {
    const world = new FakeWorld(randomUUID());
    const bake = new Gate();
    world.analysis.judgeStage = async ({ stage }) => {
      await bake.pass();
      return world.judged(stage, 'pass');
    };
    const change = await engine().start(world);

    const waiting = await change.untilWaitingFor('approval');
    expect(waiting.waitingFor).toEqual({ what: '1 more approval', who: 'bob (payments), cyd (payments)' });
    expect(waiting.votes.filter(({ decision }) => decision === 'yes').length).toBeGreaterThanOrEqual(2);
    expect(waiting).toMatchObject({ phase: 'approval', planDigest: world.planDigest, approvalsNeeded: 1 });

    await change.decide({ approver: 'bob' });
    await bake.reached;
    const baking = await change.status();
    expect(baking).toMatchObject({ phase: 'stages', approvals: [{ approver: 'bob', decision: 'approve' }] });
    expect(baking.stages[0]).toMatchObject({
      name: '10%',
      state: 'baking',
      intentIndex: world.log.indexOf('intent 10%'),
    });
    expect(Date.parse(baking.stages[0]?.bakeEndsAt ?? '')).toBeGreaterThan(0);
    expect(baking.stages[1]).toMatchObject({ state: 'pending' });
    bake.open();
    expect((await change.result()).status).toBe('committed');
  });

  it('registers the undo of a stage before the stage is applied', async () => {
    const world = new FakeWorld(randomUUID());
    const { applyStage } = world.enactor;
    const gate = new Gate();
    world.enactor.applyStage = async (effect) => {
      await gate.pass();
      return applyStage(effect);
    };
    const change = await (await engine().start(world)).approved();
    await gate.reached;
    expect(world.live).toBe(BASE);
    const intentIndex = world.log.indexOf('intent 10%');
    expect((await change.status()).undo).toEqual([
      { activity: 'rollBack', input: { changeId: world.changeId, stage: '10%', intentIndex } },
    ]);
    gate.open();
    expect((await change.result()).status).toBe('committed');
    expect((await change.status()).undo.map(({ input }) => input.stage)).toEqual(['final', '100%', '10%']);
  });

  it('can be found by phase, author, environment, risk and resource', async () => {
    const world = new FakeWorld(randomUUID());
    const change = await (await engine().start(world)).approved();
    await change.result();
    const { searchAttributes } = await change.handle.describe();
    expect(searchAttributes).toEqual({
      ChangeId: [world.changeId],
      ChangePhase: ['committed'],
      ChangeAuthor: [AUTHOR],
      ChangeEnvironment: ['prod'],
      ChangeRisk: ['standard'],
      ChangeResources: ['dns/example.com/api/A'],
    });
  });

  it('that is not well formed is rejected before anything else is looked at', async () => {
    const world = new FakeWorld(randomUUID());
    const found = violation('SCHEMA_INVALID', 'unknown field');
    world.orchestrator.checkSchema = async () => ({
      violations: [found],
      author: '',
      reason: '',
      resources: [],
      ordered: { abort: null, pause: null },
      underway: null,
    });
    const change = await engine().start(world);
    expect(await change.result()).toEqual({ status: 'rejected', violations: [found] });
    expect(world.log).toEqual(['request', 'end rejected']);
  });

  it('whose author has submitted too many waits for its turn, says so, pages nobody, and may be aborted', async () => {
    const worlds = [new FakeWorld(randomUUID()), new FakeWorld(randomUUID())] as const;
    for (const world of worlds) {
      const { checkSchema } = world.orchestrator;
      world.orchestrator.checkSchema = async (input) => ({ ...(await checkSchema(input)), waitMs: 90_000 });
    }
    const [change, aborted] = [await engine().start(worlds[0]), await engine().start(worlds[1])];
    for (const one of [change, aborted]) {
      const { phase, waitingFor, held } = await one.until((status) => status.waitingFor !== null);
      expect({ phase, waitingFor, held }).toEqual({
        phase: 'schema',
        waitingFor: {
          what: `its turn: ${AUTHOR} has submitted more than may begin at once`,
          who: 'itself, in 90 s at most',
        },
        held: null,
      });
    }
    await aborted.command('abort');
    expect((await aborted.result()).status).toBe('aborted');
    await engine().environment.sleep('90 seconds');
    await change.approved();
    expect((await change.result()).status).toBe('committed');
    expect(worlds.flatMap(({ pages }) => pages)).toEqual([]);
  });

  it('gets the violations of causality and plan in one answer', async () => {
    const world = new FakeWorld(randomUUID());
    const stale = violation('STALE_BASE', 'the base has moved');
    const empty = violation('INVARIANT_VIOLATED', 'the set would be empty');
    const refusedBefore: boolean[] = [];
    world.orchestrator.checkCausality = async () => ({ ahead: [], violations: [stale] });
    world.orchestrator.makePlan = async ({ refused }) => {
      refusedBefore.push(refused);
      return { violations: [empty], summary: null };
    };
    const change = await engine().start(world);
    expect(await change.result()).toEqual({ status: 'rejected', violations: [stale, empty] });
    expect(refusedBefore).toEqual([true]);
    expect(world.log).toEqual(['request', 'end rejected']);
  });

  it('refuses malformed updates without a trace in its history, and ignores malformed signals', async () => {
    const world = new FakeWorld(randomUUID());
    const change = await engine().start(world);
    await change.untilWaitingFor('approval');
    const before = await eventsOf(change);
    const update = (name: string, message: unknown) => change.handle.executeUpdate(name, { args: [message] });
    const refused = expect.objectContaining({ cause: expect.objectContaining({ type: 'SCHEMA_INVALID' }) });
    const signatures = [{ keyid: 'k', sig: 's' }];
    for (const approval of [
      undefined,
      { payload: 1, payloadType: 'test', signatures },
      { payload: 'p', payloadType: 'test', signatures: 'none' },
      { payload: 'p', payloadType: 'test', signatures: [] },
      { payload: 'p', payloadType: 'test', signatures: [null] },
      { payload: 'p', payloadType: 'test', signatures: [{ keyid: 'k', sig: 's'.repeat(20_000) }] },
      { payload: 'p'.repeat(20_000), payloadType: 'test', signatures },
    ]) {
      await expect(update(MESSAGES.decide, { approval })).rejects.toEqual(refused);
    }
    const approval = { payload: 'p', payloadType: 'test', signatures };
    for (const beside of [
      { mfa: { ...approval, signatures: 'none' } },
      { mfa: { ...approval, payload: 'p'.repeat(20_000) } },
      { more: 'than anybody asked for '.repeat(1_000) },
      { more: 'ü' },
    ]) {
      await expect(update(MESSAGES.decide, { approval, ...beside })).rejects.toEqual(refused);
    }
    for (const message of [
      undefined,
      { action: 'abort', by: 'a', reason: 'unsigned' },
      { command: { payload: 'p', payloadType: 'test', signatures: [] } },
    ]) {
      await expect(update(MESSAGES.command, message)).rejects.toEqual(refused);
    }
    expect(await eventsOf(change)).toEqual(before);
    await change.handle.signal(MESSAGES.decide, undefined);
    await change.handle.signal(MESSAGES.command, { action: 'explode' });
    await change.decide({ approver: 'bob' });
    expect((await change.result()).status).toBe('committed');
  });

  it('that is over answers a repeated decision as before, and refuses a new one', async () => {
    const world = new FakeWorld(randomUUID());
    const change = await (await engine().start(world)).approved();
    await change.result();
    await expect(change.decide({ approver: 'cyd' })).rejects.toThrow(/completed|not found/i);
    expect(world.log.at(-1)).toBe('committed');
  });
});
