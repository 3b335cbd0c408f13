import { parseJsonBytes } from '../evidence/canonical-json.ts';
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
  /** When a right code last made up for the wrong ones before it, so that who merges does not bring those back. */
  forgivenAt: string | null;
}

export const UNUSED: FactorUse = {
  lastStep: null,
  spentRecoveryCodes: [],
  failedAt: [],
  lockedUntil: null,
  forgivenAt: null,
};

/** Of the bytes that are kept; what an older build kept may lack a field. Throws `ENTRY_MALFORMED`. */
export function parseFactorUse(bytes: Uint8Array): FactorUse {
  return { ...UNUSED, ...(parseJsonBytes(bytes) as Partial<FactorUse>) };
}

/**
 * What two who remember one factor know together. Nothing that either knows is lost but wrong codes that a right one
 * made up for; of those that came in one instant, as many count as the one remembers who saw more. The order does not
 * matter, and merging again changes nothing.
 */
export function mergeUses(a: FactorUse, b: FactorUse): FactorUse {
  const later = (x: string | null, y: string | null) => (x === null || (y !== null && x < y) ? y : x);
  const forgivenAt = later(a.forgivenAt, b.forgivenAt);
  const failedAt = [...a.failedAt, ...missingFrom(a.failedAt, b.failedAt)];
  const steps = [a.lastStep, b.lastStep].filter((step) => step !== null);
  return {
    lastStep: steps.length === 0 ? null : Math.max(...steps),
    spentRecoveryCodes: [...new Set([...a.spentRecoveryCodes, ...b.spentRecoveryCodes])].sort(
      (x, y) => x - y,
    ),
    failedAt: failedAt.filter((at) => forgivenAt === null || at >= forgivenAt).sort(),
    lockedUntil: later(a.lockedUntil, b.lockedUntil),
    forgivenAt,
  };
}

/** What is in `list` more often than in `known`, as often as that. */
function missingFrom(known: readonly string[], list: readonly string[]): string[] {
  const left = [...known];
  return list.filter((one) => {
    const place = left.indexOf(one);
    if (place >= 0) left.splice(place, 1);
    return place < 0;
  });
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
    return accepted('totp', { ...use, lastStep: matched.step }, nowMs);
  }
  if (use.spentRecoveryCodes.includes(matched.place)) return { verdict: { verdict: 'used' }, use };
  const spentRecoveryCodes = [...use.spentRecoveryCodes, matched.place].sort((x, y) => x - y);
  return accepted('recovery-code', { ...use, spentRecoveryCodes }, nowMs);
}

function accepted(
  method: FactorMethod,
  use: FactorUse,
  nowMs: number,
): { verdict: CodeVerdict; use: FactorUse } {
  const forgivenAt = new Date(nowMs).toISOString();
  return {
    verdict: { verdict: 'accepted', method },
    use: { ...use, failedAt: [], lockedUntil: null, forgivenAt },
  };
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
