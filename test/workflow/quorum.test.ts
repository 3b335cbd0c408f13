import { randomUUID } from 'node:crypto';
import { expect, it } from 'vitest';
import { DomainError } from '../../domain/errors.ts';
import { VOTER_ZONES } from '../../workflows/contract.ts';
import { BASE, FakeWorld, Gate } from '../support/fake-world.ts';
import { replayedAfterwards } from '../support/workflow-environment.ts';

const [ZONE_A, ZONE_B, ZONE_C] = VOTER_ZONES;
const broken = {
  vote: async () => {
    throw new DomainError('STORE_UNAVAILABLE', 'the zone is cut off');
  },
};

/** While the others are still at it: the test server does not bear that a vote crosses the word that it is not needed. */
function vetoWhileOthersVote(world: FakeWorld, vetoing: string): void {
  const others = VOTER_ZONES.filter((zone) => zone !== vetoing).map((zone) => ({ zone, gate: new Gate() }));
  for (const { zone, gate } of others) {
    const { vote } = world.voter(zone, 'yes');
    world.voters[zone] = {
      vote: async (input) => {
        await gate.pass();
        return vote(input);
      },
    };
  }
  const { vote } = world.voter(vetoing, 'veto');
  world.voters[vetoing] = {
    vote: async (input) => {
      await Promise.all(others.map(({ gate }) => gate.reached));
      return vote(input);
    },
  };
}

replayedAfterwards('the quorum', (engine) => {
  it('of two does not wait for a third zone that never answers', async () => {
    const world = new FakeWorld(randomUUID());
    world.summary = { ...world.summary, votesNeeded: 2 };
    const silent = new Gate();
    for (const zone of VOTER_ZONES) {
      const { vote } = world.voter(zone, 'yes');
      world.voters[zone] = {
        vote: async (input) => {
          await (zone === ZONE_C ? silent.pass() : silent.reached);
          return vote(input);
        },
      };
    }
    const change = await engine().start(world);
    const { votes } = await change.untilWaitingFor('approval');
    expect(votes.map(({ decision }) => decision)).toEqual(['yes', 'yes', 'not-needed']);
    // The gate was never opened: the change went on without it, and told it so.
    await silent.left;
    await change.approved();
    expect((await change.result()).status).toBe('committed');
  });

  it('is denied by one veto, without waiting for the others', async () => {
    const world = new FakeWorld(randomUUID());
    vetoWhileOthersVote(world, ZONE_C);
    world.summary = { ...world.summary, votesNeeded: 2 };
    const change = await engine().start(world);
    // Not by its result: two votes are under way when it ends, and the test server's time stands still from then on.
    const { violations } = await change.until(({ phase }) => phase === 'rejected');
    expect(violations.map(({ message }) => message).join()).toContain(`${ZONE_C} is frozen`);
    expect(world.log).toEqual(expect.arrayContaining([`${ZONE_C} votes veto in round 1`, 'end rejected']));
    expect(world.live).toBe(BASE);
  });

  it('that too few zones answer holds the change, pages once, and asks again by itself', async () => {
    const world = new FakeWorld(randomUUID());
    world.summary = { ...world.summary, votesNeeded: 2 };
    world.voters[ZONE_B] = broken;
    world.voters[ZONE_C] = broken;
    const change = await engine().start(world);
    const { held, phase } = await change.until((status) => status.held !== null);
    expect(phase).toBe('quorum');
    expect(held?.why).toContain('1 of 3 voters answered');
    // Several rounds, each in vain.
    await engine().environment.sleep('25 seconds');
    expect(world.pages).toHaveLength(1);
    expect(world.log.filter((entry) => entry.startsWith(ZONE_A)).length).toBeGreaterThan(2);

    world.voters[ZONE_C] = world.voter(ZONE_C, 'yes');
    await engine().environment.sleep('15 seconds');
    const granted = await change.untilWaitingFor('approval');
    expect(granted.held).toBeNull();
    await change.decide({ approver: 'bob' });
    expect((await change.result()).status).toBe('committed');
  });

  it('of three is needed for a critical change', async () => {
    const world = new FakeWorld(randomUUID());
    world.summary = {
      ...world.summary,
      ...{ approvalsNeeded: 2, risk: { score: 80, class: 'critical', reasons: [] } },
    };
    world.voters[ZONE_C] = broken;
    const change = await engine().start(world);
    await change.until(({ held }) => held !== null);
    world.voters[ZONE_C] = world.voter(ZONE_C, 'yes');
    await change.command('continue');
    await change.untilWaitingFor('2 more approvals');
    await change.decide({ approver: 'bob' });
    await change.untilWaitingFor('1 more approval');
    await change.decide({ approver: 'cyd' });
    expect((await change.result()).status).toBe('committed');
  });

  it('does not count what somebody else says in a voter’s place, not even a no', async () => {
    const world = new FakeWorld(randomUUID());
    vetoWhileOthersVote(world, ZONE_A);
    const { recordVotes } = world.orchestrator;
    world.orchestrator.recordVotes = async (input) => {
      const { indices } = await recordVotes(input);
      const forged = input.envelopes.map(({ payload }) => payload.startsWith(ZONE_A));
      return { indices: indices.map((index, i) => (forged[i] ? null : index)) };
    };
    const change = await engine().start(world);
    const { held } = await change.until((status) => status.held !== null || status.phase === 'approval');
    expect(held?.why).toContain('too few zones answered');
    for (const zone of VOTER_ZONES) world.voters[zone] = world.voter(zone, 'yes');
    world.orchestrator.recordVotes = recordVotes;
    await change.command('continue');
    await change.untilWaitingFor('approval');
    await change.decide({ approver: 'bob' });
    expect((await change.result()).status).toBe('committed');
  });

  it('is asked again before the first stage when approval took more than a minute', async () => {
    const world = new FakeWorld(randomUUID());
    const change = await engine().start(world);
    await change.untilWaitingFor('approval');
    await engine().environment.sleep('61 seconds');
    await change.decide({ approver: 'bob' });
    expect((await change.result()).status).toBe('committed');
    const again = world.log.findIndex((entry) => entry.includes('in round 2'));
    expect(again).toBeGreaterThan(world.log.indexOf('accepted approve of bob, nonce of bob'));
    expect(again).toBeLessThan(world.log.indexOf('intent 10%'));
    const { timeline } = await change.status();
    expect(timeline.filter(({ phase }) => phase === 'quorum')).toHaveLength(2);
  });

  it('may then say no', async () => {
    const world = new FakeWorld(randomUUID());
    const change = await engine().start(world);
    await change.untilWaitingFor('approval');
    await engine().environment.sleep('61 seconds');
    vetoWhileOthersVote(world, ZONE_A);
    await change.decide({ approver: 'bob' });
    // Not by its result: see the veto above.
    await change.until(({ phase }) => phase === 'rejected');
    expect(world.log).not.toContain('intent 10%');
  });
});
