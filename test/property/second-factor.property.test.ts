import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type FactorUse,
  judgeCode,
  lockedUntil,
  MAX_FAILURES,
  mergeUses,
  parseFactorUse,
  UNUSED,
} from '../../domain/approval/factor-use.ts';
import { canonicalBytes } from '../../domain/evidence/canonical-json.ts';
import { codeOfStep, matchCode, stepOf } from '../../infra/keys/second-factor.ts';

/** RFC 6238 appendix B, SHA-1: the ASCII secret 12345678901234567890, the last six of its eight digits. */
const SECRET = 'GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ';
const factor = { type: 'totp' as const, secret: SECRET, recovery: { salt: '', hashes: [] } };
const STEP_MS = 30_000;
/** From the first steps up to the year 2100, and never before the epoch. */
const instant = fc.integer({ min: 2 * STEP_MS, max: 4_102_444_800_000 });

describe('codes', () => {
  it.each([
    [59, '287082'],
    [1_111_111_109, '081804'],
    [1_234_567_890, '005924'],
    [20_000_000_000, '353130'],
  ])('are those of RFC 6238 at %d s', (epochS, code) => {
    expect(codeOfStep(SECRET, stepOf(epochS * 1000))).toBe(code);
  });

  it('are known in their own step, the one before and the one after, and by its number', async () => {
    await fc.assert(
      fc.asyncProperty(instant, fc.integer({ min: -2, max: 2 }), async (nowMs, away) => {
        const step = stepOf(nowMs) + away;
        const matched = await matchCode(factor, codeOfStep(SECRET, step), nowMs);
        // Two steps may have the same code by chance.
        const same = [-1, 0, 1].map((one) => codeOfStep(SECRET, stepOf(nowMs) + one));
        if (Math.abs(away) <= 1) expect(matched).toMatchObject({ method: 'totp' });
        else if (!same.includes(codeOfStep(SECRET, step))) expect(matched).toBeNull();
        if (Math.abs(away) <= 1 && new Set(same).size === 3)
          expect(matched).toEqual({ method: 'totp', step });
      }),
    );
  });

  it('count once, in rising order, whatever comes in between', () => {
    fc.assert(
      fc.property(fc.array(attempt, { maxLength: 60 }), (attempts) => {
        const { steps, places } = follow(attempts);
        expect(steps).toEqual([...new Set(steps)].sort((a, b) => a - b));
        expect(new Set(places).size).toBe(places.length);
      }),
    );
  });

  it('that are wrong lock at the fifth in a quarter of an hour, and for as long', () => {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 10 * 60_000 }), { maxLength: 60 }), (waits) => {
        const { verdicts } = follow(waits.map((waitMs) => ({ waitMs, code: null })));
        for (const [i, { atMs, verdict }] of verdicts.entries()) {
          const before = verdicts.slice(0, i);
          const lockMs = before.findLast((one) => one.verdict === 'locked')?.atMs ?? Number.NEGATIVE_INFINITY;
          const recent = before.filter((one) => one.atMs > Math.max(lockMs, atMs - 15 * 60_000));
          expect(atMs).toBeGreaterThanOrEqual(lockMs + 15 * 60_000);
          expect(verdict === 'locked').toBe(recent.length === MAX_FAILURES - 1);
        }
      }),
    );
  });
});

describe('what two remember', () => {
  it('is whole where an older build kept it, which knew no forgiveness', () => {
    const { forgivenAt: _, ...older } = { ...UNUSED, lastStep: 7 };
    const read = parseFactorUse(canonicalBytes(older));
    expect(read).toEqual({ ...UNUSED, lastStep: 7 });
    expect(mergeUses(read, UNUSED)).toEqual(read);
  });

  it('is together the same in any order, however often, and has all that either knows', () => {
    fc.assert(
      fc.property(anyUse, anyUse, anyUse, (a, b, c) => {
        const both = mergeUses(a, b);
        expect(mergeUses(b, a)).toEqual(both);
        expect(mergeUses(both, b)).toEqual(both);
        expect(mergeUses(mergeUses(a, b), c)).toEqual(mergeUses(a, mergeUses(b, c)));
        for (const one of [a, b]) {
          expect(both.lastStep ?? -1).toBeGreaterThanOrEqual(one.lastStep ?? -1);
          expect(both.spentRecoveryCodes).toEqual(expect.arrayContaining(one.spentRecoveryCodes));
          const since = one.failedAt.filter((at) => at >= (both.forgivenAt ?? ''));
          for (const at of since) expect(count(both, at)).toBeGreaterThanOrEqual(count(one, at));
        }
      }),
    );
  });
});

const count = ({ failedAt }: FactorUse, at: string) => failedAt.filter((one) => one === at).length;

/** Of few instants, so that many are the same. */
const anyAt = fc.integer({ min: 1, max: 4 }).map((second) => new Date(second * 1000).toISOString());
/** As one verifier has it: no wrong code in it is older than the right one that made up for them. */
const anyUse: fc.Arbitrary<FactorUse> = fc
  .record({
    lastStep: fc.option(fc.integer({ min: 0, max: 4 })),
    spentRecoveryCodes: fc
      .uniqueArray(fc.integer({ min: 0, max: 3 }))
      .map((places) => places.sort((x, y) => x - y)),
    failedAt: fc.array(anyAt, { maxLength: MAX_FAILURES }).map((times) => times.sort()),
    lockedUntil: fc.option(anyAt),
    forgivenAt: fc.option(anyAt),
  })
  .map((use) => ({ ...use, failedAt: use.failedAt.filter((at) => at >= (use.forgivenAt ?? '')) }));

interface Attempt {
  waitMs: number;
  code: null | { method: 'totp'; away: number } | { method: 'recovery-code'; place: number };
}

const attempt: fc.Arbitrary<Attempt> = fc.record({
  waitMs: fc.integer({ min: 0, max: 10 * 60_000 }),
  code: fc.oneof(
    fc.constant(null),
    fc.record({ method: fc.constant('totp' as const), away: fc.integer({ min: -1, max: 1 }) }),
    fc.record({ method: fc.constant('recovery-code' as const), place: fc.integer({ min: 0, max: 3 }) }),
  ),
});

/** One verifier's whole life. */
function follow(attempts: readonly Attempt[]) {
  const steps: number[] = [];
  const places: number[] = [];
  const verdicts: { atMs: number; verdict: string }[] = [];
  let use: FactorUse = UNUSED;
  let nowMs = 1_700_000_000_000;
  for (const { waitMs, code } of attempts) {
    nowMs += waitMs;
    if (lockedUntil(use, nowMs) !== null) continue;
    const matched = code?.method === 'totp' ? { method: code.method, step: stepOf(nowMs) + code.away } : code;
    const judged = judgeCode(use, matched, nowMs);
    use = judged.use;
    verdicts.push({ atMs: nowMs, verdict: judged.verdict.verdict });
    if (judged.verdict.verdict !== 'accepted') continue;
    if (matched?.method === 'totp') steps.push(matched.step);
    if (matched?.method === 'recovery-code') places.push(matched.place);
  }
  return { steps, places, verdicts };
}
