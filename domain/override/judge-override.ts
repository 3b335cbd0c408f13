import { judgeSecondFactor } from '../approval/judge-second-factor.ts';
import { judgeValidity } from '../approval/validity.ts';
import type { ErrorCode, Violation } from '../errors.ts';
import { canonicalText } from '../evidence/canonical-json.ts';
import type { MfaPredicate, OverrideEffect, OverridePredicate } from '../evidence/statements.ts';
import type { Person, Service } from '../evidence/trust.ts';

/** How many people break glass together (issue 6): one may be the author, who alone can do nothing. */
export const OVERRIDE_PEOPLE = 2;

/** A signed statement that came with the override, and the keys whose signatures on it verified. */
export interface GivenFactor {
  said: MfaPredicate;
  keyIds: readonly string[];
}

export interface OverrideFacts {
  environment: string;
  people: readonly Person[];
  services: readonly Service[];
  /** Keys of the trust document whose signatures on the override verified. */
  keyIds: readonly string[];
  factors: readonly GivenFactor[];
  /** The plan that is about to be carried out, made anew from what is live. */
  planDigest: string;
  /** What is about to be made live. */
  effect: OverrideEffect;
  /** Whether the log, or this machine's spool, has an override of this nonce or change already. */
  used: boolean;
  nowMs: number;
}

/**
 * Whether an override may be used now: two distinct approvers signed it, each with a second factor for it, over exactly
 * this plan, within its fifteen minutes and once. Returns every violation; never throws.
 */
export function judgeOverride(override: OverridePredicate, facts: OverrideFacts): Violation[] {
  const { approvers, environment, planDigest, guards, emptying } = override;
  const distinct = [...new Set(approvers)];
  return [
    ...expect(
      environment === facts.environment,
      'NOT_PERMITTED',
      'audience',
      `It was signed for the environment ${environment}, this is ${facts.environment}.`,
    ),
    ...expect(
      distinct.length === OVERRIDE_PEOPLE && approvers.length === OVERRIDE_PEOPLE,
      'NOT_PERMITTED',
      'two-people',
      `It names ${distinct.join(' and ')}; two different people must sign it.`,
    ),
    ...distinct.flatMap((person) => judgeApprover(override, person, facts)),
    ...judgeValidity(override, facts.nowMs),
    ...expect(
      planDigest === facts.planDigest,
      'STALE_BASE',
      'same-plan',
      `It was signed for the plan ${planDigest}; from what is live the plan is ${facts.planDigest}.`,
    ),
    ...expect(
      canonicalText(effectOf(override)) === canonicalText(effectOf(facts.effect)),
      'STALE_BASE',
      'same-effect',
      'What is to be made live is not what was signed.',
    ),
    ...expect(
      !facts.used,
      'NONCE_REPLAYED',
      'single-use',
      `The override ${override.nonce} of change ${override.changeId} has been used.`,
    ),
    ...expect(
      new Set(guards).size === guards.length && new Set(emptying).size === emptying.length,
      'SCHEMA_INVALID',
      'named-once',
      'A guard or a resource is named twice.',
    ),
  ];
}

function effectOf({ moves = [], records }: OverrideEffect) {
  return { moves, records: records ?? null };
}

function judgeApprover(override: OverridePredicate, subject: string, facts: OverrideFacts): Violation[] {
  const person = facts.people.find((one) => one.subject === subject);
  const factor = facts.factors.find(({ said }) => said.person === subject);
  const { changeId, environment, planDigest, nonce } = override;
  return [
    ...expect(
      person?.roles.includes('approver') === true,
      'NOT_PERMITTED',
      'approver-role',
      `${subject} is not a person with the role approver in ${facts.environment}.`,
    ),
    ...expect(
      person?.keys.some(({ keyId }) => facts.keyIds.includes(keyId)) === true,
      'SIGNATURE_INVALID',
      'own-key',
      `It is not signed with a key of ${subject}.`,
    ),
    ...(factor === undefined
      ? expect(false, 'NOT_PERMITTED', 'second-factor', `No second factor of ${subject} came with it.`)
      : judgeSecondFactor(factor.said, {
          ...{ person: subject, changeId, environment, planDigest, nonce, nowMs: facts.nowMs },
          enrolled: (person?.secondFactors.length ?? 0) > 0,
          byVerifier: facts.services.some(
            ({ role, keys }) =>
              role === 'factor-verifier' && keys.some(({ keyId }) => factor.keyIds.includes(keyId)),
          ),
        })),
  ];
}

function expect(holds: boolean, code: ErrorCode, rule: string, message: string): Violation[] {
  const remedy = 'Plan it again and have two approvers sign that, each with a fresh code.';
  return holds ? [] : [{ code, rule, message, remedy }];
}
