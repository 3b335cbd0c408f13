import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { canaryRequest, expectSettled } from '../support/live-change.ts';
import { type LiveEnvironment, startLiveEnvironments } from '../support/live-environment.ts';

const PAGED_WITHIN_MS = 10_000;

describe('a role is missing', () => {
  let environments: LiveEnvironment[];
  beforeAll(async () => {
    environments = await startLiveEnvironments([
      { name: 'analysis-killed', processes: ['analysis'] },
      { name: 'one-voter-dead', absent: ['voter.us-east-1b'] },
      { name: 'two-voters-dead', absent: ['voter.us-east-1a', 'voter.us-east-1c'] },
    ]);
  });
  afterAll(() => Promise.all(environments.map((env) => env.stop())));

  function environment(position: number): LiveEnvironment {
    const env = environments[position];
    if (!env) throw new Error('not started');
    return env;
  }

  test.concurrent('the analysis is killed in a bake: it is watched again from the start', async () => {
    const env = environment(0);
    await env.controlPlane.submit('watched', canaryRequest(env, { bakeSeconds: 1 }), env.person('alice'));
    await env.approve('watched');
    await env.until('watched', ({ stages }) => stages.some(({ state }) => state === 'baking'));
    await env.killAndRestart('analysis');
    expect((await env.ended('watched')).status).toBe('committed');
    await expectSettled(env, 'watched', 'committed');
  });

  test.concurrent('one voter is dead: the other two decide without waiting for it', async () => {
    const env = environment(1);
    await env.controlPlane.submit('two-of-three', canaryRequest(env), env.person('alice'));
    const { votes } = await env.until('two-of-three', ({ phase }) => phase === 'approval');
    // Of a quorum that waited for it until its time-out, the dead one would be 'no-answer'.
    expect(votes.map(({ voter, decision }) => [voter, decision])).toEqual([
      ['voter.us-east-1a', 'yes'],
      ['voter.us-east-1b', 'not-needed'],
      ['voter.us-east-1c', 'yes'],
    ]);
    await env.approve('two-of-three');
    expect((await env.ended('two-of-three')).status).toBe('committed');
    await expectSettled(env, 'two-of-three', 'committed');
  });

  test.concurrent('two voters are dead: it is held and paged, and goes on when one returns', async () => {
    const env = environment(2);
    await env.controlPlane.submit('held', canaryRequest(env), env.person('alice'));
    const { held } = await env.until('held', (status) => status.held !== null);
    expect(held?.why).toContain('too few zones answered');
    // The status says it before the page is on its way.
    await vi.waitUntil(() => env.pages().length > 0, { timeout: PAGED_WITHIN_MS });
    expect(env.pages()).toEqual([expect.objectContaining({ changeId: 'held', environment: env.name })]);
    await env.start('voter.us-east-1c');
    await env.approve('held');
    expect((await env.ended('held')).status).toBe('committed');
    await expectSettled(env, 'held', 'committed');
  });
});
