import { blastRadius } from '../causality/blast-radius.ts';
import { dependencyTarget } from '../causality/dependency.ts';
import { dependentsIndex } from '../causality/dependency-graph.ts';
import { merge, type VectorClock } from '../causality/vector-clock.ts';
import type { Violation } from '../errors.ts';
import { type Digest, digestOf } from '../evidence/canonical-json.ts';
import type { Policy } from '../evidence/trust.ts';
import { configScope } from '../kinds/config-layers.ts';
import { directionIn, ownersIn, readBody, referencesIn } from '../kinds/document-bodies.ts';
import { type DocumentKind, documentKindOf } from '../kinds/documents.ts';
import type { LogState } from '../log/state.ts';
import type { PermissionsVersion } from '../permissions/in-force.ts';
import { assessDocumentRisk } from './assess-document-risk.ts';
import { nextClock } from './build-plan.ts';
import { diffDocuments } from './document-diff.ts';
import type { DocumentPlan, PlannedDocument } from './document-plan.ts';
import { defaultStrategy, documentStages } from './document-rollout.ts';
import { nextVersion, versionProblem } from './document-version.ts';
import { bodyOf, governedDocuments, isChanged } from './governed-document.ts';
import { type ChangeRequest, isAboutDocument, type Operation, resourceOf } from './request.ts';

export interface DocumentPlanInput {
  changeId: string;
  environment: string;
  request: ChangeRequest;
  requestDigest: Digest;
  live: LogState['live'];
  /** Parsed bodies by digest: those of `liveBodiesJudged`, or more. */
  bodies: ReadonlyMap<Digest, unknown>;
  policy: Policy;
  permissions: PermissionsVersion;
}

/**
 * Plans a request for documents against the live state: a pure function, equal for everyone who sees the same, so
 * that a voter who plans again gets the same digest. What is live elsewhere matters only as far as it depends on what
 * the plan touches. The plan's bodies are `targetBodies(request)`.
 *
 * The plan is null when the operations are not about documents; otherwise it comes beside its violations, so that
 * `judgeDocumentPlan` can add its own and the author sees all at once. Throws `NOT_FOUND` for a live body that was not
 * loaded.
 */
export function buildDocumentPlan(input: DocumentPlanInput): {
  plan: DocumentPlan | null;
  violations: Violation[];
} {
  const { request, live } = input;
  const stray = request.spec.operations.filter((operation) => !isAboutDocument(operation));
  if (stray.length > 0) return { plan: null, violations: [otherTarget(stray.map(resourceOf))] };

  const targets = targetBodies(request);
  const bodies = new Map([...input.bodies, ...targets]);
  const drafts = request.spec.operations.map((operation, i) => planDocument(operation, i, live, bodies));
  const resources = drafts.map((draft) => draft.document);
  const dependsOn = [...new Set(request.spec.dependsOn)].sort();
  const needed = [...dependsOn, ...resources.flatMap((one) => one.dependsOn)];
  const { rollout } = request.spec;
  const kinds = resources.map((one) => one.kind);
  const strategy = rollout.strategy ?? defaultStrategy(kinds, rollout);
  const { stages, violations } = documentStages(strategy, rollout, kinds);
  const reached = reachOf(resources, live);
  const plan: DocumentPlan = {
    apiVersion: 'resilience-ctl/plan/v1',
    changeId: input.changeId,
    requestDigest: input.requestDigest,
    environment: input.environment,
    kind: 'documents',
    resources,
    dependsOn,
    strategy,
    stages,
    rollout: {
      bakeMs: Math.ceil(rollout.bakeSeconds * 1000),
      minimumSamples: rollout.minimumSamples,
      ...(rollout.consumers && { consumers: rollout.consumers }),
    },
    blastRadius: reached,
    risk: assessDocumentRisk({
      documents: governedDocuments({ resources }, bodies),
      strategy,
      blastRadius: reached,
      emergency: request.metadata.emergency,
    }),
    vector: vectorOf([...resources.map((one) => one.resource), ...needed], live),
    clock: nextClock(resources, needed, live),
    permissions: input.permissions,
  };
  return {
    plan,
    violations: [...nothingToChange(resources), ...drafts.flatMap((one) => one.violations), ...violations],
  };
}

/** The bodies that a request declares, in canonical form, by their digest: what the plan's `targetDigest`s name. */
export function targetBodies(request: ChangeRequest): Map<Digest, unknown> {
  const bodies = request.spec.operations.flatMap((operation) => {
    const kind = documentKindOf(resourceOf(operation));
    return 'set' in operation && kind !== null ? [readBody(kind, operation.body)] : [];
  });
  return new Map(bodies.map((body) => [digestOf(body), body]));
}

function otherTarget(resources: readonly string[]): Violation {
  return {
    code: 'SCHEMA_INVALID',
    rule: 'one-target',
    path: 'spec.operations',
    message: `No document: ${resources.join(', ')}. One request moves documents, or records of one zone.`,
    remedy: 'Make a request of its own for them, and let one declare dependsOn the other.',
  };
}

function planDocument(
  operation: Operation,
  position: number,
  live: LogState['live'],
  bodies: ReadonlyMap<Digest, unknown>,
): { document: PlannedDocument; violations: Violation[] } {
  const resource = resourceOf(operation);
  const kind: DocumentKind = documentKindOf(resource) ?? 'config';
  const version = live[resource];
  const baseDigest = version?.digest ?? null;
  const before = bodyOf(kind, baseDigest, bodies);
  const after = 'set' in operation ? readBody(kind, operation.body) : null;
  const targetDigest = after === null ? null : digestOf(after);
  const succession = { kind, last: version?.version ?? null, before, after };
  const chosen = 'version' in operation ? operation.version : undefined;
  const next = chosen ?? nextVersion(succession);
  const problem = versionProblem(chosen, succession);
  return {
    document: {
      resource,
      kind,
      baseDigest,
      baseVersion: baseDigest === null ? null : succession.last,
      targetDigest,
      targetVersion: targetDigest === null ? null : next,
      dependsOn: after === null ? [] : referencesIn(kind, after),
      edits: diffDocuments(before ?? undefined, after ?? undefined),
      owners: ownersIn(kind, before ?? after),
      direction: directionIn(kind, before, after),
    },
    violations:
      problem === null
        ? []
        : [
            {
              code: 'INVARIANT_VIOLATED',
              rule: 'version-ascends',
              path: `spec.operations[${position}].version`,
              message: `The version ${chosen} of ${resource} ${problem}.`,
              remedy: 'Leave out the version to get the next one, or choose one that follows.',
            },
          ],
  };
}

/** What depends on the documents. A service's config depends on the layers under it without saying so. */
function reachOf(resources: readonly PlannedDocument[], live: LogState['live']): string[] {
  const dependents = new Map(dependentsIndex(live));
  const configs = Object.keys(live)
    .filter((one) => documentKindOf(one) === 'config' && live[one]?.digest !== null)
    .map((resource) => ({ resource, ...configScope(resource) }));
  const readers = Map.groupBy(
    configs.filter((one) => !one.isLayer),
    (one) => one.document,
  );
  const layers = [...configs, ...resources.map((one) => ({ ...one, ...configScope(one.resource) }))];
  for (const { resource, isLayer, document } of layers) {
    if (!isLayer) continue;
    const above = readers.get(document)?.map((one) => one.resource) ?? [];
    dependents.set(resource, [...new Set([...(dependents.get(resource) ?? []), ...above])]);
  }
  return blastRadius(
    resources.map((one) => one.resource),
    dependents,
  );
}

/** What the versions that a plan replaces, or depends on, had seen. */
function vectorOf(named: readonly string[], live: LogState['live']): VectorClock {
  const targets = new Set(named.map(dependencyTarget));
  return Object.entries(live)
    .filter(([resource, { changeId }]) => targets.has(resource) || targets.has(`change/${changeId}`))
    .reduce<VectorClock>((seen, [, version]) => merge(seen, version.vector), {});
}

function nothingToChange(resources: readonly PlannedDocument[]): Violation[] {
  if (resources.some(isChanged)) return [];
  return [
    {
      code: 'INVARIANT_VIOLATED',
      rule: 'nothing-to-change',
      path: 'spec.operations',
      message: 'Everything that the request asks for is already live.',
      remedy: 'Nothing is left to do; withdraw the request, or correct what it asks for.',
    },
  ];
}
