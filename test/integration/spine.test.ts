import { ChangeResourceRecordSetsCommand, Route53Client } from '@aws-sdk/client-route-53';
import { PutBucketPolicyCommand, PutObjectCommand, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import type { DnsZones } from '../../activities/ports/dns-zones.ts';
import { connect } from '../../client/compose.ts';
import { PortError } from '../../domain/errors.ts';
import { digestHex } from '../../domain/evidence/canonical-json.ts';
import { signStatement } from '../../domain/evidence/statement-codec.ts';
import type { FreezePredicate } from '../../domain/evidence/statements.ts';
import { bucketPolicy } from '../../infra/dev/role-policies.ts';
import type { OpenedPorts } from '../../worker/role-ports.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contract.ts';
import { canaryRequest, expectSettled, honoured, runChange } from '../support/live-change.ts';
import { type LiveEnvironment, type Role, startLiveEnvironment } from '../support/live-environment.ts';

/** Longer than an activity's second try takes to come by itself. */
const LONGEST_PROPAGATION_MS = 2_000;

let env: LiveEnvironment;
/** What happens just before the enactor's next batch with such a comment. */
let beforeBatch: { comment: string; happens: () => Promise<unknown> } | null = null;

let afterBatch: { comment: string; happens: () => void } | null = null;

/** How often the orchestrator read a fence, which it does for each order of a stage. */
let ordersAsked = 0;

function watched(role: Role, ports: OpenedPorts): OpenedPorts {
  const { dns } = ports;
  const applyBatch: DnsZones['applyBatch'] = async (batch) => {
    if (beforeBatch !== null && batch.comment.startsWith(beforeBatch.comment)) {
      const { happens } = beforeBatch;
      beforeBatch = null;
      await happens();
    }
    const answer = await dns.applyBatch(batch);
    if (afterBatch !== null && batch.comment.startsWith(afterBatch.comment)) {
      const { happens } = afterBatch;
      afterBatch = null;
      happens();
    }
    return answer;
  };
  const readFence: DnsZones['readFence'] = (zone) => {
    if (role === 'orchestrator') ordersAsked += 1;
    return dns.readFence(zone);
  };
  return { ...ports, dns: { ...dns, applyBatch, readFence } };
}

beforeAll(async () => {
  env = await startLiveEnvironment({
    name: 'spine',
    wrap: watched,
    configure: (config) => ({ ...config, dnsWorstPropagationMs: LONGEST_PROPAGATION_MS }),
    // Many changes of one small zone in one day.
    policy: { limits: { minTtlSeconds: 0, maxTtlSeconds: 86_400, maxZoneShare: 1, smallZoneSize: 0 } },
  });
});
afterAll(() => env?.stop());

async function recordsText(): Promise<string> {
  return JSON.stringify(await env.dns.readZone(env.zone));
}

describe('a good change', () => {
  test('is one entry after the other, each signed by the role whose word it is', async () => {
    expect(await runChange(env, 'good')).toBe('committed');
    const { history } = await expectSettled(env, 'good', 'committed');
    const said = history.map(({ statement, signer }) => `${statement?.type} by ${signer}`);
    const votes = said.filter((line) => line.startsWith('vote'));
    expect(votes.length).toBeGreaterThanOrEqual(2);
    for (const vote of votes) expect(vote).toMatch(/^vote by voter\.us-east-1[abc]$/);
    const stage = ['intent by orchestrator', 'outcome by enactor', 'stage-verdict by analysis'];
    expect(said.filter((line) => !line.startsWith('vote'))).toEqual([
      ...['request by alice', 'plan by orchestrator', 'acceptance by orchestrator'],
      ...[...stage, ...stage, 'intent by orchestrator', 'outcome by enactor'],
      'commit by enactor',
    ]);
  });

  test('is found by its search attributes', async () => {
    const { searchAttributes } = await env.client.workflow.getHandle('good').describe();
    expect(searchAttributes).toMatchObject({
      [SEARCH_ATTRIBUTES.changeId]: ['good'],
      [SEARCH_ATTRIBUTES.phase]: ['committed'],
      [SEARCH_ATTRIBUTES.author]: ['alice'],
      [SEARCH_ATTRIBUTES.environment]: [env.name],
      [SEARCH_ATTRIBUTES.risk]: ['standard'],
      [SEARCH_ATTRIBUTES.resources]: [`dns/${env.zone}/api/A`],
    });
    const query = `${SEARCH_ATTRIBUTES.author} = 'alice' AND ${SEARCH_ATTRIBUTES.phase} = 'committed'`;
    await vi.waitUntil(async () => (await env.client.workflow.count(query)).count > 0, { timeout: 10_000 });
  });
});

describe('an acknowledged change is never lost (G1)', () => {
  test('recorded while Temporal is down, it is started later by resume', async () => {
    const { installation } = env.prepared;
    const nowhere = { ...installation, temporal: { ...installation.temporal, address: '127.0.0.1:1' } };
    const { controlPlane, close } = await connect(nowhere);
    try {
      const submitted = controlPlane.submit(
        'unstarted',
        canaryRequest(env, { label: 'web' }),
        env.person('alice'),
      );
      await expect(submitted).rejects.toMatchObject({
        code: 'ENGINE_UNAVAILABLE',
        message: expect.stringMatching(/recorded at entry \d+ but has not started/),
        details: { next: expect.stringContaining('submit --resume unstarted') },
      });
    } finally {
      await close();
    }
    const { waitingFor } = await env.controlPlane.status('unstarted');
    expect(waitingFor?.what).toContain('its start');
    await env.controlPlane.resume('unstarted');
    await env.approve('unstarted');
    expect((await env.ended('unstarted')).status).toBe('committed');
    await expectSettled(env, 'unstarted', 'committed');
  });
});

describe('a record that somebody edits by hand', () => {
  test('before the first stage is left alone, and the change ends without having touched it', async () => {
    const { endpoint, region, adminCredentials } = inject('stack').aws;
    const route53 = new Route53Client({ endpoint, region, credentials: { ...adminCredentials } });
    const edit = (Action: 'DELETE' | 'CREATE', Value: string) => ({
      Action,
      ResourceRecordSet: {
        Name: `mail.${env.zone}.`,
        Type: 'A' as const,
        TTL: 0,
        ResourceRecords: [{ Value }],
      },
    });
    const [target] = env.prepared.trust.targets;
    const request = canaryRequest(env, { label: 'mail' });
    await env.controlPlane.submit('edited-meanwhile', request, env.person('alice'));
    await env.until('edited-meanwhile', (status) => status.phase === 'approval');
    const mail = (await env.dns.readZone(env.zone)).recordSets.find(
      ({ name }) => name === `mail.${env.zone}`,
    );
    await route53.send(
      new ChangeResourceRecordSetsCommand({
        HostedZoneId: target?.hostedZoneId,
        ChangeBatch: { Changes: [edit('DELETE', mail?.values[0] ?? ''), edit('CREATE', '127.0.0.77')] },
      }),
    );
    await env.approve('edited-meanwhile');
    const { status, violations } = await env.ended('edited-meanwhile');
    expect({ status, rules: violations.map(({ code }) => code) }).toMatchObject({ status: 'rolled-back' });
    const after = (await env.dns.readZone(env.zone)).recordSets.find(
      ({ name }) => name === `mail.${env.zone}`,
    );
    expect(after?.values).toEqual(['127.0.0.77']);
  });
});

describe('changes of one zone', () => {
  test('on other records both commit: the later write is refused and ordered anew, never rebased', async () => {
    beforeBatch = {
      comment: 'overtaken 50%,',
      happens: () => runChange(env, 'overtaking', { label: 'docs' }),
    };
    expect(await runChange(env, 'overtaken', { label: 'db' })).toBe('committed');
    expect(beforeBatch).toBeNull();
    const { history } = await expectSettled(env, 'overtaken', 'committed');
    await expectSettled(env, 'overtaking', 'committed');
    const [first, second] = honoured(history, 'intent');
    expect([first?.stage, second?.stage]).toEqual(['50%', '50%']);
    expect(second?.expectedFence).not.toBe(first?.expectedFence);
    const outcomes = honoured(history, 'outcome').filter(({ stage }) => stage === '50%');
    expect(outcomes.map(({ intentIndex, result }) => [intentIndex, result])).toEqual([
      [first?.index, 'not-applied'],
      [second?.index, 'applied'],
    ]);
  });

  test('on the same record the later one waits, then goes on from what the first made', async () => {
    await env.controlPlane.submit('earlier', canaryRequest(env, { label: 'shop' }), env.person('alice'));
    await env.until('earlier', ({ phase }) => phase === 'approval');
    const later = canaryRequest(env, { label: 'shop', to: env.services.stable });
    await env.controlPlane.submit('later', later, env.person('alice'));
    const { waitingFor } = await env.until('later', (status) => status.waitingFor !== null);
    expect(waitingFor?.what).toContain('earlier');
    await env.approve('earlier');
    expect((await env.ended('earlier')).status).toBe('committed');
    await expectSettled(env, 'earlier', 'committed');
    await env.approve('later');
    expect((await env.ended('later')).status).toBe('committed');
    await expectSettled(env, 'later', 'committed');
  });

  test('made against a record that has moved since is refused as stale', async () => {
    const label = 'search';
    const request = canaryRequest(env, { label, to: env.services.stable });
    const moved = await env.controlPlane.plan('preview', canaryRequest(env, { label }));
    const baseDigest = moved.plan?.resources[0]?.baseDigest ?? null;
    expect(await runChange(env, 'mover', { label })).toBe('committed');
    const base = { [`dns/${env.zone}/${label}/A`]: baseDigest };
    await env.controlPlane.submit(
      'stale',
      { ...request, spec: { ...request.spec, base } },
      env.person('alice'),
    );
    const { status, violations } = await env.ended('stale');
    expect(status).toBe('rejected');
    expect(violations.map(({ code }) => code)).toContain('STALE_BASE');
  });
});

describe('a batch whose reference was lost with the answer', () => {
  test('counts as everywhere only after the longest time that the provider may take', async () => {
    let landedMs = 0;
    afterBatch = {
      comment: 'referenceless 50%,',
      happens: () => {
        landedMs = Date.now();
        throw new PortError('DNS_UNAVAILABLE', 'The connection broke.');
      },
    };
    expect(await runChange(env, 'referenceless', { label: 'mail' })).toBe('committed');
    const { history } = await expectSettled(env, 'referenceless', 'committed');
    const [outcome] = honoured(history, 'outcome');
    expect(Date.parse(outcome?.at ?? '') - landedMs).toBeGreaterThanOrEqual(LONGEST_PROPAGATION_MS);
  });
});

describe('a plan that is edited in the store after the votes', () => {
  test('is not applied; what was voted on is, once it is back', async () => {
    const { aws } = env.prepared.installation;
    const { endpoint, region, adminCredentials } = inject('stack').aws;
    const s3 = new S3Client({ endpoint, region, credentials: { ...adminCredentials }, forcePathStyle: true });
    await env.controlPlane.submit('edited', canaryRequest(env, { label: 'cdn' }), env.person('alice'));
    const { planDigest } = await env.until('edited', ({ phase }) => phase === 'approval');
    if (planDigest === null) throw new Error('no plan');
    const plan = await env.controlPlane.planOf('edited');
    const Key = `bodies/${env.name}/sha256/${digestHex(planDigest)}`;
    const original = await env.bodies.get(planDigest);
    const forged = new TextDecoder().decode(original).replaceAll(env.services.canary, env.services.broken);
    // No role may do this: the administrator has to lift the bucket's own rule first.
    await s3.send(new PutBucketPolicyCommand({ Bucket: aws.bucket, Policy: EVERYTHING_GOES }));
    const put = (Body: string | Uint8Array) =>
      s3.send(new PutObjectCommand({ Bucket: aws.bucket, Key, Body }));
    await put(forged);
    const before = await recordsText();

    // Bob has seen the plan that was voted on; who asks for it now is not shown the forgery.
    const newcomer = await connect(env.prepared.installation);
    await expect(newcomer.controlPlane.planOf('edited')).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
    await newcomer.close();
    await env.controlPlane.decide('edited', { decision: 'approve', plan }, env.person('bob'));
    const { held } = await env.until('edited', (status) => status.held !== null);
    expect(held?.why).toContain(planDigest.slice('sha256:'.length));
    expect(await recordsText()).toBe(before);
    await vi.waitUntil(() => env.pages().some(({ changeId }) => changeId === 'edited'), { timeout: 10_000 });

    await put(original);
    await s3.send(new PutBucketPolicyCommand({ Bucket: aws.bucket, Policy: bucketPolicy(aws.bucket) }));
    await env.controlPlane.command(
      'edited',
      { action: 'continue', reason: 'it is back' },
      env.person('carol'),
    );
    expect((await env.ended('edited')).status).toBe('committed');
    await expectSettled(env, 'edited', 'committed');
  });
});

const EVERYTHING_GOES = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Sid: 'Nothing',
      Effect: 'Deny',
      Principal: '*',
      Action: 's3:DeleteBucket',
      Resource: 'arn:aws:s3:::none',
    },
  ],
});

describe('a frozen environment', () => {
  async function setAutomation(state: FreezePredicate['state']): Promise<void> {
    const freeze = await signStatement(env.person('carol').signer, 'freeze', {
      environment: env.name,
      state,
      scope: null,
      operator: 'carol',
      reason: 'an incident elsewhere',
      nonce: `spine-${state}`,
      at: new Date().toISOString(),
    });
    expect(await env.log.append([freeze])).toEqual([expect.objectContaining({ fate: 'honoured' })]);
  }

  test('stops the next forward effect, writes nothing while it waits, and lets a rollback through', async () => {
    const request = canaryRequest(env, { label: 'status', bakeSeconds: 0.5 });
    await env.controlPlane.submit('frozen', request, env.person('alice'));
    await env.approve('frozen');
    await env.until('frozen', ({ stages }) => stages[0]?.state === 'baking');
    await setAutomation('frozen');
    const waiting = await env.until(
      'frozen',
      ({ waitingFor }) => waitingFor?.what.includes('frozen') === true,
    );
    expect(waiting.stages.map(({ state }) => state)).toEqual(['passed', 'applying', 'pending']);
    // The freeze itself is still at work until the zone's fence is raised.
    await vi.waitUntil(async () => (await env.log.sync()).raisedFences.length > 0, { timeout: 10_000 });
    const { size } = await env.log.sync();
    const asked = ordersAsked;
    await vi.waitUntil(() => ordersAsked > asked, { timeout: 10_000 });
    expect((await env.log.sync()).size).toBe(size);

    await env.controlPlane.command('frozen', { action: 'abort', reason: 'not today' }, env.person('carol'));
    expect((await env.ended('frozen')).status).toBe('rolled-back');
    await expectSettled(env, 'frozen', 'rolled-back');
    await setAutomation('active');
    expect(await runChange(env, 'thawed', { label: 'status' })).toBe('committed');
  });
});
