import type { Violation } from '../errors.ts';

/** What a person signs is used within this or not at all (G6). */
export const MAX_LIFETIME_MS = 15 * 60_000;
/** How far a person's clock may be ahead of ours: one that is further off is not believed. */
export const MAX_CLOCK_AHEAD_MS = 30_000;

/**
 * Whether a person's statement is valid at `nowMs`, when it arrives: later it is a fact of the log and expires no
 * more. Returns every violation; never throws.
 */
export function judgeValidity(
  { issuedAt, expiresAt }: { issuedAt: string; expiresAt: string },
  nowMs: number,
): Violation[] {
  const issuedMs = Date.parse(issuedAt);
  const expiresMs = Date.parse(expiresAt);
  const remedy = 'Sign a new one.';
  if (Number.isNaN(issuedMs) || Number.isNaN(expiresMs)) {
    const message = `Its times are unreadable: ${issuedAt}, ${expiresAt}.`;
    return [{ code: 'SCHEMA_INVALID', rule: 'times', message, remedy }];
  }
  const violations: Violation[] = [];
  if (nowMs > expiresMs) {
    const message = `It expired at ${expiresAt}.`;
    violations.push({ code: 'APPROVAL_EXPIRED', rule: 'not-expired', message, remedy });
  }
  if (expiresMs <= issuedMs || expiresMs - issuedMs > MAX_LIFETIME_MS) {
    const message = `It would live from ${issuedAt} to ${expiresAt}; more than nothing and at most 15 minutes is allowed.`;
    violations.push({ code: 'NOT_PERMITTED', rule: 'lifetime', message, remedy });
  }
  if (issuedMs - nowMs > MAX_CLOCK_AHEAD_MS) {
    violations.push({
      code: 'NOT_PERMITTED',
      rule: 'not-from-the-future',
      message: `It was issued at ${issuedAt}, ${issuedMs - nowMs} ms from now.`,
      remedy: 'Correct the clock of the machine that signed, then sign a new one.',
    });
  }
  return violations;
}
