import { judgeDocumentCausality } from '../../domain/causality/judge-document-causality.ts';
import { buildDocumentPlan, targetBodies } from '../../domain/change/build-document-plan.ts';
import { type Digest, parseJsonBytes } from '../../domain/evidence/canonical-json.ts';
import { judgeDocumentPlan } from '../../domain/invariants/judge-document-plan.ts';
import { documentKindOf } from '../../domain/kinds/documents.ts';
import type { LogState } from '../../domain/log/state.ts';
import type { Planned, PlanningInput, PlanningPorts } from '../plan-base.ts';
import type { Bodies } from '../ports/bodies.ts';

/** Plans a request against the documents that the log says are live. */
export async function planDocuments(
  ports: PlanningPorts,
  change: PlanningInput,
  state: LogState,
): Promise<Planned> {
  const { environment, trust } = ports;
  const { policy } = trust;
  const { request } = change;
  const bodies = await liveBodies(ports.bodies, state);
  const { plan, violations } = buildDocumentPlan({
    ...change,
    environment,
    live: state.live,
    bodies,
    policy,
  });
  if (plan === null) return { plan, violations };
  const newBodies = targetBodies(request);
  const known = new Map([...bodies, ...newBodies]);
  return {
    plan,
    violations,
    judgeCausality: () =>
      judgeDocumentCausality({ ...change, plan, state, seen: plan.vector, bodies: known }),
    judgeInvariants: (nowMs) =>
      judgeDocumentPlan(plan, { bodies: known, live: state.live, request, policy, nowMs }),
    newBodies,
    reading: null,
  };
}

/** The parsed body of every live document. */
async function liveBodies(bodies: Bodies, { live }: LogState): Promise<Map<Digest, unknown>> {
  const digests = new Set<Digest>();
  for (const [resource, { digest }] of Object.entries(live)) {
    if (digest !== null && documentKindOf(resource) !== null) digests.add(digest);
  }
  const parsed = await Promise.all(
    [...digests].map(async (digest) => [digest, parseJsonBytes(await bodies.get(digest))] as const),
  );
  return new Map(parsed);
}
