import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Reconciliation } from '../../workflows/contract.ts';
import { canaryRequest, expectSettled } from '../support/live-change.ts';
import { type LiveEnvironment, startLiveEnvironment } from '../support/live-environment.ts';
import { temporal } from '../support/temporal-cli.ts';

/**
 * Whoever may write to Temporal's namespace, with Temporal's own command line: a change may be stopped, and it then
 * ends or is held; nothing goes live that votes, approvals and verdicts do not prove.
 */
let env: LiveEnvironment;
beforeAll(async () => {
  env = await startLiveEnvironment({ name: 'engine-attacks' });
});
afterAll(() => env?.stop());

const LONG_BAKE = { bakeSeconds: 300 };

async function waiting(changeId: string, label: string): Promise<void> {
  await env.controlPlane.submit(changeId, canaryRequest(env, { label }), env.person('alice'));
  await env.until(changeId, ({ phase, waitingFor }) => phase === 'approval' && waitingFor !== null);
}

/** Half of the zone's consumers get the new service, and will for minutes. */
async function baking(changeId: string, label: string): Promise<void> {
  await env.controlPlane.submit(changeId, canaryRequest(env, { label, ...LONG_BAKE }), env.person('alice'));
  await env.approve(changeId);
  await env.until(changeId, ({ stages }) => stages.some(({ state }) => state === 'baking'));
}

function about({ findings }: Reconciliation, subject: string) {
  return findings.filter((one) => one.subject === subject).map(({ rule, done }) => ({ rule, done }));
}

const LOST_AND_RESTARTED = [{ rule: 'lost-run', done: 'restarted' }];

describe('a change that is terminated', () => {
  test('in its canary goes back, and the reconciler is what finds it', async () => {
    await baking('ended-baking', 'api');
    await temporal(env, 'workflow', 'terminate', '-w', 'ended-baking');
    const found = await env.controlPlane.reconcile();
    expect(about(found, 'ended-baking')).toEqual(LOST_AND_RESTARTED);
    expect(found.findings.find(({ subject }) => subject === 'ended-baking')?.message).toMatch(
      /told to terminate it.*goes back: stage 50% of intent \d+ may be live in engine-attacks\.test/,
    );
    expect((await env.ended('ended-baking')).status).toBe('rolled-back');
    await expectSettled(env, 'ended-baking', 'rolled-back');
    expect(about(await env.controlPlane.reconcile(), 'ended-baking')).toEqual([]);
  });

  test('before its first intent begins again and may still be approved', async () => {
    await waiting('ended-waiting', 'web');
    await temporal(env, 'workflow', 'terminate', '-w', 'ended-waiting');
    expect(about(await env.controlPlane.reconcile(), 'ended-waiting')).toEqual(LOST_AND_RESTARTED);
    await env.approve('ended-waiting');
    expect((await env.ended('ended-waiting')).status).toBe('committed');
    await expectSettled(env, 'ended-waiting', 'committed');
  });

  test('stays paused when somebody had paused it', async () => {
    await waiting('ended-paused', 'auth');
    const pause = { action: 'pause', reason: 'the shop is open' } as const;
    await env.controlPlane.command('ended-paused', pause, env.person('carol'));
    await temporal(env, 'workflow', 'terminate', '-w', 'ended-paused');
    expect(about(await env.controlPlane.reconcile(), 'ended-paused')).toEqual(LOST_AND_RESTARTED);
    await env.until('ended-paused', ({ waitingFor }) => /paused by carol/.test(waitingFor?.what ?? ''));
    const abort = { action: 'abort', reason: 'not today' } as const;
    await env.controlPlane.command('ended-paused', abort, env.person('carol'));
    expect((await env.ended('ended-paused')).status).toBe('aborted');
  });
});

describe('a change that is reset', () => {
  test('from its canary to its beginning goes back, without the reconciler', async () => {
    await baking('reset-first', 'shop');
    await temporal(env, 'workflow', 'reset', '-w', 'reset-first', '-t', 'FirstWorkflowTask', '--reason', 'x');
    expect((await env.ended('reset-first')).status).toBe('rolled-back');
    await expectSettled(env, 'reset-first', 'rolled-back');
  });

  test('from its canary to its quorum applies nothing more, and goes back at the latest when it is aborted', async () => {
    await baking('reset-middle', 'mail');
    const { fence } = await env.dns.readZone(env.zone);
    const { events } = await env.client.workflow.getHandle('reset-middle').fetchHistory();
    const asked = events?.find(
      (event) => event.activityTaskScheduledEventAttributes?.activityType?.name === 'vote',
    );
    const after = events?.find(
      (event) => event.workflowTaskCompletedEventAttributes && Number(event.eventId) > Number(asked?.eventId),
    );
    const to = ['-e', String(after?.eventId), '--reason', 'x'];
    await temporal(env, 'workflow', 'reset', '-w', 'reset-middle', ...to);
    // Voters that are asked again see the canary and veto; where all votes came before, the canary is watched again.
    const { phase } = await env.until(
      'reset-middle',
      (one) => one.phase === 'rolled-back' || one.stages.some(({ state }) => state === 'baking'),
    );
    if (phase !== 'rolled-back') {
      expect(await env.dns.readFence(env.zone)).toBe(fence);
      const abort = { action: 'abort', reason: 'somebody reset it' } as const;
      await env.controlPlane.command('reset-middle', abort, env.person('carol'));
    }
    expect((await env.ended('reset-middle')).status).toBe('rolled-back');
    expect((await env.log.sync()).ended['reset-middle']?.status).toBe('rolled-back');
    expect((await env.dns.readZone(env.zone)).recordSets).toContainEqual(
      expect.objectContaining({ name: `mail.${env.zone}`, values: ['127.0.0.1'] }),
    );
  });

  test('after its commit stays committed', async () => {
    await env.controlPlane.submit('reset-late', canaryRequest(env, { label: 'docs' }), env.person('alice'));
    await env.approve('reset-late');
    expect((await env.ended('reset-late')).status).toBe('committed');
    const before = await env.dns.readZone(env.zone);
    const committed = env.client.workflow.getHandle('reset-late');
    const { runId } = await committed.describe();
    const { events = [] } = await committed.fetchHistory();
    const tasks = (events ?? []).filter(({ workflowTaskCompletedEventAttributes: task }) => task);
    for (const task of [tasks[0], tasks.at(-3)]) {
      const eventId = String(task?.eventId);
      await temporal(
        env,
        ...['workflow', 'reset', '-w', 'reset-late', '-r', runId, '-e', eventId, '--reason', 'x'],
      );
      await env.ended('reset-late');
      expect(await env.controlPlane.status('reset-late')).toMatchObject({ phase: 'committed' });
    }
    expect(await env.dns.readZone(env.zone)).toEqual(before);
    await expectSettled(env, 'reset-late', 'committed');
  });
});

describe('messages to a change', () => {
  test('that nobody of the trust document signed move nothing', async () => {
    await waiting('forged', 'db');
    const forged = {
      payload: Buffer.from(JSON.stringify({ decision: 'approve' })).toString('base64'),
      payloadType: 'application/vnd.in-toto+json',
      signatures: [{ keyid: `sha256:${'0'.repeat(64)}`, sig: 'AAAA' }],
    };
    const to = ['-w', 'forged'];
    const approval = JSON.stringify({ approval: forged });
    const command = JSON.stringify({ command: forged });
    await temporal(env, 'workflow', 'signal', ...to, '--name', 'decide', '--input', approval);
    await temporal(env, 'workflow', 'signal', ...to, '--name', 'command', '--input', command);
    const answer = await temporal(
      env,
      ...['workflow', 'update', 'execute', ...to, '--name', 'decide', '--input', approval],
    );
    expect(answer).toContain('accepted:false');
    await expect(
      temporal(env, ...['workflow', 'update', 'execute', ...to, '--name', 'decide', '--input', '{}']),
    ).rejects.toThrow(/signed DSSE envelope/);
    const { phase, approvals } = await env.controlPlane.status('forged');
    expect({ phase, approvals }).toEqual({ phase: 'approval', approvals: [] });
    const { intents, acceptances } = (await env.log.sync()).changes.forged ?? {};
    expect({ intents, acceptances }).toEqual({ intents: [], acceptances: [] });
  });
});

describe('workflows that somebody else starts', () => {
  const orchestrator = ['--task-queue', 'orchestrator'];
  const start = (type: string, id: string, input: unknown, ...more: string[]) =>
    temporal(
      env,
      ...['workflow', 'start', '--type', type, '-w', id, ...orchestrator, '--input', JSON.stringify(input)],
      ...more,
    );

  test('under the id of a change in its canary are ended, and the change goes back', async () => {
    await baking('usurped', 'cdn');
    await temporal(env, 'workflow', 'terminate', '-w', 'usurped');
    await start('change', 'usurped', {}, '--task-queue', 'nobody');
    const found = await env.controlPlane.reconcile();
    expect(about(found, 'usurped')).toEqual([{ rule: 'foreign-run', done: 'restarted' }]);
    expect((await env.ended('usurped')).status).toBe('rolled-back');
    await expectSettled(env, 'usurped', 'rolled-back');
  });

  test('as a change that nobody requested, or with another request than was signed, end at once', async () => {
    const input = {
      changeId: 'invented',
      environment: env.name,
      requestDigest: `sha256:${'1'.repeat(64)}`,
      requestIndex: 0,
    };
    await start('change', 'invented', input);
    expect((await env.ended('invented')).status).toBe('rejected');
    await baking('swapped', 'log');
    await temporal(env, 'workflow', 'terminate', '-w', 'swapped');
    await start('change', 'swapped', { ...input, changeId: 'swapped' });
    expect((await env.ended('swapped')).status).toBe('rolled-back');
    await expectSettled(env, 'swapped', 'rolled-back');
  });

  test('as a recovery that no operator signed raise no fence', async () => {
    const before = await env.dns.readFence(env.zone);
    await start('recover', 'recover-forged', { causeIndex: 1 });
    await expect(env.ended('recover-forged')).rejects.toThrow();
    expect(await env.dns.readFence(env.zone)).toBe(before);
    expect((await env.log.sync()).raisedFences).toEqual([]);
  });
});
