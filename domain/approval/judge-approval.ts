import type { ErrorCode, Violation } from '../errors.ts';
import type { ApprovalPredicate, MfaPredicate } from '../evidence/statements.ts';
import type { TrustDocument } from '../evidence/trust.ts';
import type { ChangeRecord } from '../log/state.ts';
import { judgeSecondFactor } from './judge-second-factor.ts';
import { judgeValidity } from './validity.ts';

/** What a person's statement about a change is judged by. */
export interface StatementFacts {
  /** The open change; undefined when the log has no open one of this id. */
  change: ChangeRecord | undefined;
  ended: boolean;
  trust: TrustDocument;
  /** Keys of the trust document whose signatures verified. */
  keyIds: readonly string[];
  environment: string;
  nowMs: number;
}

export interface ApprovalFacts extends StatementFacts {
  /** The second factor that came with it, and the keys whose signatures on that verified. */
  mfa: { said: MfaPredicate; keyIds: readonly string[] } | null;
}

/**
 * Whether a person's decision counts, judged when it arrives: later it is a fact of the log and expires no more.
 * People are told apart by subject, so a second key makes nobody a second person. Returns every violation; never
 * throws.
 */
export function judgeApproval(approval: ApprovalPredicate, facts: ApprovalFacts): Violation[] {
  const { change, ended } = facts;
  return [
    ...judgePerson(approval, facts),
    ...judgeValidity(approval, facts.nowMs),
    ...judgeFactor(approval, facts),
    ...(change === undefined
      ? [noOpenChange(approval.changeId, ended)]
      : judgeAgainstChange(approval, change, ended)),
  ];
}

function judgePerson(
  approval: ApprovalPredicate,
  { change, trust, keyIds, environment }: ApprovalFacts,
): Violation[] {
  const { approver } = approval;
  const signers = trust.people.filter((person) => person.keys.some((key) => keyIds.includes(key.keyId)));
  const author = change?.request.author;
  const violations: Violation[] = [];
  if (approval.environment !== environment) {
    violations.push(
      no(
        'NOT_PERMITTED',
        'audience',
        `It was signed for the environment ${approval.environment}, this is ${environment}.`,
        'Sign one for this environment.',
      ),
    );
  }
  if (!isApprover(trust, approver)) {
    violations.push(
      no(
        'NOT_PERMITTED',
        'approver-role',
        `${approver} is not a person with the role approver in ${trust.environment}.`,
        'Ask an approver.',
      ),
    );
  }
  if (!signers.some((person) => person.subject === approver)) {
    violations.push(
      no(
        'SIGNATURE_INVALID',
        'own-key',
        `It is not signed with a key of ${approver}.`,
        'Sign it with a key that the trust document lists as your own.',
      ),
    );
  }
  if (author !== undefined && (approver === author || signers.some((person) => person.subject === author))) {
    violations.push(
      no(
        'NOT_PERMITTED',
        'not-the-author',
        `${author} is the author, and nobody decides on a change of their own.`,
        'Ask somebody else; to withdraw the change, abort it.',
      ),
    );
  }
  return violations;
}

function judgeFactor(approval: ApprovalPredicate, facts: ApprovalFacts): Violation[] {
  const { mfa, trust, change, environment, nowMs } = facts;
  const { approver, changeId, planDigest, nonce } = approval;
  if (mfa !== null) {
    return judgeSecondFactor(mfa.said, {
      ...{ person: approver, changeId, environment, planDigest, nonce, nowMs },
      byVerifier: trust.services.some(
        ({ role, keys }) =>
          role === 'factor-verifier' && keys.some(({ keyId }) => mfa.keyIds.includes(keyId)),
      ),
      enrolled: hasSecondFactor(trust, approver),
    });
  }
  const riskClass = change?.plan?.riskClass;
  // A no can only stop: nobody is kept from it by a lost telephone.
  if (riskClass === undefined || approval.decision === 'reject') return [];
  if (!trust.policy.approvals[riskClass].secondFactor) return [];
  return [
    no(
      'NOT_PERMITTED',
      'second-factor',
      `An approval of a change of class ${riskClass} needs a second factor.`,
      `Approve with the code of your authenticator: \`resilience-ctl approve ${changeId} --code 123456\`.`,
    ),
  ];
}

function noOpenChange(changeId: string, ended: boolean): Violation {
  return ended
    ? no('ALREADY_ENDED', 'waiting', `Change ${changeId} is over.`, 'Nothing is left to decide.')
    : no('NOT_FOUND', 'waiting', `There is no change ${changeId}.`, 'Check the id and the environment.');
}

function judgeAgainstChange(approval: ApprovalPredicate, change: ChangeRecord, ended: boolean): Violation[] {
  const { approver, planDigest } = approval;
  const violations: Violation[] = [];
  if (approval.changeId !== change.changeId) {
    violations.push(
      no(
        'NOT_PERMITTED',
        'audience',
        `It was signed for change ${approval.changeId}, this is ${change.changeId}.`,
        'Sign one for this change.',
      ),
    );
  }
  const unready = whyNotWaiting(change, ended);
  if (unready !== null) violations.push(unready);
  if (change.plan !== null && planDigest !== change.plan.planDigest) {
    violations.push(
      no(
        'STALE_BASE',
        'same-plan',
        `It is over the plan ${planDigest}; the plan is now ${change.plan.planDigest}.`,
        'Look at the plan as it is now and decide again.',
      ),
    );
  }
  if (change.acceptances.some((one) => one.nonce === approval.nonce)) {
    violations.push(
      no('NONCE_REPLAYED', 'single-use', `Its nonce ${approval.nonce} has been used.`, 'Sign a new one.'),
    );
  }
  const before = change.acceptances.find(
    (one) => one.accepted && one.approver === approver && one.planDigest === planDigest,
  );
  // Who approved may still change their mind; who rejected has ended the change.
  if (before !== undefined && before.decision === approval.decision) {
    violations.push(
      no(
        'NOT_PERMITTED',
        'one-person-one-decision',
        `${approver} decided already, at ${before.at}; another key makes no other person.`,
        'Ask somebody else.',
      ),
    );
  }
  return violations;
}

function whyNotWaiting(change: ChangeRecord, ended: boolean): Violation | null {
  if (ended) return noOpenChange(change.changeId, true);
  const id = `Change ${change.changeId}`;
  if (change.plan === null) {
    return no('NOT_FOUND', 'waiting', `${id} has no plan yet.`, 'Wait until it asks for approval.');
  }
  if (change.intents.length === 0) return null;
  return no('ALREADY_ENDED', 'waiting', `${id} is approved and under way.`, 'To stop it, pause or abort it.');
}

function no(code: ErrorCode, rule: string, message: string, remedy: string): Violation {
  return { code, rule, message, remedy };
}

function isApprover(trust: TrustDocument, subject: string): boolean {
  return trust.people.some((person) => person.subject === subject && person.roles.includes('approver'));
}

function hasSecondFactor(trust: TrustDocument, subject: string): boolean {
  return trust.people.some((person) => person.subject === subject && person.secondFactors.length > 0);
}
