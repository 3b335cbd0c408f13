import { afterAll, beforeAll, expect, test } from 'vitest';
import { DomainError } from '../../domain/errors.ts';
import { canonicalBytes, type Digest, digestOf } from '../../domain/evidence/canonical-json.ts';
import { describeRequest } from '../../domain/evidence/describe-request.ts';
import { signStatement } from '../../domain/evidence/statement-codec.ts';
import { PERMISSIONS_RESOURCE } from '../../domain/kinds/policy.ts';
import { DEFAULT_POLICY } from '../../domain/permissions/default-policy.ts';
import type { OpenedPorts } from '../../worker/role-ports.ts';
import { canaryRequest, honoured, runChange } from '../support/live-change.ts';
import { documentRequest, runDocuments } from '../support/live-documents.ts';
import { type LiveEnvironment, type Role, startLiveEnvironment } from '../support/live-environment.ts';

/** The policy of permissions on the real path: changed as every other resource, and obeyed by each role for itself. */
let env: LiveEnvironment;
/** Makes the orchestrator one that permits everything. */
let orchestratorLies = false;

function watched(role: Role, ports: OpenedPorts): OpenedPorts {
  if (role !== 'orchestrator') return ports;
  const { policyEngine } = ports;
  return {
    ...ports,
    policyEngine: {
      ...policyEngine,
      decide: (cedar, question) =>
        orchestratorLies
          ? { allowed: true, policies: [], why: 'it lies' }
          : policyEngine.decide(cedar, question),
    },
  };
}

beforeAll(async () => {
  env = await startLiveEnvironment({ name: 'permissions', wrap: watched });
});
afterAll(() => env?.stop());

function setPolicy(cedar: string) {
  const mail = {
    name: 'mail is for reliability',
    principal: { subject: 'ada', roles: ['author'], teams: ['payments'] },
    action: 'submit',
    resource: `dns/${env.zone}/mail/A`,
    expect: cedar.includes('mail') ? 'deny' : 'allow',
  };
  return documentRequest(env, {
    operations: [{ set: PERMISSIONS_RESOURCE, body: { cedar, tests: [mail] } }],
  });
}

const MAIL_IS_FOR_RELIABILITY = `${DEFAULT_POLICY}
@id("mail-is-for-reliability")
forbid (principal, action == Action::"submit", resource)
when { resource.name like "dns/*/mail/*" }
unless { principal in Team::"reliability" };
@id("nobody-pauses")
forbid (principal, action == Action::"pause", resource);
`;

/** Past the author's own client, as a thief of the key would. */
async function submitUnchecked(
  changeId: string,
  label: string,
): Promise<{ requestDigest: Digest; index: number }> {
  const request = canaryRequest(env, { label });
  const requestDigest = await env.bodies.put(canonicalBytes(request));
  const entry = await signStatement(env.person('alice').signer, 'request', {
    changeId,
    environment: env.name,
    author: 'alice',
    requestDigest,
    ...describeRequest(request),
    nonce: changeId,
    at: new Date().toISOString(),
  });
  const [fate] = await env.log.append([entry]);
  if (fate?.fate !== 'honoured') throw new Error(JSON.stringify(fate));
  await env.controlPlane.resume(changeId);
  return { requestDigest, index: fate.index };
}

test('a policy that grants itself more is refused, with who would do what', async () => {
  const everything = '@id("gift") permit (principal, action, resource);';
  await env.controlPlane.submit('gift', setPolicy(everything), env.person('alice'));
  const { status, violations } = await env.ended('gift');
  expect(status).toBe('rejected');
  expect(violations.map(({ rule }) => rule)).toContain('must-stay-denied');
  expect(violations.some(({ message }) => /\(gift\) lets alice approve/.test(message))).toBe(true);
  expect((await env.log.sync()).live[PERMISSIONS_RESOURCE]).toBeUndefined();
});

test('another policy takes two people, voids what was approved under the old one, and is obeyed at once', async () => {
  await env.controlPlane.submit('waiting', canaryRequest(env, { label: 'web' }), env.person('alice'));
  await env.until('waiting', ({ phase }) => phase === 'approval');

  await env.controlPlane.submit('policy', setPolicy(MAIL_IS_FOR_RELIABILITY), env.person('alice'));
  const waits = await env.until(
    'policy',
    ({ phase, waitingFor }) => phase === 'approval' && waitingFor !== null,
  );
  expect([waits.risk?.class, waits.approvalsNeeded]).toEqual(['critical', 2]);
  expect(waits.waitingFor).toEqual({ what: '2 more approvals', who: 'bob (payments), carol (reliability)' });
  await env.approve('policy', 'bob');
  await env.approve('policy', 'carol');
  expect(await env.ended('policy')).toEqual({ status: 'committed', violations: [] });

  // What bob says yes to now was planned under a policy that is no more.
  await env.approve('waiting', 'bob');
  const { status, violations } = await env.ended('waiting');
  expect([status, violations.map(({ rule }) => rule)]).toEqual(['rejected', ['permissions-moved']]);
  const history = await env.controlPlane.history('waiting');
  expect(honoured(history, 'acceptance')).toMatchObject([
    { approver: 'bob', accepted: false, reasons: [{ rule: 'permissions-moved' }] },
  ]);
  expect(honoured(history, 'intent')).toEqual([]);

  const refused = await env.controlPlane
    .submit('early', canaryRequest(env, { label: 'mail' }), env.person('alice'))
    .then(
      () => null,
      (error: unknown) => error,
    );
  expect(refused).toBeInstanceOf(DomainError);
  expect(String(refused)).toContain('forbidden by mail-is-for-reliability');
  expect((await env.log.sync()).changes.early).toBeUndefined();
  expect(await runChange(env, 'allowed', { label: 'web' })).toBe('committed');
});

test('past the client the orchestrator refuses, and past a lying orchestrator every voter', async () => {
  await submitUnchecked('unchecked', 'mail');
  const { status, violations } = await env.ended('unchecked');
  expect(status).toBe('rejected');
  expect(violations).toMatchObject([
    { rule: 'permission', message: expect.stringContaining('mail-is-for-reliability') },
  ]);

  orchestratorLies = true;
  await submitUnchecked('lied', 'mail');
  const lied = await env.ended('lied');
  orchestratorLies = false;
  expect(lied.status).toBe('rejected');
  const votes = honoured(await env.controlPlane.history('lied'), 'vote');
  expect(votes.map(({ decision }) => decision)).toContain('no');
  for (const { reasons } of votes) expect(reasons.map(({ rule }) => rule)).toEqual(['permission']);
});

test('is asked about commands too', async () => {
  await env.controlPlane.submit('steered', canaryRequest(env, { label: 'shop' }), env.person('alice'));
  await env.until('steered', ({ phase }) => phase === 'approval');
  const command = (action: 'pause' | 'abort') =>
    env.controlPlane.command('steered', { action, reason: 'a test' }, env.person('bob'));
  expect(await command('pause')).toMatchObject({
    accepted: false,
    reason: expect.stringContaining('forbidden by nobody-pauses'),
  });
  await command('abort');
  expect((await env.ended('steered')).status).toBe('aborted');
});

test('is replaced, never removed', async () => {
  const removal = documentRequest(env, { operations: [{ remove: PERMISSIONS_RESOURCE }] });
  await env.controlPlane.submit('removal', removal, env.person('alice'));
  const { status, violations } = await env.ended('removal');
  expect([status, violations.map(({ rule }) => rule)]).toEqual(['rejected', ['policy-stays']]);
  const before = (await env.log.sync()).live[PERMISSIONS_RESOURCE]?.digest;
  expect((await runDocuments(env, 'again', setPolicy(DEFAULT_POLICY))).status).toBe('committed');
  const after = (await env.log.sync()).live[PERMISSIONS_RESOURCE]?.digest;
  expect(after).not.toBe(before);
  expect(after).toBe(
    digestOf(JSON.parse(new TextDecoder().decode(await env.bodies.get(after ?? digestOf(null))))),
  );
  expect(await runChange(env, 'mail', { label: 'mail' })).toBe('committed');
});
