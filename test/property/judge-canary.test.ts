import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { judgeCanary } from '../../domain/canary/judge-canary.ts';
import type { ArmCounts } from '../../domain/evidence/statements.ts';

function arm(samples: number, errors: number, resolvedSamples = 0, resolvedErrors = 0): ArmCounts {
  return { samples, errors, resolvedSamples, resolvedErrors, latencyP50Ms: 1, latencyP99Ms: 2 };
}

function verdict(stable: ArmCounts, canary: ArmCounts, minimumSamples = 30): string {
  return judgeCanary({ stable, canary, minimumSamples, percent: 10 }).verdict;
}

const counts = fc
  .tuple(fc.nat(200), fc.nat(200))
  .chain(([samples, resolved]) =>
    fc.tuple(fc.constant(samples), fc.nat(samples), fc.constant(resolved), fc.nat(resolved)),
  )
  .map((numbers) => arm(...numbers));

describe('properties', () => {
  it('more errors in the canary never make the verdict better', () => {
    const order = ['fail', 'inconclusive', 'pass'];
    fc.assert(
      fc.property(counts, counts, fc.nat(200), fc.nat(200), (stable, canary, more, moreResolved) => {
        const worse = {
          ...canary,
          errors: Math.min(canary.samples, canary.errors + more),
          resolvedErrors: Math.min(canary.resolvedSamples, canary.resolvedErrors + moreResolved),
        };
        const [before, after] = [canary, worse].map((one) => order.indexOf(verdict(stable, one)));
        expect(after).toBeLessThanOrEqual(before ?? 0);
      }),
      { numRuns: 2000 },
    );
  });

  it('never passes on too little, nor with a canary that is ill', () => {
    fc.assert(
      fc.property(counts, counts, fc.integer({ min: 0, max: 60 }), (stable, canary, minimum) => {
        if (verdict(stable, canary, minimum) !== 'pass') return;
        expect(Math.min(stable.samples, canary.samples)).toBeGreaterThanOrEqual(Math.max(1, minimum));
        const ratio = (canary.errors + canary.resolvedErrors) / (canary.samples + canary.resolvedSamples);
        expect(ratio).toBeLessThanOrEqual(0.1);
      }),
      { numRuns: 2000 },
    );
  });

  it('never fails a canary that does as the stable arm does', () => {
    fc.assert(
      fc.property(fc.integer({ min: 30, max: 300 }), fc.nat(300), (samples, errors) => {
        const same = arm(samples, Math.min(errors, samples));
        expect(verdict(same, same)).not.toBe('fail');
      }),
    );
  });
});

describe('cases', () => {
  it.each<[string, ArmCounts, ArmCounts, string]>([
    ['no data', arm(0, 0), arm(0, 0), 'inconclusive'],
    ['only resolved data', arm(0, 0, 90, 0), arm(0, 0, 90, 0), 'inconclusive'],
    ['too few of the stable arm', arm(29, 0), arm(30, 0), 'inconclusive'],
    ['too few of the canary, all failing', arm(30, 0), arm(29, 29), 'inconclusive'],
    ['both well', arm(30, 0), arm(30, 0), 'pass'],
    ['both well, few resolved at a small percentage', arm(30, 0, 30, 0), arm(30, 0, 0, 0), 'pass'],
    ['at 100 %, all resolved to the canary', arm(30, 0, 0, 0), arm(30, 0, 30, 0), 'pass'],
    ['better than the stable arm', arm(100, 8), arm(100, 0), 'pass'],
    ['a canary that heals a dead stable arm', arm(30, 30), arm(30, 0), 'pass'],
    ['within the margin', arm(100, 1), arm(100, 2), 'pass'],
    ['marginal: one error', arm(30, 0), arm(30, 1), 'inconclusive'],
    ['an error that only resolution met', arm(30, 0, 30, 0), arm(30, 0, 3, 3), 'inconclusive'],
    ['resolution alone fails', arm(30, 0, 30, 0), arm(30, 0, 30, 30), 'fail'],
    ['significantly worse', arm(30, 0), arm(30, 9), 'fail'],
    ['significantly worse than an ill stable arm', arm(100, 20), arm(100, 45), 'fail'],
    ['dead', arm(30, 0), arm(30, 30), 'fail'],
    ['more than half fail, few probes', arm(5, 2), arm(5, 3), 'fail'],
    ['both dead', arm(30, 30), arm(30, 30), 'inconclusive'],
    ['both ill alike', arm(100, 20), arm(100, 21), 'inconclusive'],
    ['an ill canary beside a stable arm at the limit', arm(100, 10), arm(100, 11), 'inconclusive'],
    ['more errors than probes', arm(30, 0), arm(30, 31), 'inconclusive'],
    ['counts that are no numbers', arm(30, Number.NaN), arm(30, 0), 'inconclusive'],
    ['a negative count', arm(30, 0), arm(30, -9), 'inconclusive'],
  ])('%s', (_, stable, canary, expected) => {
    const minimum = Math.min(30, stable.samples < 10 && stable.samples > 0 ? 5 : 30);
    expect(verdict(stable, canary, minimum)).toBe(expected);
  });

  it("computes Wilson's interval", () => {
    // Newcombe, Statistics in Medicine 17:857–872 (1998), table I, method 3: 0 of 20 and 15 of 148.
    const { reasons } = judgeCanary({
      stable: arm(20, 0),
      canary: arm(148, 15),
      minimumSamples: 5,
      percent: 10,
    });
    expect(reasons[1]).toContain('stable: 0 of 20 probes failed (95 % interval 0.0 % to 16.1 %)');
    expect(reasons[1]).toContain('canary: 15 of 148 probes failed (95 % interval 6.2 % to 16.0 %)');
  });

  it('points to what both arms share when both fail', () => {
    const { reasons } = judgeCanary({
      stable: arm(30, 30),
      canary: arm(30, 30),
      minimumSamples: 5,
      percent: 10,
    });
    expect(reasons[0]).toContain('both arms fail');
  });

  it('says what is missing, of both arms', () => {
    expect(
      judgeCanary({ stable: arm(1, 0), canary: arm(2, 0), minimumSamples: 5, percent: 1 }).reasons,
    ).toEqual([
      'the stable arm has 1 direct probes of 5 needed',
      'the canary arm has 2 direct probes of 5 needed',
    ]);
  });
});
