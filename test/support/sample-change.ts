import type { DnsPlan, Stage } from '../../domain/change/plan.ts';
import { type ChangeRequest, changeRequestSchema } from '../../domain/change/request.ts';
import { type Digest, digestOf } from '../../domain/evidence/canonical-json.ts';
import type { VotePredicate } from '../../domain/evidence/statements.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import type { RecordSet } from '../../domain/kinds/dns-records.ts';
import { type ChangeRecord, emptyLogState, type LiveVersion, type LogState } from '../../domain/log/state.ts';
import { DEFAULT_POLICY } from '../../domain/permissions/default-policy.ts';
import { permissionsInForce } from '../../domain/permissions/in-force.ts';
import { peopleNeeded } from './approval-rules.ts';
import { sampleTransparency } from './sample-log.ts';

/** One change of `dns/example.com/api/A` by ada, whole and in order up to its second intent, for tests to break. */

export const ENVIRONMENT = 'prod';
export const ZONE = 'example.com';
export const API = 'dns/example.com/api/A';
export const CHANGE_ID = 'chg-1';
export const AT = '2026-01-01T00:00:00.000Z';

export function keyOf(holder: string): Digest {
  return digestOf(`key of ${holder}`);
}

export function sampleTrust(): TrustDocument {
  const keys = (...holders: string[]) =>
    holders.map((holder) => ({ keyId: keyOf(holder), publicKey: 'AA==' }));
  const voter = (voterZone: string) => ({
    name: `voter.${voterZone}`,
    role: 'voter' as const,
    voterZone,
    keys: keys(voterZone),
  });
  return {
    apiVersion: 'resilience-ctl/trust/v1',
    environment: ENVIRONMENT,
    version: 1,
    root: {
      keys: keys('root').map((one) => ({ ...one, holder: 'root' })),
      threshold: 1,
      expiresAt: '2036-01-01T00:00:00.000Z',
    },
    people: [
      {
        subject: 'ada',
        roles: ['author', 'approver'],
        teams: ['payments'],
        secondFactors: [],
        keys: keys('ada', 'ada-2'),
      },
      {
        subject: 'bob',
        roles: ['approver'],
        teams: ['payments'],
        secondFactors: [],
        keys: keys('bob', 'bob-2'),
      },
      { subject: 'cyd', roles: ['approver'], teams: ['payments'], secondFactors: [], keys: keys('cyd') },
      { subject: 'dan', roles: ['author'], teams: ['payments'], secondFactors: [], keys: keys('dan') },
    ],
    services: [
      voter('a'),
      voter('b'),
      voter('c'),
      { name: 'enactor', role: 'enactor', keys: keys('enactor') },
    ],
    transparency: sampleTransparency(ENVIRONMENT),
    targets: [{ zone: ZONE, hostedZoneId: 'Z1' }],
    permissions: { cedar: DEFAULT_POLICY },
    policy: {
      approvals: peopleNeeded({ standard: 1, critical: 2, emergency: 2, brake: 1 }),
      votes: { standard: 2, critical: 3, emergency: 3, brake: 2 },
      rateLimits: { perMinute: 600, burst: 1200 },
      probeAllowList: [],
      limits: { minTtlSeconds: 0, maxTtlSeconds: 86_400, maxZoneShare: 0.3, smallZoneSize: 5 },
    },
  };
}

export function addressSet(name: string, value: string): RecordSet {
  return { name, type: 'A', ttlSeconds: 1, values: [value] };
}

export function sampleRequest(spec: Partial<ChangeRequest['spec']> = {}): ChangeRequest {
  const request = changeRequestSchema.parse({
    apiVersion: 'resilience-ctl/v1',
    kind: 'ChangeRequest',
    metadata: { environment: ENVIRONMENT, reason: 'move the api to new machines' },
    spec: { operations: [{ set: API, body: { ttl: 1, values: ['192.0.2.2'] } }] },
  });
  return { ...request, spec: { ...request.spec, ...spec } };
}

export function samplePlan(request = sampleRequest(), change: Partial<DnsPlan> = {}): DnsPlan {
  const before = [addressSet('api.example.com', '192.0.2.1')];
  const after = [addressSet('api.example.com', '192.0.2.2')];
  const stage = (name: string, percent: number, baked: boolean): Stage => ({
    name,
    percent,
    live: after,
    changes: after.map((recordSet) => ({ action: 'CREATE', recordSet })),
    inverse: [...after, ...before].map((recordSet, i) => ({
      action: i === 0 ? 'DELETE' : 'CREATE',
      recordSet: { ...recordSet, ttlSeconds: percent },
    })),
    baked,
  });
  return {
    apiVersion: 'resilience-ctl/plan/v1',
    changeId: CHANGE_ID,
    requestDigest: digestOf(request),
    environment: ENVIRONMENT,
    kind: 'dns',
    zone: ZONE,
    resources: [
      {
        resource: API,
        before,
        after,
        baseDigest: digestOf(before),
        targetDigest: digestOf(after),
        committedDigest: null,
      },
    ],
    dependsOn: [],
    stages: [stage('50%', 50, true), stage('100%', 100, true), stage('final', 100, false)],
    rollout: { bakeMs: 0, minimumSamples: 5, probe: null },
    risk: { score: 80, class: 'critical', reasons: [] },
    clock: 1,
    permissions: permissionsInForce({}, sampleTrust()),
    ...change,
  };
}

export function sampleVote(
  voterZone: string,
  planDigest: Digest,
  vote: Partial<VotePredicate> = {},
): VotePredicate {
  return {
    changeId: CHANGE_ID,
    environment: ENVIRONMENT,
    voter: `voter.${voterZone}`,
    voterZone,
    round: 1,
    decision: 'yes',
    planDigest,
    reasons: [],
    observation: {
      baseDigest: digestOf('base'),
      logSize: 3,
      frozen: false,
      zoneHealthy: true,
      clockSkewMs: 0,
    },
    at: AT,
    ...vote,
  };
}

/** Request 1, plan 2, votes 3–5, bob 6, cyd 7, intent `50%` 8, its outcome 9, its verdict 10, intent `100%` 11. */
export function sampleRecord(plan = samplePlan()): ChangeRecord {
  const planDigest = digestOf(plan);
  const of = { changeId: CHANGE_ID, environment: ENVIRONMENT, planDigest, at: AT };
  const arm = {
    samples: 5,
    errors: 0,
    resolvedSamples: 0,
    resolvedErrors: 0,
    latencyP50Ms: 1,
    latencyP99Ms: 1,
  };
  const intent = (index: number, stage: number) => ({
    ...of,
    index,
    stage: plan.stages[stage]?.name ?? '',
    zone: ZONE,
    expectedFence: null,
    inverseDigest: digestOf(plan.stages[stage]?.inverse),
  });
  const accepted = (index: number, approver: string) => ({
    ...of,
    index,
    accepted: true,
    reasons: [],
    approver,
    decision: 'approve' as const,
    nonce: `nonce-${approver}`,
    mfa: null,
  });
  return {
    changeId: CHANGE_ID,
    request: {
      index: 1,
      changeId: CHANGE_ID,
      environment: ENVIRONMENT,
      author: 'ada',
      requestDigest: plan.requestDigest,
      resources: plan.resources.map((one) => one.resource),
      dependsOn: plan.dependsOn,
      emergency: false,
      nonce: 'nonce-request',
      at: AT,
    },
    plan: {
      ...of,
      index: 2,
      requestDigest: plan.requestDigest,
      resources: plan.resources.map((one) => one.resource),
      zone: plan.zone,
      riskClass: plan.risk.class,
      logSize: 2,
    },
    votes: ['a', 'b', 'c'].map((zone, i) => ({ ...sampleVote(zone, planDigest), index: 3 + i })),
    acceptances: [accepted(6, 'bob'), accepted(7, 'cyd')],
    intents: [intent(8, 0), intent(11, 1)],
    outcomes: [
      {
        ...of,
        index: 9,
        stage: '50%',
        intentIndex: 8,
        direction: 'forward',
        result: 'applied',
        fence: '8',
        reason: '',
      },
    ],
    rulings: [],
    verdicts: [
      {
        ...of,
        index: 10,
        stage: '50%',
        intentIndex: 8,
        verdict: 'pass',
        reasons: [],
        arms: { stable: arm, canary: arm },
        bakeStartedAt: AT,
      },
    ],
    exposures: [],
  };
}

export function sampleState(live: Record<string, Partial<LiveVersion>> = {}): LogState {
  const state = emptyLogState(ENVIRONMENT, sampleTrust());
  for (const [resource, version] of Object.entries(live)) {
    const made = {
      digest: digestOf(resource),
      version: null,
      versionDigest: null,
      parent: null,
      canary: null,
      clock: 1,
      vector: {},
      dependsOn: [],
      changeId: `made-${resource}`,
      index: 0,
    };
    state.live[resource] = { ...made, ...version };
  }
  return state;
}
