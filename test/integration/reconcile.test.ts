import { ChangeResourceRecordSetsCommand } from '@aws-sdk/client-route-53';
import { afterAll, beforeAll, expect, inject, test, vi } from 'vitest';
import { createRoute53Writer } from '../../infra/aws/aws-clients.ts';
import { createChangeRuns } from '../../worker/change-runs.ts';
import { canaryRequest, runChange } from '../support/live-change.ts';
import { type LiveEnvironment, startLiveEnvironment } from '../support/live-environment.ts';
import { temporal } from '../support/temporal-cli.ts';

let env: LiveEnvironment;
beforeAll(async () => {
  env = await startLiveEnvironment({ name: 'reconciled' });
});
afterAll(() => env?.stop());

/** As Route 53's administrator. */
async function byHand(
  ...changes: [action: 'CREATE' | 'DELETE', type: 'A' | 'TXT', name: string, value: string][]
) {
  const { endpoint, region, adminCredentials } = inject('stack').aws;
  const route53 = createRoute53Writer({ endpoint, region, credentials: { ...adminCredentials } });
  const [target] = env.prepared.trust.targets;
  await route53.send(
    new ChangeResourceRecordSetsCommand({
      HostedZoneId: target?.hostedZoneId,
      ChangeBatch: {
        Changes: changes.map(([Action, Type, Name, Value]) => ({
          Action,
          ResourceRecordSet: { Name, Type, TTL: Type === 'TXT' ? 60 : 0, ResourceRecords: [{ Value }] },
        })),
      },
    }),
  );
  route53.destroy();
}

test('records and fences that somebody edited are told, paged once, and left as they are', async () => {
  expect(await runChange(env, 'governed', { label: 'api' })).toBe('committed');
  expect(await env.controlPlane.reconcile()).toMatchObject({ zones: 1, findings: [] });
  const { fence } = await env.dns.readZone(env.zone);
  const name = `api.${env.zone}.`;
  const fenceName = `_resilience-ctl.${env.zone}.`;
  await byHand(
    ['DELETE', 'A', name, env.services.canary],
    ['CREATE', 'A', name, '192.0.2.99'],
    ['DELETE', 'TXT', fenceName, `"${fence}"`],
    ['CREATE', 'TXT', fenceName, '"9999"'],
  );
  const edited = await env.dns.readZone(env.zone);

  const { findings } = await env.controlPlane.reconcile();
  expect(findings.map(({ rule, subject, done }) => [rule, subject, done])).toEqual([
    ['unexplained-fence', env.zone, 'nothing'],
    ['changed-out-of-band', `dns/${env.zone}/api/A`, 'nothing'],
  ]);
  expect(env.pages()).toEqual([]);

  // By its schedule: each run knows what the one before it has paged.
  await onSchedule(3);
  expect(env.pages().map(({ changeId }) => changeId)).toEqual([env.zone, `dns/${env.zone}/api/A`]);
  expect(await env.dns.readZone(env.zone)).toEqual(edited);

  await byHand(
    ['DELETE', 'A', name, '192.0.2.99'],
    ['CREATE', 'A', name, env.services.canary],
    ['DELETE', 'TXT', fenceName, '"9999"'],
    ['CREATE', 'TXT', fenceName, `"${fence}"`],
  );
  expect(await env.controlPlane.reconcile()).toMatchObject({ findings: [] });
});

test('a run that is lost is found by the schedule, and people are paged', async () => {
  const request = canaryRequest(env, { label: 'web' });
  await env.controlPlane.submit('lost', request, env.person('alice'));
  await env.until('lost', ({ phase, waitingFor }) => phase === 'approval' && waitingFor !== null);
  await temporal(env, 'workflow', 'terminate', '-w', 'lost');
  await onSchedule(1);
  await env.approve('lost');
  expect((await env.ended('lost')).status).toBe('committed');
  expect(env.pages().some(({ changeId, summary }) => changeId === 'lost' && /terminate/.test(summary))).toBe(
    true,
  );
});

/** The product's own schedule, at a pace for tests, until so many of its runs have ended. */
async function onSchedule(times: number): Promise<void> {
  const runs = createChangeRuns(env.client, env.name);
  await runs.keepReconciling();
  await runs.keepReconciling();
  const schedule = env.client.schedule.getHandle(`reconcile-${env.name}`);
  await schedule.update((made) => ({ ...made, spec: { intervals: [{ every: '2 seconds' }] } }));
  const before = await endedRuns();
  await vi.waitUntil(async () => (await endedRuns()) >= before + times, { timeout: 30_000, interval: 100 });
  await schedule.delete();
}

/** Of the schedule: what a person asks for has another id. */
async function endedRuns(): Promise<number> {
  const query = `WorkflowType = "reconcile" AND ExecutionStatus = "Completed" AND WorkflowId != "reconcile-${env.name}-asked"`;
  return (await env.client.workflow.count(query)).count;
}
