import { approvalNeeds, missingApprovals, missingInWords } from '../domain/approval/missing-approvals.ts';
import type { Plan } from '../domain/change/plan.ts';
import type { Violation } from '../domain/errors.ts';
import { type Digest, parseJsonBytes } from '../domain/evidence/canonical-json.ts';
import { type ChangeRecord, type LogState, trustOf } from '../domain/log/state.ts';
import { actionQuestions, submissionQuestions } from '../domain/permissions/change-questions.ts';
import { judgePermissionsVersion, principalOf } from '../domain/permissions/in-force.ts';
import { openPermissions, type PermissionPorts } from './permissions.ts';
import { judgePolicies } from './plan-base.ts';

/**
 * Whether the policy in force still lets this change go forward: its author may have it carried out, and enough of its
 * approvals are by people who may approve it. Before its first effect the policy must also be the one that it was planned
 * under; once it is under way another policy stops it only by denying something. The enactor asks before each forward
 * effect, out of its own fold and its own readings. Returns every reason; throws only for a store that is down.
 */
export async function judgePermitted(
  ports: PermissionPorts,
  state: LogState,
  change: ChangeRecord,
  plan: Plan,
  intentIndex: number,
): Promise<Violation[]> {
  const permissions = await openPermissions(ports, state);
  const trust = trustOf(state);
  const { author } = change.request;
  const before = { ...change, acceptances: change.acceptances.filter(({ index }) => index < intentIndex) };
  const refusals = new Map(
    missingApprovals(before, approvalNeeds(plan), trust).given.map((approver) => [
      approver,
      permissions.judge(actionQuestions(plan, author, principalOf(trust, approver), 'approve')),
    ]),
  );
  const permitted = {
    ...before,
    acceptances: before.acceptances.filter((one) => (refusals.get(one.approver) ?? []).length === 0),
  };
  const barred = [...refusals.values()].flat();
  const { given, missing } = missingApprovals(permitted, approvalNeeds(plan), trust);
  const underWay = change.outcomes.some((one) => one.direction === 'forward' && one.result === 'applied');
  return [
    ...(underWay ? [] : judgePermissionsVersion(plan.permissions, permissions.version)),
    ...permissions.judge(submissionQuestions(plan, principalOf(trust, author), given.length)),
    // That too few people approved at all is for the bundle to say.
    ...(barred.length === 0 || missing.length === 0 ? [] : [...barred, notEnough(missingInWords(missing))]),
    ...judgePolicies({ ...ports, trust }, plan, await policyBodies(ports, plan)),
  ];
}

async function policyBodies({ bodies }: PermissionPorts, plan: Plan): Promise<Map<Digest, unknown>> {
  const policies = plan.kind === 'documents' ? plan.resources.filter(({ kind }) => kind === 'policy') : [];
  const digests = policies.map(({ targetDigest }) => targetDigest).filter((digest) => digest !== null);
  return new Map(
    await Promise.all(
      digests.map(async (digest) => [digest, parseJsonBytes(await bodies.get(digest))] as const),
    ),
  );
}

function notEnough(missing: string): Violation {
  return {
    code: 'NOT_PERMITTED',
    rule: 'permitted-approvals',
    message: `Of those who approved it, too few may under the policy in force. Missing: ${missing}.`,
    remedy: 'Nothing was written. Submit the change again, and have it approved by people who may.',
  };
}
