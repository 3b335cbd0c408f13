import type { ErrorCode, Violation } from '../errors.ts';
import type { MfaPredicate } from '../evidence/statements.ts';
import { MAX_CLOCK_AHEAD_MS } from './validity.ts';

/** A second factor is used within this or not at all: what an emergency asks (issue 6), and enough for everything else. */
export const MAX_FACTOR_LIFETIME_MS = 5 * 60_000;

/** What a second factor must go with, and what is known of its signature. */
export interface SecondFactorFacts {
  person: string;
  changeId: string;
  environment: string;
  planDigest: string;
  /** Of the approval or override beside which it stands. */
  nonce: string;
  /** Whether a key of a factor-verifier signed it. */
  byVerifier: boolean;
  /** Whether the trust document lists a second factor of the person. */
  enrolled: boolean;
  /** When the statement beside it was accepted. */
  nowMs: number;
}

/** Everything against a second factor that came beside an approval or override. Never throws. */
export function judgeSecondFactor(mfa: MfaPredicate, facts: SecondFactorFacts): Violation[] {
  return [
    ...expect(
      facts.byVerifier,
      'SIGNATURE_INVALID',
      'second-factor-signed',
      'No factor-verifier of the trust document signed it.',
    ),
    ...expect(
      facts.enrolled,
      'NOT_PERMITTED',
      'second-factor-enrolled',
      `The trust document lists no second factor of ${facts.person}.`,
      'Make one with `resilience-ctl factor enrol` and have it listed.',
    ),
    ...expect(
      mfa.person === facts.person,
      'NOT_PERMITTED',
      'second-factor-person',
      `It is of ${mfa.person}, not of ${facts.person}.`,
    ),
    ...expect(
      mfa.environment === facts.environment && mfa.changeId === facts.changeId && mfa.nonce === facts.nonce,
      'NOT_PERMITTED',
      'second-factor-audience',
      `It was given for statement ${mfa.nonce} of change ${mfa.changeId} in ${mfa.environment}, not for this one.`,
    ),
    ...expect(
      mfa.planDigest === facts.planDigest,
      'NOT_PERMITTED',
      'second-factor-plan',
      `It was given for the plan ${mfa.planDigest}.`,
    ),
    ...judgeTimes(mfa, facts.nowMs),
  ];
}

function judgeTimes({ at, expiresAt }: MfaPredicate, nowMs: number): Violation[] {
  const [givenMs, expiresMs] = [Date.parse(at), Date.parse(expiresAt)];
  return [
    ...expect(nowMs <= expiresMs, 'APPROVAL_EXPIRED', 'second-factor-expired', `It expired at ${expiresAt}.`),
    ...expect(
      expiresMs > givenMs && expiresMs - givenMs <= MAX_FACTOR_LIFETIME_MS,
      'NOT_PERMITTED',
      'second-factor-lifetime',
      `It would live from ${at} to ${expiresAt}; more than nothing and at most 5 minutes is allowed.`,
    ),
    ...expect(
      givenMs - nowMs <= MAX_CLOCK_AHEAD_MS,
      'NOT_PERMITTED',
      'second-factor-not-from-the-future',
      `It was given at ${at}, ${givenMs - nowMs} ms from now.`,
      'Correct the clock of the factor-verifier.',
    ),
  ];
}

function expect(
  holds: boolean,
  code: ErrorCode,
  rule: string,
  message: string,
  remedy = 'Give a fresh code.',
): Violation[] {
  return holds ? [] : [{ code, rule, message: `The second factor does not count. ${message}`, remedy }];
}
