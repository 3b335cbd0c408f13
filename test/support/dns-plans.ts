import { buildPlan } from '../../domain/change/build-plan.ts';
import type { DnsPlan } from '../../domain/change/plan.ts';
import { type ChangeRequest, parseChangeRequest } from '../../domain/change/request.ts';
import type { Violation } from '../../domain/errors.ts';
import type { Policy } from '../../domain/evidence/trust.ts';
import { judgePlan } from '../../domain/invariants/judge-plan.ts';
import type { RecordSet, RecordType, ZoneState } from '../../domain/kinds/dns-records.ts';
import type { LogState } from '../../domain/log/state.ts';
import { peopleNeeded } from './approval-rules.ts';
import { SOME_PERMISSIONS } from './some-permissions.ts';

/** Small DNS scenes for tests: a zone, a request against it, and what the planner and the judge make of both. */

export const ZONE = 'example.com';
export const NOW_MS = Date.parse('2026-03-01T12:00:00.000Z');

export const POLICY: Policy = {
  approvals: peopleNeeded({ standard: 1, critical: 2, emergency: 2, brake: 1 }),
  votes: { standard: 2, critical: 3, emergency: 3, brake: 2 },
  rateLimits: { perMinute: 600, burst: 1200 },
  probeAllowList: ['192.0.2.0/24', '2001:db8::/32'],
  limits: { minTtlSeconds: 0, maxTtlSeconds: 86_400, maxZoneShare: 0.3, smallZoneSize: 10 },
};

export const PROBE = { port: 8080, host: 'api.example.com' };

export function record(
  label: string,
  type: RecordType,
  values: string[],
  rest: Partial<RecordSet> = {},
): RecordSet {
  const name = label === '@' ? ZONE : `${label}.${ZONE}`;
  return { name, type, ttlSeconds: 60, values, ...rest };
}

export function zoneOf(recordSets: RecordSet[], rest: Partial<ZoneState> = {}): ZoneState {
  const opaque = [
    { name: ZONE, type: 'NS' },
    { name: ZONE, type: 'SOA' },
  ];
  return { zone: ZONE, fence: null, recordSets, opaque, ...rest };
}

/** Records that nobody in a test touches, so that shares and small zones stay out of the way. */
export function bystanders(count: number): RecordSet[] {
  return Array.from({ length: count }, (_, index) => record(`host-${index}`, 'A', ['192.0.2.200']));
}

export function set(label: string, type: RecordType, values: string[], ttl = 60): object {
  return { set: `dns/${ZONE}/${label}/${type}`, body: { ttl, values } };
}

export function setWeighted(
  label: string,
  type: RecordType,
  weights: Record<string, [number, string]>,
): object {
  const weighted = Object.entries(weights).map(([id, [weight, value]]) => ({ id, weight, values: [value] }));
  return { set: `dns/${ZONE}/${label}/${type}`, body: { ttl: 60, weighted } };
}

export function remove(label: string, type: RecordType): object {
  return { remove: `dns/${ZONE}/${label}/${type}` };
}

interface RequestParts {
  rollout?: object;
  dependsOn?: string[];
  emergency?: boolean;
}

export function requestOf(operations: object[], parts: RequestParts = {}): ChangeRequest {
  return parseChangeRequest({
    apiVersion: 'resilience-ctl/v1',
    kind: 'ChangeRequest',
    metadata: { environment: 'prod', reason: 'a test of the planner', emergency: parts.emergency ?? false },
    spec: {
      operations,
      dependsOn: parts.dependsOn ?? [],
      rollout: { probe: PROBE, ...parts.rollout },
    },
  });
}

export interface Scene extends RequestParts {
  zone: ZoneState;
  operations: object[];
  live?: LogState['live'];
  recentCommits?: LogState['recentCommits'];
  policy?: Policy;
}

export function planScene(scene: Scene): { plan: DnsPlan | null; violations: Violation[] } {
  return buildPlan({
    changeId: 'chg-1',
    environment: 'prod',
    request: requestOf(scene.operations, scene),
    requestDigest: `sha256:${'0'.repeat(64)}`,
    zone: scene.zone,
    live: scene.live ?? {},
    policy: scene.policy ?? POLICY,
    zones: [ZONE, 'example.org'],
    permissions: SOME_PERMISSIONS,
  });
}

export function plannedScene(scene: Scene): DnsPlan {
  const { plan } = planScene(scene);
  if (plan === null) throw new Error('the scene has no plan');
  return plan;
}

/** Everything that the planner and the judge hold against a scene. */
export function judgeScene(scene: Scene, edit: (plan: DnsPlan) => DnsPlan = (plan) => plan): Violation[] {
  const { plan, violations } = planScene(scene);
  if (plan === null) return violations;
  const facts = {
    zone: scene.zone,
    live: scene.live ?? {},
    recentCommits: scene.recentCommits ?? [],
    policy: scene.policy ?? POLICY,
    nowMs: NOW_MS,
  };
  return [...violations, ...judgePlan(edit(plan), facts)];
}

export function rulesOf(violations: readonly Violation[]): string[] {
  return [...new Set(violations.map((violation) => violation.rule))].sort();
}

export function liveVersion(rest: Partial<LogState['live'][string]> = {}): LogState['live'][string] {
  return {
    digest: `sha256:${'1'.repeat(64)}`,
    version: null,
    versionDigest: null,
    parent: null,
    canary: null,
    clock: 1,
    vector: {},
    dependsOn: [],
    changeId: 'chg-0',
    index: 3,
    ...rest,
  };
}
