import type { ArmCounts, Verdict } from '../evidence/statements.ts';

export interface CanaryInput {
  stable: ArmCounts;
  canary: ArmCounts;
  /** Direct probes that each arm needs before the verdict can be anything but inconclusive. */
  minimumSamples: number;
  /** Share of resolutions that the canary gets, 0–100. */
  percent: number;
  /** What the reasons call a sample. */
  samplesAre?: 'probes' | 'requests';
}

/** A canary passes only if its error ratio is above the stable arm's by no more than this: one in a hundred. */
const MARGIN = 0.01;
/** An arm with more errors than this is ill by itself: where the stable arm is, it is no measure for the canary. */
const ILL = 0.1;
/** Standard normal quantile of a two-sided confidence of 95 %. */
const Z = 1.96;

/**
 * What a bake showed. Evidence is every probe of an arm, direct or arrived at through weighted resolution; the
 * minimum is asked of the direct ones alone, because an arm at 1 % rightly gets few of the others. The stable arm
 * is probed directly even at 100 %.
 *
 * - `inconclusive`: too few direct probes of an arm.
 * - `fail`: the intervals of the two error ratios do not overlap and the canary's is the higher, or more than half
 *   of the canary's probes fail and not of the stable arm's. Intervals are Wilson's score intervals at 95 % (E. B.
 *   Wilson, JASA 22:209–212, 1927), which hold for small counts and for ratios near 0. Not to overlap is stricter
 *   than a test of the difference; it is asked after every round of a bake, and each look is a chance to err.
 * - `pass`: at most 10 % errors, and not more than one percentage point above the stable arm.
 * - `inconclusive`: all between, and both arms failing alike, which points to the source or the probe.
 *
 * More errors in the canary never turn a fail into a pass. Reasons carry the numbers. Never throws.
 */
export function judgeCanary(input: CanaryInput): { verdict: Verdict; reasons: string[] } {
  const arms = { stable: total(input.stable), canary: total(input.canary) };
  const { stable, canary } = arms;
  const samplesAre = input.samplesAre ?? 'probes';
  const lacking = (['stable', 'canary'] as const).flatMap((name) =>
    lackOf(name, input[name], input.minimumSamples, samplesAre),
  );
  if (lacking.length > 0) return { verdict: 'inconclusive', reasons: lacking };

  const facts = `at ${input.percent} %, canary: ${inWords(canary, samplesAre)}; stable: ${inWords(stable, samplesAre)}`;
  const conclude = (verdict: Verdict, why: string) => ({ verdict, reasons: [why, facts] });
  if (canary.low > stable.high)
    return conclude('fail', 'the canary fails significantly more than the stable arm');
  if (canary.ratio > 0.5 && stable.ratio <= 0.5)
    return conclude('fail', `more than half of the ${samplesAre} of the canary fail`);
  if (canary.ratio > ILL && stable.ratio > ILL) {
    return conclude('inconclusive', 'both arms fail: look at what they share, and at what is measured');
  }
  if (canary.ratio <= ILL && canary.ratio <= stable.ratio + MARGIN) {
    return conclude('pass', 'the canary is not worse than the stable arm');
  }
  return conclude(
    'inconclusive',
    `the canary has more errors than the margin of ${percent(MARGIN)} over the stable arm allows, too few to be sure`,
  );
}

interface Estimate {
  errors: number;
  samples: number;
  ratio: number;
  /** Bounds of Wilson's score interval. */
  low: number;
  high: number;
}

function total(arm: ArmCounts): Estimate {
  const samples = arm.samples + arm.resolvedSamples;
  const errors = arm.errors + arm.resolvedErrors;
  const ratio = errors / samples;
  const scale = 1 + Z ** 2 / samples;
  const centre = (ratio + Z ** 2 / (2 * samples)) / scale;
  const spread = (Z / scale) * Math.sqrt((ratio * (1 - ratio)) / samples + Z ** 2 / (4 * samples ** 2));
  return { errors, samples, ratio, low: Math.max(0, centre - spread), high: centre + spread };
}

function lackOf(name: string, arm: ArmCounts, minimumSamples: number, samplesAre: string): string[] {
  const direct = samplesAre === 'probes' ? 'direct probes' : samplesAre;
  if (!isPossible(arm.errors, arm.samples) || !isPossible(arm.resolvedErrors, arm.resolvedSamples)) {
    return [
      `the counts of the ${name} arm are impossible: ${arm.errors} errors of ${arm.samples} ${direct}, ` +
        `${arm.resolvedErrors} of ${arm.resolvedSamples} resolved ones`,
    ];
  }
  const needed = Math.max(1, minimumSamples);
  return arm.samples >= needed ? [] : [`the ${name} arm has ${arm.samples} ${direct} of ${needed} needed`];
}

function isPossible(errors: number, samples: number): boolean {
  return Number.isInteger(errors) && Number.isInteger(samples) && errors >= 0 && errors <= samples;
}

function inWords({ errors, samples, low, high }: Estimate, samplesAre: string): string {
  return `${errors} of ${samples} ${samplesAre} failed (95 % interval ${percent(low)} to ${percent(high)})`;
}

function percent(share: number): string {
  return `${(share * 100).toFixed(1)} %`;
}
