import { NativeConnection, Worker } from '@temporalio/worker';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import type { EnactorActivities, VoterActivities } from '../../activities/index.ts';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import { signStatement } from '../../domain/evidence/statement-codec.ts';
import type { VotePredicate } from '../../domain/evidence/statements.ts';
import { QUEUES } from '../../workflows/contract.ts';
import { canaryRequest, expectSettled, honoured } from '../support/live-change.ts';
import { type LiveEnvironment, startLiveEnvironments } from '../support/live-environment.ts';
import { signerOf } from '../support/sample-log.ts';

/**
 * Whoever may poll the engine's queues: a process that takes a role's tasks and answers with lies, under no key that
 * the trust document knows. It can waste everybody's time, and production stays as it was.
 */
const ROGUE_ZONES = ['us-east-1a', 'us-east-1b'] as const;

let voting: LiveEnvironment;
let enacting: LiveEnvironment;
let connection: NativeConnection;
const rogues: { worker: Worker; running: Promise<void> }[] = [];

beforeAll(async () => {
  const environments = await startLiveEnvironments([
    { name: 'rogue-voters', absent: ROGUE_ZONES.map((zone) => `voter.${zone}` as const) },
    { name: 'rogue-enactor', absent: ['enactor'] },
  ]);
  [voting, enacting] = environments as [LiveEnvironment, LiveEnvironment];
  connection = await NativeConnection.connect({ address: inject('stack').temporal.address });
});
afterAll(async () => {
  await leave();
  await connection?.close();
  await Promise.all([voting, enacting].map((env) => env?.stop()));
});

async function poll(env: LiveEnvironment, taskQueue: string, activities: object): Promise<void> {
  const worker = await Worker.create({ connection, namespace: env.name, taskQueue, activities });
  rogues.push({ worker, running: worker.run() });
}

async function leave(): Promise<void> {
  for (const { worker, running } of rogues.splice(0)) {
    worker.shutdown();
    await running;
  }
}

function lyingVoter(
  env: LiveEnvironment,
  voterZone: string,
  baseDigest: VotePredicate['observation']['baseDigest'],
): VoterActivities {
  return {
    async vote({ changeId, planDigest, round }) {
      const vote: VotePredicate = {
        ...{ changeId, environment: env.name, voter: `voter.${voterZone}`, voterZone, round, planDigest },
        ...{ decision: 'yes', reasons: [], at: new Date().toISOString() },
        observation: { baseDigest, logSize: 1, frozen: false, zoneHealthy: true, clockSkewMs: 0 },
      };
      return { vote, envelope: await signStatement(signerOf('mallory'), 'vote', vote) };
    },
    observeZone: () => Promise.reject(new Error('nobody asks')),
  };
}

describe('a process that polls the queues of voters', () => {
  test('and votes yes without their keys has nothing applied', async () => {
    for (const zone of ROGUE_ZONES)
      await poll(voting, QUEUES.voter(zone), lyingVoter(voting, zone, digestOf('whatever')));
    const before = await voting.dns.readZone(voting.zone);
    await voting.controlPlane.submit('unvoted', canaryRequest(voting), voting.person('alice'));
    const { held, votes } = await voting.until('unvoted', (status) => status.held !== null);
    expect(held?.why).toContain('too few zones answered');
    // The third may not have been waited for.
    expect(votes.slice(0, 2).map(({ decision }) => decision)).toEqual(['no-answer', 'no-answer']);
    expect(await voting.dns.readZone(voting.zone)).toEqual(before);
    const counted = honoured(await voting.controlPlane.history('unvoted'), 'vote');
    expect(counted.filter(({ voterZone }) => voterZone !== 'us-east-1c')).toEqual([]);

    await leave();
    await Promise.all(ROGUE_ZONES.map((zone) => voting.start(`voter.${zone}`)));
    await voting.until('unvoted', ({ phase }) => phase === 'approval');
  });
});

describe('a process that polls the queue of the enactor', () => {
  test('and says that it applied, committed or rolled back has changed nothing, and the change does not end so', async () => {
    const at = new Date().toISOString();
    const liar: Partial<EnactorActivities> = {
      applyStage: async () => ({ result: 'applied', at }),
      commit: async () => ({ result: 'committed', index: 1 }),
      rollBack: async () => ({ result: 'rolled-back', recorded: true, wasLive: true }),
    };
    await poll(enacting, QUEUES.enactor, liar);
    const before = await enacting.dns.readZone(enacting.zone);
    await enacting.controlPlane.submit('unapplied', canaryRequest(enacting), enacting.person('alice'));
    await enacting.approve('unapplied');
    await enacting.until('unapplied', ({ held }) => held !== null);
    expect(await enacting.dns.readZone(enacting.zone)).toEqual(before);
    const history = await enacting.controlPlane.history('unapplied');
    for (const type of ['outcome', 'commit', 'end'] as const) expect(honoured(history, type)).toEqual([]);

    await leave();
    await enacting.start('enactor');
    const abort = { action: 'abort', reason: 'somebody took its tasks' } as const;
    await enacting.controlPlane.command('unapplied', abort, enacting.person('carol'));
    await enacting.ended('unapplied');
    expect((await enacting.dns.readZone(enacting.zone)).recordSets).toEqual(before.recordSets);
    await expectSettled(enacting, 'unapplied', 'rolled-back');
  });
});
