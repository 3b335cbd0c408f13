import { judgeOwners } from '../domain/approval/missing-approvals.ts';
import { targetBodies } from '../domain/change/build-document-plan.ts';
import type { Plan } from '../domain/change/plan.ts';
import { resourceOf } from '../domain/change/request.ts';
import type { Violation } from '../domain/errors.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import type { TrustDocument } from '../domain/evidence/trust.ts';
import { readBody } from '../domain/kinds/document-bodies.ts';
import { documentKindOf } from '../domain/kinds/documents.ts';
import { type LogState, trustOf } from '../domain/log/state.ts';
import { submissionQuestions } from '../domain/permissions/change-questions.ts';
import { principalOf } from '../domain/permissions/in-force.ts';
import { judgePolicy } from '../domain/permissions/judge-policy.ts';
import { planZone } from './dns/plan-zone.ts';
import { planDocuments } from './documents/plan-documents.ts';
import { openPermissions } from './permissions.ts';
import type { Planned, PlanningInput, PlanningPorts } from './planned.ts';

/**
 * Reads the target and plans the request against it: the same for the orchestrator, for each voter, and for the
 * author's preview. One change has one target; a batch that mixes them is refused by whichever plans it.
 */
export async function planHere(
  ports: PlanningPorts,
  change: PlanningInput,
  state: LogState,
): Promise<Planned> {
  const [first] = change.request.spec.operations;
  const isDocument = first !== undefined && documentKindOf(resourceOf(first)) !== null;
  const planned = await (isDocument ? planDocuments : planZone)(ports, change, state);
  if (planned.plan === null) return planned;
  const { plan } = planned;
  const trust = trustOf(state);
  const permissions = await openPermissions(ports, state);
  const needed = trust.policy.approvals[plan.risk.class].people;
  return {
    ...planned,
    judgeInvariants: (nowMs) => [
      ...planned.judgeInvariants(nowMs),
      ...judgePolicies({ ...ports, trust }, plan, targetBodies(change.request)),
    ],
    judgePermissions: (author) => [
      ...permissions.judge(submissionQuestions(plan, principalOf(trust, author), needed)),
      ...judgeOwners(plan, author, trust),
    ],
  };
}

/** The policies that a plan would put into force. `bodies`: those of its targets, by digest. */
export function judgePolicies(
  { trust, policyEngine }: Pick<PlanningPorts, 'policyEngine'> & { trust: TrustDocument },
  plan: Plan,
  bodies: ReadonlyMap<Digest, unknown>,
): Violation[] {
  if (plan.kind !== 'documents') return [];
  return plan.resources.flatMap(({ kind, resource, targetDigest }, position): Violation[] => {
    if (kind !== 'policy') return [];
    const path = `spec.operations[${position}]`;
    if (targetDigest === null) return [neverRemoved(resource, path)];
    return judgePolicy(readBody(kind, bodies.get(targetDigest)), trust, policyEngine, `${path}.body`);
  });
}

function neverRemoved(resource: string, path: string): Violation {
  return {
    code: 'INVARIANT_VIOLATED',
    rule: 'policy-stays',
    path,
    message: `${resource} is replaced, never removed: without it an older text would be in force again.`,
    remedy: 'Set the policy that is to apply.',
  };
}
