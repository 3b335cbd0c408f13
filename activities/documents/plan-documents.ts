import { judgeDocumentCausality } from '../../domain/causality/judge-document-causality.ts';
import { buildDocumentPlan, targetBodies } from '../../domain/change/build-document-plan.ts';
import { type ChangeRequest, resourceOf } from '../../domain/change/request.ts';
import { DomainError } from '../../domain/errors.ts';
import { type Digest, parseJsonBytes } from '../../domain/evidence/canonical-json.ts';
import { judgeDocumentPlan } from '../../domain/invariants/judge-document-plan.ts';
import { liveBodiesJudged } from '../../domain/invariants/live-bodies-judged.ts';
import { type LogState, trustOf } from '../../domain/log/state.ts';
import { permissionsInForce } from '../../domain/permissions/in-force.ts';
import type { PlannedAtTarget, PlanningInput, PlanningPorts } from '../planned.ts';
import type { Bodies } from '../ports/bodies.ts';

/** Plans a request against the documents that the log says are live. */
export async function planDocuments(
  ports: PlanningPorts,
  change: PlanningInput,
  state: LogState,
): Promise<PlannedAtTarget> {
  const { environment } = ports;
  const trust = trustOf(state);
  const { policy } = trust;
  const { request } = change;
  const bodies = await parsedBodies(ports.bodies, liveBodiesJudged(request, state.live));
  const { plan, violations } = buildDocumentPlan({
    ...change,
    environment,
    live: state.live,
    bodies,
    policy,
    permissions: permissionsInForce(state.live, trust),
  });
  if (plan === null) return { plan, violations };
  const newBodies = targetBodies(request);
  const known = new Map([...bodies, ...newBodies]);
  const seen = request.spec.vector ?? null;
  const withBases = new Map([...known, ...(await authorsBases(ports.bodies, request, known))]);
  return {
    plan,
    violations,
    judgeCausality: () => judgeDocumentCausality({ ...change, plan, state, seen, bodies: withBases }),
    judgeInvariants: (nowMs) =>
      judgeDocumentPlan(plan, { bodies: known, live: state.live, request, policy, nowMs }),
    newBodies,
    reading: null,
  };
}

/** What the author started from, where somebody has changed it since: only to show both sides. */
async function authorsBases(
  bodies: Bodies,
  { spec }: ChangeRequest,
  known: ReadonlyMap<Digest, unknown>,
): Promise<[Digest, unknown][]> {
  const changed = new Set(spec.operations.map(resourceOf));
  const missing = Object.entries(spec.base)
    .filter(([resource]) => changed.has(resource))
    .map(([, digest]) => digest)
    .filter((digest) => digest !== null && !known.has(digest));
  const found = await Promise.all(
    missing.map(async (digest): Promise<[Digest, unknown][]> => {
      if (digest === null) return [];
      try {
        return [[digest, parseJsonBytes(await bodies.get(digest))]];
      } catch (error) {
        // An author may name what was never here; that it is not live is said all the same.
        if (error instanceof DomainError && error.code === 'NOT_FOUND') return [];
        throw error;
      }
    }),
  );
  return found.flat();
}

/** A layer may lie under thousands of services: with all their bodies asked for at once, connections time out. */
const READ_AT_ONCE = 16;

async function parsedBodies(bodies: Bodies, digests: ReadonlySet<Digest>): Promise<Map<Digest, unknown>> {
  const parsed = new Map<Digest, unknown>();
  const next = digests.values();
  await Promise.all(
    Array.from({ length: READ_AT_ONCE }, async () => {
      for (const digest of next) parsed.set(digest, parseJsonBytes(await bodies.get(digest)));
    }),
  );
  return parsed;
}
