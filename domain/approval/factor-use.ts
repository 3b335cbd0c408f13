import type { FactorMethod } from '../evidence/statements.ts';

/**
 * What a factor-verifier must remember of one enrolled factor, so that a code counts once (RFC 6238 §5.2) and nobody
 * can try codes without end. Plain JSON.
 */
export interface FactorUse {
  /** The time step of the last code that counted; codes of it, and older ones, count no more. */
  lastStep: number | null;
  /** Places, in the list made at enrolment, of the recovery codes that are spent. */
  spentRecoveryCodes: number[];
  /** When wrong codes came, as far as they still matter. */
  failedAt: string[];
  lockedUntil: string | null;
}

export const UNUSED: FactorUse = { lastStep: null, spentRecoveryCodes: [], failedAt: [], lockedUntil: null };

/** What two who remember one factor know together. */
export function mergeUses(a: FactorUse, b: FactorUse): FactorUse {
  const later = (x: string | null, y: string | null) => (x === null || (y !== null && x < y) ? y : x);
  const steps = [a.lastStep, b.lastStep].filter((step) => step !== null);
  return {
    lastStep: steps.length === 0 ? null : Math.max(...steps),
    spentRecoveryCodes: [...new Set([...a.spentRecoveryCodes, ...b.spentRecoveryCodes])].sort(
      (x, y) => x - y,
    ),
    failedAt: [...new Set([...a.failedAt, ...b.failedAt])].sort(),
    lockedUntil: later(a.lockedUntil, b.lockedUntil),
  };
}

/** What a code is: the one of a time step, a recovery code by its place, or (null) neither. */
export type MatchedCode =
  | { method: 'totp'; step: number }
  | { method: 'recovery-code'; place: number }
  | null;

export type CodeVerdict =
  | { verdict: 'accepted'; method: FactorMethod }
  /** It was right once. */
  | { verdict: 'used' }
  | { verdict: 'wrong'; attemptsLeft: number }
  /** This was one wrong code too many. */
  | { verdict: 'locked'; until: string; failures: number };

/** So many wrong codes within the window, and nothing is heard for as long again: 480 tries a day at 10^6 codes. */
export const MAX_FAILURES = 5;
const WINDOW_MS = 15 * 60_000;

/** Until when no code of this factor is looked at; null when it is not locked. */
export function lockedUntil({ lockedUntil: until }: FactorUse, nowMs: number): string | null {
  return until !== null && Date.parse(until) > nowMs ? until : null;
}

/**
 * What follows from one code, and what to remember, which must be durable before anybody is told. A code that was
 * right once says that somebody typed twice, not that somebody guesses, so it is no failure. The caller has made sure
 * that the factor is not locked. Never throws.
 */
export function judgeCode(
  use: FactorUse,
  matched: MatchedCode,
  nowMs: number,
): { verdict: CodeVerdict; use: FactorUse } {
  const failedAt = use.failedAt.filter((at) => Date.parse(at) > nowMs - WINDOW_MS);
  if (matched === null) return judgeFailure({ ...use, failedAt }, nowMs);
  if (matched.method === 'totp') {
    if (use.lastStep !== null && matched.step <= use.lastStep) return { verdict: { verdict: 'used' }, use };
    return accepted('totp', { ...use, lastStep: matched.step });
  }
  if (use.spentRecoveryCodes.includes(matched.place)) return { verdict: { verdict: 'used' }, use };
  return accepted('recovery-code', {
    ...use,
    spentRecoveryCodes: [...use.spentRecoveryCodes, matched.place].sort((a, b) => a - b),
  });
}

function accepted(method: FactorMethod, use: FactorUse): { verdict: CodeVerdict; use: FactorUse } {
  return { verdict: { verdict: 'accepted', method }, use: { ...use, failedAt: [], lockedUntil: null } };
}

function judgeFailure(use: FactorUse, nowMs: number): { verdict: CodeVerdict; use: FactorUse } {
  const failedAt = [...use.failedAt, new Date(nowMs).toISOString()];
  if (failedAt.length < MAX_FAILURES) {
    const attemptsLeft = MAX_FAILURES - failedAt.length;
    return { verdict: { verdict: 'wrong', attemptsLeft }, use: { ...use, failedAt } };
  }
  const until = new Date(nowMs + WINDOW_MS).toISOString();
  return {
    verdict: { verdict: 'locked', until, failures: failedAt.length },
    use: { ...use, failedAt: [], lockedUntil: until },
  };
}
