import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { DomainError } from '../../domain/errors.ts';
import {
  type CommandAnswer,
  type CommandMessage,
  type DecideAnswer,
  type DecideMessage,
  MESSAGES,
  VOTER_ZONES,
} from '../../workflows/contract.ts';
import { BASE, decisionOf, FakeWorld, Gate, orderOf } from '../support/fake-world.ts';
import { replayedAfterwards } from '../support/workflow-environment.ts';

/**
 * An activity that first waits at a gate. Not one of the orchestrator's: those run inside the workflow's own task,
 * which takes no message meanwhile.
 */
function gated<I, O>(
  gate: Gate,
  activity: (input: I) => Promise<O>,
  when: (input: I) => boolean = () => true,
) {
  return async (input: I): Promise<O> => {
    if (when(input)) await gate.pass();
    return activity(input);
  };
}

function stageOf(world: FakeWorld, intentIndex: number): string | undefined {
  return world.log[intentIndex]?.replace('intent ', '');
}

/** Keeps the change going until the cancelled activity knows of it, because the server skips no time before. */
function rollBackAfter(world: FakeWorld, gate: Gate): void {
  const { rollBack } = world.enactor;
  world.enactor.rollBack = async (effect) => {
    await gate.left;
    return rollBack(effect);
  };
}

const FORWARD = /^(intent|applied|committed)/;

replayedAfterwards('a person', (engine) => {
  it('who aborts what was just submitted ends it before anything is looked at', async () => {
    const world = new FakeWorld(randomUUID());
    const abort: CommandMessage = orderOf({ action: 'abort' });
    const change = await engine().start(world, abort);
    const { status, violations } = await change.result();
    expect(status).toBe('aborted');
    expect(violations).toMatchObject([{ code: 'ABORTED', message: 'Aborted by olga: a test' }]);
    expect(world.log).toEqual(['request', expect.stringContaining('ruling'), 'end aborted']);
  });

  it('who aborts during the quorum ends it without waiting for the votes', async () => {
    const world = new FakeWorld(randomUUID());
    const gate = new Gate();
    for (const zone of VOTER_ZONES) world.voters[zone] = { vote: gated(gate, world.voter(zone, 'yes').vote) };
    const change = await engine().start(world);
    await gate.reached;
    await change.command('abort');
    expect((await change.result()).status).toBe('aborted');
  });

  it('who aborts together with the last approval has nothing applied', async () => {
    const world = new FakeWorld(randomUUID());
    const gate = new Gate();
    for (const zone of VOTER_ZONES) world.voters[zone] = { vote: gated(gate, world.voter(zone, 'yes').vote) };
    const change = await engine().start(world);
    await gate.reached;
    await change.handle.signal(MESSAGES.decide, decisionOf({ approver: 'bob' }));
    await change.command('pause');
    gate.open();
    await change.untilWaitingFor('paused');
    await change.command('abort');
    expect((await change.result()).status).toBe('aborted');
    expect(world.log.filter((entry) => FORWARD.test(entry))).toEqual([]);
  });

  it('who aborts while approvals are awaited ends it at once', async () => {
    const change = await engine().start(new FakeWorld(randomUUID()));
    await change.untilWaitingFor('approval');
    await change.command('abort');
    expect((await change.result()).status).toBe('aborted');
  });

  it('who aborts a bake has it cancelled and production restored', async () => {
    const world = new FakeWorld(randomUUID());
    const bake = new Gate();
    const back = new Gate();
    world.analysis.judgeStage = gated(bake, world.analysis.judgeStage);
    world.enactor.rollBack = gated(back, world.enactor.rollBack);
    const change = await (await engine().start(world)).approved();
    await bake.reached;
    expect(world.live).toBe('10%');
    await change.command('abort');
    await bake.left;
    expect(await change.command('abort')).toMatchObject({ accepted: false, phase: 'rolling-back' });
    expect(await change.command('pause')).toMatchObject({ accepted: false, phase: 'rolling-back' });
    back.open();
    expect((await change.result()).status).toBe('rolled-back');
    expect(world.live).toBe(BASE);
    expect(world.log.slice(-2)).toEqual(['rolled back', 'end rolled-back']);
    expect((await change.status()).undo).toEqual([]);
  });

  it.each(['10%', 'final'])(
    'who aborts while %s is being applied has it applied, then undone',
    async (stage) => {
      const world = new FakeWorld(randomUUID());
      const gate = new Gate();
      const { applyStage } = world.enactor;
      world.enactor.applyStage = gated(gate, applyStage, (it) => stageOf(world, it.intentIndex) === stage);
      const change = await (await engine().start(world)).approved();
      await gate.reached;
      await change.command('abort');
      gate.open();
      expect((await change.result()).status).toBe('rolled-back');
      expect(world.log).toContain(`applied ${stage}`);
      expect(world.log).not.toContain('committed');
      expect(world.live).toBe(BASE);
    },
  );

  it('who aborts after the last stage, verified and paused, has it rolled back', async () => {
    const world = new FakeWorld(randomUUID());
    const gate = new Gate();
    const { applyStage } = world.enactor;
    world.enactor.applyStage = gated(gate, applyStage, (it) => stageOf(world, it.intentIndex) === 'final');
    const change = await (await engine().start(world)).approved();
    await gate.reached;
    await change.command('pause');
    gate.open();
    expect((await change.untilWaitingFor('paused')).phase).toBe('verify');
    expect(world.live).toBe('final');
    await change.command('abort');
    expect((await change.result()).status).toBe('rolled-back');
    expect(world.live).toBe(BASE);
    expect(world.log).not.toContain('committed');
  });

  it('who aborts while the commit is on its way is told that its answer decides', async () => {
    const world = new FakeWorld(randomUUID());
    const gate = new Gate();
    world.enactor.commit = gated(gate, world.enactor.commit);
    const change = await (await engine().start(world)).approved();
    await gate.reached;
    expect((await change.command('abort')).reason).toContain('only if that is refused');
    expect((await change.command('pause')).accepted).toBe(false);
    gate.open();
    expect((await change.result()).status).toBe('committed');
    expect(world.live).toBe('final');
  });

  it('cannot abort what is ending already', async () => {
    const world = new FakeWorld(randomUUID());
    const { recordEnd } = world.orchestrator;
    world.orchestrator.recordEnd = async () => {
      throw new DomainError('STORE_UNAVAILABLE', 'the log is down');
    };
    const change = await engine().start(world);
    await change.untilWaitingFor('approval');
    await change.decide({ approver: 'cyd', decision: 'reject' });
    await change.until(({ held }) => held !== null);
    expect(await change.command('abort')).toMatchObject({
      accepted: false,
      reason: 'It is ending already: rejected.',
    });
    world.orchestrator.recordEnd = recordEnd;
    expect((await change.result()).status).toBe('rejected');
  });

  const pauses: Record<string, [(world: FakeWorld, gate: Gate) => void, string]> = {
    'the quorum': [
      (world, gate) => {
        for (const zone of VOTER_ZONES)
          world.voters[zone] = { vote: gated(gate, world.voter(zone, 'yes').vote) };
      },
      'plan',
    ],
    'the first bake': [
      (world, gate) => {
        world.analysis.judgeStage = gated(gate, world.analysis.judgeStage);
      },
      'applied 10%',
    ],
    'the last bake': [
      (world, gate) => {
        world.analysis.judgeStage = gated(gate, world.analysis.judgeStage, ({ stage }) => stage === '100%');
      },
      'applied 100%',
    ],
    'the last stage': [
      (world, gate) => {
        const { applyStage } = world.enactor;
        world.enactor.applyStage = gated(
          gate,
          applyStage,
          (it) => stageOf(world, it.intentIndex) === 'final',
        );
      },
      'applied final',
    ],
  };
  it.each(Object.entries(pauses))(
    'who pauses during %s holds it before the next step',
    async (_, [stop, last]) => {
      const world = new FakeWorld(randomUUID());
      const gate = new Gate();
      stop(world, gate);
      const change = await engine().start(world);
      const approving = change.approved();
      await gate.reached;
      expect((await change.command('pause')).accepted).toBe(true);
      gate.open();
      await change.untilWaitingFor('paused by olga');
      await engine().environment.sleep('1 hour');
      const paused = await change.status();
      expect(paused.waitingFor).toEqual({ what: 'paused by olga: a test', who: 'anyone: continue or abort' });
      expect(world.log.findLast((entry) => FORWARD.test(entry)) ?? 'plan').toBe(last);
      await change.command('continue');
      await approving;
      expect((await change.result()).status).toBe('committed');
    },
  );

  it('who pauses before the approval may still be overruled by a rejection', async () => {
    const world = new FakeWorld(randomUUID());
    world.summary = { ...world.summary, approvalsNeeded: 1 };
    const change = await engine().start(world);
    await change.untilWaitingFor('approval');
    await change.command('pause');
    expect((await change.decide({ approver: 'bob' })).accepted).toBe(true);
    await change.untilWaitingFor('paused by olga');
    expect((await change.decide({ approver: 'cyd', decision: 'reject' })).accepted).toBe(true);
    expect((await change.result()).status).toBe('rejected');
    expect(world.log.filter((entry) => FORWARD.test(entry))).toEqual([]);
  });

  it('who aborts a paused change has it rolled back', async () => {
    const world = new FakeWorld(randomUUID());
    const bake = new Gate();
    world.analysis.judgeStage = gated(bake, world.analysis.judgeStage);
    const change = await (await engine().start(world)).approved();
    await bake.reached;
    await change.command('pause');
    bake.open();
    await change.untilWaitingFor('paused');
    await change.command('abort');
    expect((await change.result()).status).toBe('rolled-back');
    expect(world.live).toBe(BASE);
  });

  it('may steer by signal as well', async () => {
    const change = await engine().start(new FakeWorld(randomUUID()));
    await change.untilWaitingFor('approval');
    await change.handle.signal(MESSAGES.command, orderOf({ action: 'abort', reason: 'by signal' }));
    expect((await change.result()).status).toBe('aborted');
  });
});

replayedAfterwards('a command', (engine) => {
  it("that is not its sender's to give does nothing, by update and by signal", async () => {
    const change = await engine().start(new FakeWorld(randomUUID()));
    await change.untilWaitingFor('approval');
    const theirs = orderOf({ action: 'abort', refused: true });
    await change.handle.signal(MESSAGES.command, theirs);
    const answer = await change.handle.executeUpdate<CommandAnswer, [CommandMessage]>(MESSAGES.command, {
      args: [theirs],
    });
    expect(answer).toMatchObject({ accepted: false, violations: [{ code: 'NOT_PERMITTED' }] });
    await change.decide({ approver: 'bob' });
    expect((await change.result()).status).toBe('committed');
  });

  it('that comes again, after what undid it, is not followed twice', async () => {
    const change = await engine().start(new FakeWorld(randomUUID()));
    await change.untilWaitingFor('approval');
    const pause = orderOf({ action: 'pause' });
    await change.handle.signal(MESSAGES.command, pause);
    await change.untilWaitingFor('has paused it');
    await change.command('continue');
    const again = await change.handle.executeUpdate<CommandAnswer, [CommandMessage]>(MESSAGES.command, {
      args: [pause],
    });
    expect(again).toMatchObject({ accepted: true, reason: 'It was followed already.' });
    await change.decide({ approver: 'bob' });
    expect((await change.result()).status).toBe('committed');
  });

  it('that the log cannot take stops the change at once, and is recorded with its end', async () => {
    const world = new FakeWorld(randomUUID());
    const { admitCommand, recordEnd } = world.orchestrator;
    const ruling = { payload: 'the ruling', payloadType: 'test', signatures: [] };
    world.orchestrator.admitCommand = async (input) => {
      const admitted = await admitCommand(input);
      return admitted.accepted ? { ...admitted, unrecorded: ruling } : admitted;
    };
    world.orchestrator.recordEnd = async (input) => {
      for (const { payload } of input.unrecorded) world.record(payload);
      return recordEnd(input);
    };
    const change = await engine().start(world);
    await change.untilWaitingFor('approval');
    await change.command('abort');
    expect((await change.result()).status).toBe('aborted');
    expect(world.log).toContain('the ruling');
  });
});

replayedAfterwards("Temporal's own cancel", (engine) => {
  it('before the stages is an abort, and answers who waits', async () => {
    const world = new FakeWorld(randomUUID());
    const gate = new Gate();
    for (const zone of VOTER_ZONES) world.voters[zone] = { vote: gated(gate, world.voter(zone, 'yes').vote) };
    const change = await engine().start(world);
    await gate.reached;
    const update = await change.handle.startUpdate<DecideAnswer, [DecideMessage]>(MESSAGES.decide, {
      args: [decisionOf({ approver: 'bob' })],
      waitForStage: 'ACCEPTED',
    });
    await change.handle.cancel();
    expect(await update.result()).toMatchObject({ accepted: false, reasons: [{ code: 'ALREADY_ENDED' }] });
    expect((await change.result()).status).toBe('aborted');
  });

  it('during a bake rolls production back', async () => {
    const world = new FakeWorld(randomUUID());
    const bake = new Gate();
    world.analysis.judgeStage = gated(bake, world.analysis.judgeStage);
    rollBackAfter(world, bake);
    const change = await (await engine().start(world)).approved();
    await bake.reached;
    await change.handle.cancel();
    const { status, violations } = await change.result();
    expect(status).toBe('rolled-back');
    expect(violations).toMatchObject([{ code: 'ABORTED', message: expect.stringContaining('Temporal') }]);
    expect(world.live).toBe(BASE);
  });
});
