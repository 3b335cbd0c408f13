import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEnactorActivities, createOrchestratorActivities } from '../../activities/index.ts';
import type { PlanSummary } from '../../activities/plan.ts';
import { type CastVote, vote } from '../../activities/vote.ts';
import { PortError } from '../../domain/errors.ts';
import { canonicalBytes, type Digest, digestOf } from '../../domain/evidence/canonical-json.ts';
import { describeRequest } from '../../domain/evidence/describe-request.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import { signStatement } from '../../domain/evidence/statement-codec.ts';
import { PERMISSIONS_RESOURCE } from '../../domain/kinds/policy.ts';
import { trustOf } from '../../domain/log/state.ts';
import { createFileZoneSwitch } from '../../infra/files/file-zone-switch.ts';
import type { OpenedPorts } from '../../worker/role-ports.ts';
import { VOTER_ZONES } from '../../workflows/contract.ts';
import { liveVersion } from '../support/dns-plans.ts';
import { canaryRequest, runChange } from '../support/live-change.ts';
import { type LiveEnvironment, type Role, startLiveEnvironment } from '../support/live-environment.ts';

/**
 * DESIGN §2, proof-carrying changes: an orchestrator that lies, with its own key and all its rights, cannot change
 * production. No workflow runs here: the orchestrator's steps are taken, or left out, one by one.
 */
let env: LiveEnvironment;
let orchestrator: ReturnType<typeof createOrchestratorActivities>;
let enactor: ReturnType<typeof createEnactorActivities>;
const portsOf = new Map<Role, OpenedPorts>();

function own(role: Role): OpenedPorts {
  const ports = portsOf.get(role);
  if (!ports) throw new Error(`${role} did not start`);
  return ports;
}

const noEngine = () => Promise.reject(new Error('no workflow runs here'));
const runs = { stateOf: noEngine, start: noEngine, keepReconciling: noEngine };

beforeAll(async () => {
  env = await startLiveEnvironment({
    name: 'rogue',
    wrap: (role, ports) => {
      portsOf.set(role, ports);
      return ports;
    },
  });
  const { integrator } = own('orchestrator');
  const { cosignedLog } = own('enactor');
  if (!integrator || !cosignedLog) throw new Error('not configured');
  const pager = { page: async () => {} };
  orchestrator = createOrchestratorActivities({ ...own('orchestrator'), integrator, pager, runs });
  enactor = createEnactorActivities({ ...own('enactor'), cosignedLog, pause: (ms) => sleep(ms) });
});
afterAll(() => env?.stop());

/** Alice's signed request, which no workflow takes up. */
async function record(changeId: string, label: string): Promise<Digest> {
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
  expect(await env.log.append([entry])).toEqual([expect.objectContaining({ fate: 'honoured' })]);
  return requestDigest;
}

async function planOf(changeId: string, label: string): Promise<PlanSummary> {
  const requestDigest = await record(changeId, label);
  const { summary } = await orchestrator.makePlan({ changeId, requestDigest, refused: false });
  if (summary === null) throw new Error('no plan');
  return summary;
}

function askVoters(changeId: string, { planDigest, planIndex }: PlanSummary): Promise<CastVote[]> {
  return Promise.all(
    VOTER_ZONES.map((voterZone) => {
      const voter = `voter.${voterZone}` as const;
      const zoneSwitch = createFileZoneSwitch(env.prepared.zoneSwitchFiles[voterZone] ?? '');
      return vote(
        { ...own(voter), voter, voterZone, zoneSwitch },
        { changeId, planDigest, planIndex, round: 1 },
      );
    }),
  );
}

async function approvalOf(changeId: string, planDigest: Digest): Promise<Envelope> {
  const issuedMs = Date.now();
  return signStatement(env.person('bob').signer, 'approval', {
    changeId,
    environment: env.name,
    approver: 'bob',
    decision: 'approve',
    planDigest,
    nonce: changeId,
    issuedAt: new Date(issuedMs).toISOString(),
    expiresAt: new Date(issuedMs + 60_000).toISOString(),
  });
}

async function order(changeId: string, { planDigest }: PlanSummary, stage: string): Promise<number> {
  const ordered = await orchestrator.orderStage({ changeId, planDigest, stage, verdict: null });
  if (ordered.status !== 'ordered') throw new Error(ordered.reason);
  return ordered.intentIndex;
}

/** The rules that the enactor names when it refuses, having written nothing. */
async function refusalOf(changeId: string, intentIndex: number): Promise<string[]> {
  const before = await env.dns.readZone(env.zone);
  const answer = await enactor.applyStage({ changeId, intentIndex });
  expect(await env.dns.readZone(env.zone)).toEqual(before);
  return answer.result === 'refused' ? answer.violations.map(({ rule }) => rule) : [answer.result];
}

describe('an orchestrator that lies', () => {
  test('gets a no from every voter for a plan that does not follow from the request', async () => {
    const honest = await planOf('forged', 'web');
    const plan = new TextDecoder().decode(await env.bodies.get(honest.planDigest));
    const forged: unknown = JSON.parse(plan.replaceAll(env.services.canary, env.services.broken));
    const planDigest = digestOf(forged);
    await own('orchestrator').bodies.put(canonicalBytes(forged));
    const cast = await askVoters('forged', { ...honest, planDigest });
    expect(cast).toHaveLength(3);
    for (const { vote } of cast) {
      expect(vote.decision).toBe('no');
      expect(vote.planDigest).toBe(honest.planDigest);
      expect(vote.reasons.map(({ rule }) => rule)).toEqual(['plan-does-not-follow']);
    }
  });

  test('cannot have a stage applied without enough votes, or without enough approvals', async () => {
    const summary = await planOf('unproven', 'shop');
    const { planDigest } = summary;
    expect(await refusalOf('unproven', await order('unproven', summary, '50%'))).toEqual([
      'votes',
      'approvals',
    ]);
    const votes = await askVoters('unproven', summary);
    await orchestrator.recordVotes({ envelopes: votes.slice(0, 1).map(({ envelope }) => envelope) });
    const decisions = [{ approval: await approvalOf('unproven', planDigest) }];
    await orchestrator.admitApprovals({ changeId: 'unproven', decisions });
    // The votes and approvals that do come, come after the intent: too late for it.
    const [intent] = (await env.log.sync()).changes.unproven?.intents ?? [];
    expect(await refusalOf('unproven', intent?.index ?? -1)).toEqual(['votes', 'approvals']);
  });

  test('cannot have the next stage applied without a passing verdict, and can always have it undone', async () => {
    const summary = await planOf('unwatched', 'db');
    const before = await env.dns.readZone(env.zone);
    const votes = await askVoters('unwatched', summary);
    await orchestrator.recordVotes({ envelopes: votes.map(({ envelope }) => envelope) });
    const decisions = [{ approval: await approvalOf('unwatched', summary.planDigest) }];
    await orchestrator.admitApprovals({ changeId: 'unwatched', decisions });
    const first = await order('unwatched', summary, '50%');
    expect(await enactor.applyStage({ changeId: 'unwatched', intentIndex: first })).toMatchObject({
      result: 'applied',
    });
    const second = await order('unwatched', summary, '100%');
    expect(await refusalOf('unwatched', second)).toEqual(['stage-verdict']);
    expect(await refusalOf('unwatched', first)).toEqual(['newest-intent']);

    expect(await enactor.rollBack({ changeId: 'unwatched', intentIndex: second })).toEqual({
      result: 'rolled-back',
      recorded: true,
      wasLive: true,
    });
    const after = await env.dns.readZone(env.zone);
    expect(after.recordSets).toEqual(before.recordSets);
    expect(after.fence).toBe(`${first}.r${second}`);
  });

  test('cannot have an intent applied over a write that it did not expect: the enactor never rebases', async () => {
    const summary = await planOf('overtaken', 'docs');
    const votes = await askVoters('overtaken', summary);
    await orchestrator.recordVotes({ envelopes: votes.map(({ envelope }) => envelope) });
    const decisions = [{ approval: await approvalOf('overtaken', summary.planDigest) }];
    await orchestrator.admitApprovals({ changeId: 'overtaken', decisions });
    const intentIndex = await order('overtaken', summary, '50%');
    expect(await runChange(env, 'overtaking', { label: 'mail' })).toBe('committed');
    expect(await refusalOf('overtaken', intentIndex)).toEqual(['stale-fence']);
    const { changes } = await env.log.sync();
    expect(changes.overtaken?.outcomes).toMatchObject([{ intentIndex, result: 'not-applied' }]);
  });
});

describe('an enactor that cannot reach the log', () => {
  test('moves nothing forward, and takes a stage back all the same: its outcome is recorded later', async () => {
    const changeId = 'log-down';
    const summary = await planOf(changeId, 'cache');
    const before = await env.dns.readZone(env.zone);
    const votes = await askVoters(changeId, summary);
    await orchestrator.recordVotes({ envelopes: votes.map(({ envelope }) => envelope) });
    const decisions = [{ approval: await approvalOf(changeId, summary.planDigest) }];
    await orchestrator.admitApprovals({ changeId, decisions });
    const intentIndex = await order(changeId, summary, '50%');
    const down = enactorWithoutLog();
    const unavailable = { code: 'STORE_UNAVAILABLE' };
    await expect(down.applyStage({ changeId, intentIndex })).rejects.toMatchObject(unavailable);
    expect(await env.dns.readZone(env.zone)).toEqual(before);

    expect(await enactor.applyStage({ changeId, intentIndex })).toMatchObject({ result: 'applied' });
    await expect(down.commit({ changeId })).rejects.toMatchObject(unavailable);
    const rolledBack = { result: 'rolled-back', wasLive: true };
    expect(await down.rollBack({ changeId, intentIndex })).toEqual({ ...rolledBack, recorded: false });
    expect((await env.dns.readZone(env.zone)).recordSets).toEqual(before.recordSets);
    expect(await enactor.rollBack({ changeId, intentIndex })).toEqual({ ...rolledBack, recorded: true });
    expect((await env.log.sync()).changes[changeId]?.outcomes).toMatchObject([
      { direction: 'forward', result: 'applied' },
      { direction: 'rollback', result: 'applied' },
    ]);
  });
});

describe('a trust document that has expired', () => {
  test('holds plan and order, is a veto, lets the enactor apply nothing, and take a stage back all the same', async () => {
    const changeId = 'expired';
    const summary = await planOf(changeId, 'web');
    const votes = await askVoters(changeId, summary);
    await orchestrator.recordVotes({ envelopes: votes.map(({ envelope }) => envelope) });
    const decisions = [{ approval: await approvalOf(changeId, summary.planDigest) }];
    await orchestrator.admitApprovals({ changeId, decisions });
    const before = await env.dns.readZone(env.zone);
    const intentIndex = await order(changeId, summary, '50%');

    const { expiresAt } = trustOf(await env.log.sync()).root;
    const clock = { nowMs: () => Date.parse(expiresAt) };
    const { integrator, ...late } = { ...own('orchestrator'), clock };
    const { cosignedLog, ...enacting } = { ...own('enactor'), clock };
    if (!integrator || !cosignedLog) throw new Error('not configured');
    const lateOrchestrator = createOrchestratorActivities({
      runs,
      ...late,
      integrator,
      pager: { page: async () => {} },
    });
    const lateEnactor = createEnactorActivities({ ...enacting, cosignedLog, pause: (ms) => sleep(ms) });

    const { requestDigest } = (await env.log.sync()).changes[changeId]?.request ?? {};
    if (!requestDigest) throw new Error('no request');
    const planned = await lateOrchestrator.makePlan({ changeId, requestDigest, refused: false });
    expect(planned.violations).toMatchObject([{ code: 'TRUST_EXPIRED' }]);
    const { planDigest } = summary;
    const ordered = await lateOrchestrator.orderStage({ changeId, planDigest, stage: '100%', verdict: null });
    expect(ordered).toMatchObject({ status: 'wait', code: 'TRUST_EXPIRED' });
    const { vote: late1a } = await vote(
      {
        ...{ ...own('voter.us-east-1a'), clock, voter: 'voter.us-east-1a', voterZone: 'us-east-1a' },
        zoneSwitch: createFileZoneSwitch(env.prepared.zoneSwitchFiles['us-east-1a'] ?? ''),
      },
      { changeId, planDigest, planIndex: summary.planIndex, round: 2 },
    );
    expect(late1a).toMatchObject({ decision: 'veto', reasons: [{ code: 'TRUST_EXPIRED' }] });
    expect(await lateEnactor.applyStage({ changeId, intentIndex })).toMatchObject({
      result: 'refused',
      violations: [{ code: 'TRUST_EXPIRED' }],
    });
    expect(await env.dns.readZone(env.zone)).toEqual(before);

    expect(await enactor.applyStage({ changeId, intentIndex })).toMatchObject({ result: 'applied' });
    expect(await lateEnactor.rollBack({ changeId, intentIndex })).toMatchObject({ result: 'rolled-back' });
    expect((await env.dns.readZone(env.zone)).recordSets).toEqual(before.recordSets);
  });
});

describe('a voter', () => {
  const NAME = 'voter.us-east-1a';
  const changeId = 'doubted';
  let summary: PlanSummary;
  let plannedAtMs: number;
  beforeAll(async () => {
    summary = await planOf(changeId, 'cache');
    plannedAtMs = Date.parse((await env.log.sync()).changes[changeId]?.plan?.at ?? '');
  });

  async function asked(change: Partial<OpenedPorts>) {
    const { planDigest, planIndex } = summary;
    const zoneSwitch = createFileZoneSwitch(env.prepared.zoneSwitchFiles['us-east-1a'] ?? '');
    const voting = { ...own(NAME), ...change, voter: NAME, voterZone: 'us-east-1a', zoneSwitch };
    return (await vote(voting, { changeId, planDigest, planIndex, round: 1 })).vote;
  }

  test('whose clock is more than half a minute behind that of the plan vetoes it', async () => {
    const behind = (ms: number) => asked({ clock: { nowMs: () => plannedAtMs - ms } });
    expect(await behind(30_000)).toMatchObject({ decision: 'yes', reasons: [] });
    expect(await behind(30_001)).toMatchObject({ decision: 'veto', reasons: [{ rule: 'clock-skew' }] });
  });

  test('that has not its copy of the policy says yes to nothing, and why', async () => {
    const digest = digestOf('a policy that is gone');
    const { log } = own(NAME);
    const { decision, reasons } = await asked({
      log: {
        ...log,
        async sync(...how) {
          const state = await log.sync(...how);
          return { ...state, live: { ...state.live, [PERMISSIONS_RESOURCE]: liveVersion({ digest }) } };
        },
      },
    });
    expect(decision).not.toBe('yes');
    expect(reasons.map(({ rule }) => rule)).toContain('policy-readable');
  });
});

/** With what it has folded before, and no way to read on or to write. */
function enactorWithoutLog(): ReturnType<typeof createEnactorActivities> {
  const { log, cosignedLog, ...ports } = own('enactor');
  if (!cosignedLog) throw new Error('not configured');
  const down = () => Promise.reject(new PortError('STORE_UNAVAILABLE', 'The log does not answer.'));
  return createEnactorActivities({
    ...ports,
    cosignedLog,
    log: { ...log, sync: down, append: down },
    pause: (ms) => sleep(ms),
  });
}
