import { describe, expect, it, test } from 'vitest';
import { openPermissions, type PermissionPorts } from '../../../activities/permissions.ts';
import { judgePermitted } from '../../../activities/permitted.ts';
import type { DnsPlan } from '../../../domain/change/plan.ts';
import { DomainError, PortError } from '../../../domain/errors.ts';
import { canonicalBytes, type Digest, digestOf } from '../../../domain/evidence/canonical-json.ts';
import { PERMISSIONS_RESOURCE, policyBodySchema } from '../../../domain/kinds/policy.ts';
import type { ChangeRecord, LogState } from '../../../domain/log/state.ts';
import { DEFAULT_POLICY } from '../../../domain/permissions/default-policy.ts';
import { permissionsInForce } from '../../../domain/permissions/in-force.ts';
import { permissionContextSchema } from '../../../domain/permissions/permission.ts';
import { createCedarEngine } from '../../../infra/cedar/cedar-engine.ts';
import {
  API,
  samplePlan,
  sampleRecord,
  sampleRequest,
  sampleState,
  sampleTrust,
} from '../../support/sample-change.ts';

const policyEngine = createCedarEngine();
const trust = sampleTrust();
const ADA_SUBMITS = {
  principal: { subject: 'ada', roles: ['author'], teams: [] },
  action: 'submit',
  resource: API,
  context: permissionContextSchema.parse({}),
};

function bodyOf(cedar: string) {
  const tests = [{ name: 'one', ...ADA_SUBMITS, expect: 'allow' }];
  return policyBodySchema.parse({ cedar, tests });
}

/** A state in which this policy is live, and a store that has it. */
function world(cedar: string | null, store: Map<Digest, unknown> = new Map()) {
  const body = cedar === null ? null : bodyOf(cedar);
  const state: LogState =
    body === null ? sampleState() : sampleState({ [PERMISSIONS_RESOURCE]: { digest: digestOf(body) } });
  const known = body === null ? store : new Map([[digestOf(body), body as unknown], ...store]);
  const ports: PermissionPorts = {
    policyEngine,
    bodies: {
      put: async () => digestOf(null),
      get: async (digest) => {
        if (!known.has(digest)) throw new DomainError('NOT_FOUND', `There is no body ${digest}.`);
        return canonicalBytes(known.get(digest));
      },
    },
  };
  return { state, ports, known };
}

/** The sample change, planned under the policy of the state; its first stage is not applied yet. */
function judge(cedar: string | null, change: Partial<ChangeRecord> = {}, edit: Partial<DnsPlan> = {}) {
  const { state, ports } = world(cedar);
  const plan = samplePlan(sampleRequest(), { permissions: permissionsInForce(state.live, trust), ...edit });
  const record = { ...sampleRecord(plan), outcomes: [], ...change };
  return judgePermitted(ports, state, record, plan, 8);
}

const rules = async (...args: Parameters<typeof judge>) =>
  (await judge(...args)).map(({ rule, message }) => `${rule}: ${message}`);

describe('the enactor', () => {
  it('lets a change go forward that the policy in force permits, be it live or of the trust document', async () => {
    expect(await rules(null)).toEqual([]);
    expect(await rules(DEFAULT_POLICY)).toEqual([]);
  });

  it('stops one whose author may not, whatever was recorded, and names the policy', async () => {
    const frozen = `${DEFAULT_POLICY}\n@id("no-api") forbid (principal, action == Action::"submit", resource) when { resource.name like "dns/*/api/*" };`;
    expect(await rules(frozen)).toEqual([
      expect.stringMatching(/^permission: ada may not submit .*: forbidden by no-api/),
    ]);
  });

  it('counts no approval of somebody who may not approve, and is content with the others', async () => {
    const notBob = `${DEFAULT_POLICY}\n@id("not-bob") forbid (principal == Person::"bob", action == Action::"approve", resource);`;
    expect(await rules(notBob)).toEqual([
      expect.stringMatching(/^permission: bob may not approve .*: forbidden by not-bob/),
      expect.stringMatching(/^permitted-approvals: .*1 more approval/),
    ]);
    const { state, ports } = world(notBob);
    const permissions = permissionsInForce(state.live, trust);
    const risk = { score: 1, class: 'standard' as const, reasons: [] };
    const plan = samplePlan(sampleRequest(), { permissions, risk });
    const change = { ...sampleRecord(plan), outcomes: [] };
    expect(await judgePermitted(ports, state, change, plan, 8)).toEqual([]);
  });

  it('starts nothing that was planned under another policy or trust document, and finishes what it started', async () => {
    const other = { permissions: { policyDigest: digestOf('another'), trustVersion: trust.version } };
    expect(await rules(null, {}, other)).toEqual([
      expect.stringMatching(/^permissions-moved: .*policy of permissions is/),
    ]);
    const older = { permissions: { ...permissionsInForce({}, trust), trustVersion: 0 } };
    expect(await rules(null, {}, older)).toEqual([
      expect.stringMatching(/^permissions-moved: .*version 1 and was 0/),
    ]);
    expect(await rules(null, { outcomes: sampleRecord().outcomes }, other)).toEqual([]);
  });
});

describe('a policy that cannot be used permits nothing', () => {
  test.for<[string, (known: Map<Digest, unknown>) => void, string]>([
    ['one that is not in the store', (known) => known.clear(), 'There is no body'],
    [
      'one that is none',
      (known) => {
        for (const digest of known.keys()) known.set(digest, { text: 1 });
      },
      'The body is none of a policy',
    ],
  ])('%s', async ([, damage, why]) => {
    const { state, ports, known } = world(DEFAULT_POLICY);
    damage(known);
    const permissions = await openPermissions(ports, state);
    const [found, ...rest] = permissions.judge([ADA_SUBMITS]);
    expect([found?.code, found?.rule, rest]).toEqual(['NOT_PERMITTED', 'policy-readable', []]);
    expect(found?.message).toContain(why);
    expect(permissions.judgeDraft(sampleRequest(), ADA_SUBMITS.principal)).toMatchObject([
      { rule: 'policy-readable' },
    ]);
  });

  it('nor does one that Cedar cannot read, be it in the trust document', async () => {
    const { ports, state } = world(null);
    const document = { ...trust, permissions: { cedar: 'nonsense' } };
    const trustInForce = { ...state.trustInForce, document };
    const permissions = await openPermissions(ports, { ...state, trustInForce });
    expect(permissions.judge([ADA_SUBMITS])).toMatchObject([
      { message: expect.stringContaining('cannot be used') },
    ]);
  });

  it('but a store that is down is said to be down', async () => {
    const { ports, state } = world(DEFAULT_POLICY);
    const get = async (): Promise<never> =>
      Promise.reject(new PortError('STORE_UNAVAILABLE', 'It does not answer.'));
    await expect(
      openPermissions({ ...ports, bodies: { ...ports.bodies, get } }, state),
    ).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

describe('before a request is signed', () => {
  it('it is refused only where no plan of it could be permitted', async () => {
    const judgeDraft = async (cedar: string, author = ADA_SUBMITS.principal) => {
      const { ports, state } = world(cedar);
      return (await openPermissions(ports, state)).judgeDraft(sampleRequest(), author);
    };
    expect(await judgeDraft(DEFAULT_POLICY)).toEqual([]);
    expect(
      await judgeDraft(
        '@id("a") permit (principal, action == Action::"submit", resource) when { context.risk == Risk::"critical" };',
      ),
    ).toEqual([]);
    expect(
      await judgeDraft(
        '@id("a") permit (principal, action == Action::"submit", resource) when { resource.owners.contains(principal) };',
      ),
    ).toEqual([]);
    expect(
      await judgeDraft(DEFAULT_POLICY, { subject: 'eve', roles: ['approver'], teams: [] }),
    ).toMatchObject([{ rule: 'permission', message: `eve may not submit ${API}: no policy permits it.` }]);
  });
});
