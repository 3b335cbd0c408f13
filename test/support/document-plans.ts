import { buildDocumentPlan, targetBodies } from '../../domain/change/build-document-plan.ts';
import type { DocumentPlan } from '../../domain/change/document-plan.ts';
import { type ChangeRequest, parseChangeRequest } from '../../domain/change/request.ts';
import type { Violation } from '../../domain/errors.ts';
import { type Digest, digestOf } from '../../domain/evidence/canonical-json.ts';
import { judgeDocumentPlan } from '../../domain/invariants/judge-document-plan.ts';
import { readBody, referencesIn } from '../../domain/kinds/document-bodies.ts';
import { documentKindOf } from '../../domain/kinds/documents.ts';
import type { LiveVersion, LogState } from '../../domain/log/state.ts';
import { NOW_MS, POLICY } from './dns-plans.ts';
import { SOME_PERMISSIONS } from './some-permissions.ts';

/** Small scenes of documents for tests: what is live, a request against it, and what planner and judge make of both. */

export const TIMEOUTS_SCHEMA = {
  type: 'object',
  properties: {
    readMs: { type: 'integer', minimum: 1 },
    writeMs: { type: 'integer' },
    owner: { type: 'string' },
    tags: { type: 'array' },
  },
  required: ['readMs'],
  additionalProperties: false,
};

export const SCHEMA = 'schema/timeouts';
export const PAYMENTS = 'config/payments/timeouts';

export function config(value: object, schema = 'schema/timeouts@^1'): object {
  return { schema, value };
}

export function aSwitch(rest: object = {}): object {
  return {
    type: 'kill-switch',
    engaged: false,
    owner: 'team-trading',
    expiresAt: '2026-06-01T00:00:00Z',
    safeState: 'engaged',
    ...rest,
  };
}

/** Resource → body, or body and version. */
export type Documents = Record<string, object>;

export interface DocumentScene {
  live?: Documents;
  versions?: Record<string, string>;
  operations: object[];
  rollout?: object;
  dependsOn?: string[];
  emergency?: boolean;
}

export function requestFor(scene: DocumentScene): ChangeRequest {
  return parseChangeRequest({
    apiVersion: 'resilience-ctl/v1',
    kind: 'ChangeRequest',
    metadata: { environment: 'prod', reason: 'a test of the planner', emergency: scene.emergency ?? false },
    spec: {
      operations: scene.operations,
      dependsOn: scene.dependsOn ?? [],
      rollout: scene.rollout ?? {},
    },
  });
}

export function liveDocuments(documents: Documents, versions: Record<string, string> = {}) {
  const bodies = new Map<Digest, unknown>();
  const live: LogState['live'] = {};
  for (const [resource, raw] of Object.entries(documents)) {
    const kind = documentKindOf(resource);
    if (kind === null) throw new Error(`${resource} is no document`);
    const body = readBody(kind, raw);
    bodies.set(digestOf(body), body);
    live[resource] = liveDocument(digestOf(body), {
      version: versions[resource] ?? '1.0.0',
      dependsOn: referencesIn(kind, body),
    });
  }
  return { live, bodies };
}

export function liveDocument(digest: Digest | null, rest: Partial<LiveVersion> = {}): LiveVersion {
  return {
    digest,
    version: '1.0.0',
    versionDigest: null,
    parent: null,
    clock: 4,
    vector: { prod: 2 },
    dependsOn: [],
    changeId: 'chg-0',
    index: 3,
    canary: null,
    ...rest,
  };
}

export function planDocuments(scene: DocumentScene): {
  plan: DocumentPlan | null;
  violations: Violation[];
} {
  const request = requestFor(scene);
  return buildDocumentPlan({
    changeId: 'chg-1',
    environment: 'prod',
    request,
    requestDigest: digestOf(request),
    ...liveDocuments(scene.live ?? {}, scene.versions),
    policy: POLICY,
    permissions: SOME_PERMISSIONS,
  });
}

export function plannedDocuments(scene: DocumentScene): DocumentPlan {
  const { plan } = planDocuments(scene);
  if (plan === null) throw new Error('the scene has no plan');
  return plan;
}

/** Everything that the planner and the judge hold against a scene. */
export function judgeDocuments(scene: DocumentScene, nowMs = NOW_MS): Violation[] {
  const { plan, violations } = planDocuments(scene);
  if (plan === null) return violations;
  const request = requestFor(scene);
  const { live, bodies } = liveDocuments(scene.live ?? {}, scene.versions);
  const all = new Map([...bodies, ...targetBodies(request)]);
  return [...violations, ...judgeDocumentPlan(plan, { live, bodies: all, request, policy: POLICY, nowMs })];
}

/** `rule path` of everything held against a scene. */
export function faults(scene: DocumentScene, nowMs = NOW_MS): string[] {
  return judgeDocuments(scene, nowMs).map(({ rule, path }) => `${rule} ${path}`);
}
