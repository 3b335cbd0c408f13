import type { Violation } from '../errors.ts';
import { type Digest, digestOf } from '../evidence/canonical-json.ts';
import type { TrustDocument } from '../evidence/trust.ts';
import { PERMISSIONS_RESOURCE } from '../kinds/policy.ts';
import type { LogState } from '../log/state.ts';
import type { PermissionQuestion, PolicyEngine, Principal } from './permission.ts';

/** Which policy a plan was made under: part of the plan, so that votes and approvals bind to it too. */
export interface PermissionsVersion {
  /** Of the policy document that is live, or of the trust document's own text while none is. */
  policyDigest: Digest;
  trustVersion: number;
}

/** Which policy is in force in a state. What it says is in its body; an auditor needs only which it was. */
export function permissionsInForce(live: LogState['live'], trust: TrustDocument): PermissionsVersion {
  return {
    policyDigest: live[PERMISSIONS_RESOURCE]?.digest ?? digestOf(trust.permissions),
    trustVersion: trust.version,
  };
}

/**
 * Whether a plan was made under the policy that is in force. What people approved was one plan under one policy: with
 * another policy or trust document they would have been asked something else.
 */
export function judgePermissionsVersion(
  planned: PermissionsVersion,
  inForce: PermissionsVersion,
): Violation[] {
  const policyMoved = planned.policyDigest !== inForce.policyDigest;
  if (!policyMoved && planned.trustVersion === inForce.trustVersion) return [];
  const what = policyMoved
    ? `the policy of permissions is ${inForce.policyDigest} and was ${planned.policyDigest}`
    : `the trust document is version ${inForce.trustVersion} and was ${planned.trustVersion}`;
  return [
    {
      code: 'STALE_BASE',
      rule: 'permissions-moved',
      message: `Who may do what changed since this was planned: ${what}. Votes and approvals of the plan are void.`,
      remedy: 'Submit the change again: it is planned, voted on and approved under the policy as it is now.',
    },
  ];
}

/** A person as policies see them; whoever the trust document does not know has no role and no team. */
export function principalOf({ people }: TrustDocument, subject: string): Principal {
  const person = people.find((one) => one.subject === subject);
  return { subject, roles: person?.roles ?? [], teams: person?.teams ?? [] };
}

/** Every question that is answered with no, each with the policy that decided. */
export function judgePermissions(
  engine: PolicyEngine,
  cedar: string,
  questions: readonly PermissionQuestion[],
): Violation[] {
  return questions.flatMap((question): Violation[] => {
    const { allowed, why } = engine.decide(cedar, question);
    if (allowed) return [];
    const { principal, action, resource, context } = question;
    const author = context.author === undefined ? '' : ` --context author=${context.author}`;
    return [
      {
        code: 'NOT_PERMITTED',
        rule: 'permission',
        message: `${principal.subject} may not ${action} ${resource}: ${why}.`,
        remedy: `Ask somebody who may. \`resilience-ctl permissions check --as ${principal.subject} ${action} ${resource}${author}\` explains it.`,
      },
    ];
  });
}
