import { type Plan, zoneOf } from '../domain/change/plan.ts';
import type { Violation } from '../domain/errors.ts';
import { canonicalBytes, type Digest, digestOf } from '../domain/evidence/canonical-json.ts';
import type { TrustDocument } from '../domain/evidence/trust.ts';
import { judgeExpiry } from '../domain/evidence/trust-succession.ts';
import { trustOf } from '../domain/log/state.ts';
import { indexOfFate } from './fates.ts';
import { planHere } from './plan-base.ts';
import { loadRequest, openChange } from './recorded-change.ts';
import type { OrchestratorPorts } from './role-ports.ts';
import { signDecision } from './sign-decision.ts';

/** What the workflow needs to know of a plan; the plan itself is a body, by digest. */
export interface PlanSummary {
  planDigest: Digest;
  planIndex: number;
  risk: Plan['risk'];
  approvalsNeeded: number;
  votesNeeded: number;
  stages: { name: string; percent: number; baked: boolean }[];
  bakeMs: number;
}

/**
 * Phase `plan`: the exact diff, its stages, its inverse and its risk, judged on the state that would exist. Recorded
 * only when nothing, here or in the phases before (`refused`), stands against it.
 */
export async function makePlan(
  ports: OrchestratorPorts,
  input: { changeId: string; requestDigest: Digest; refused: boolean },
): Promise<{ violations: Violation[]; summary: PlanSummary | null }> {
  const state = await ports.log.sync();
  const request = await loadRequest(ports.bodies, input.requestDigest);
  const planned = await planHere(ports, { ...input, request }, state);
  const violations = [...planned.violations];
  if (planned.plan === null) return { violations, summary: null };

  const { plan } = planned;
  const { policy } = trustOf(state);
  const nowMs = ports.clock.nowMs();
  const { author } = openChange(state, input.changeId).request;
  violations.push(
    ...judgeExpiry(trustOf(state), nowMs),
    ...planned.judgeInvariants(nowMs),
    ...planned.judgePermissions(author),
  );
  if (violations.length > 0 || input.refused) return { violations, summary: null };

  // Bodies first, then the entry that names them; only its signature does not wait.
  const planDigest = digestOf(plan);
  const { reading } = planned;
  const bodies = [...planned.newBodies.values(), plan, ...(reading === null ? [] : [reading])];
  const [entry] = await Promise.all([
    signDecision(ports, 'plan', {
      changeId: plan.changeId,
      environment: plan.environment,
      requestDigest: plan.requestDigest,
      planDigest,
      resources: plan.resources.map((resource) => resource.resource),
      zone: zoneOf(plan),
      riskClass: plan.risk.class,
      logSize: state.size,
      ...(reading === null ? {} : { readingDigest: digestOf(reading) }),
      at: new Date(nowMs).toISOString(),
    }),
    ...bodies.map((body) => ports.bodies.put(canonicalBytes(body))),
  ]);
  const [fate] = await ports.log.append([entry]);
  return {
    violations,
    summary: summaryOf(plan, { planDigest, index: indexOfFate(fate), policy }),
  };
}

/** `index`: of the entry that records the plan. */
export function summaryOf(
  plan: Plan,
  recorded: { planDigest: Digest; index: number; policy: TrustDocument['policy'] },
): PlanSummary {
  const { planDigest, index, policy } = recorded;
  return {
    planDigest,
    planIndex: index,
    risk: plan.risk,
    approvalsNeeded: policy.approvals[plan.risk.class].people,
    votesNeeded: policy.votes[plan.risk.class],
    stages: plan.stages.map(({ name, percent, baked }) => ({ name, percent, baked })),
    bakeMs: plan.rollout.bakeMs,
  };
}
