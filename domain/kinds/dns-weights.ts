import type { RecordGroup, RecordSet } from './dns-records.ts';

/** While a change rolls out, what was live is one arm and what will be live is the other. */
export type Arm = 'stable' | 'canary';

/** Route 53's limits. */
export const MAX_WEIGHT = 255;
export const MAX_SET_IDENTIFIER_CHARACTERS = 128;

const ARM_PATTERN = /^(stable|canary)(\..+)?$/;

/** Which arm a record set belongs to; null outside a rollout. */
export function armOf({ setIdentifier }: Pick<RecordSet, 'setIdentifier'>): Arm | null {
  const arm = ARM_PATTERN.exec(setIdentifier ?? '')?.[1];
  return arm === 'stable' || arm === 'canary' ? arm : null;
}

/**
 * Both arms while the canary has `percent` of the resolutions: the members of each arm keep their ratio to one
 * another, and the arms' sums are to one another exactly as 100 − percent to percent. At 100 the stable arm stays,
 * with weight 0, so that going back is a change of weights. Null when integers from 0 to 255 cannot express that:
 * a share is refused, never rounded.
 *
 * All sets carry the smaller TTL, since Route 53 wants one TTL in a weighted group and the smaller one makes going
 * back faster.
 */
export function stageArms(base: RecordGroup, final: RecordGroup, percent: number): RecordGroup | null {
  const stable = base.map(weightOf);
  const canary = final.map(weightOf);
  const stableSum = sum(stable);
  const canarySum = sum(canary);
  if (stableSum === 0 || canarySum === 0) return null;
  const weights = inSmallestIntegers([
    ...stable.map((weight) => weight * (100 - percent) * canarySum),
    ...canary.map((weight) => weight * percent * stableSum),
  ]);
  if (weights.some((weight) => weight > MAX_WEIGHT)) return null;
  const ttlSeconds = Math.min(...[...base, ...final].map((set) => set.ttlSeconds));
  return [...base.map((set) => ({ set, arm: 'stable' })), ...final.map((set) => ({ set, arm: 'canary' }))]
    .map(({ set, arm }, position) => ({
      ...set,
      ttlSeconds,
      setIdentifier: set.setIdentifier === undefined ? arm : `${arm}.${set.setIdentifier}`,
      weight: weights[position] ?? 0,
    }))
    .sort((a, b) => (a.setIdentifier < b.setIdentifier ? -1 : 1));
}

/** The values that a resolver can be given: all of a simple set, those with weight of a weighted group. */
export function liveTargets(group: RecordGroup): Set<string> {
  return new Set(group.filter((set) => weightOf(set) > 0).flatMap((set) => set.values));
}

function weightOf(set: RecordSet): number {
  return set.weight ?? 1;
}

/** Divided by their greatest common divisor; a total of 100 where that is exact, since weights then read as percent. */
function inSmallestIntegers(weights: readonly number[]): number[] {
  const divisor = weights.reduce(greatestCommonDivisor, 0);
  const total = sum(weights) / divisor;
  const scale = 100 % total === 0 ? 100 / total : 1;
  return weights.map((weight) => (weight / divisor) * scale);
}

function greatestCommonDivisor(a: number, b: number): number {
  return b === 0 ? a : greatestCommonDivisor(b, a % b);
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, number) => total + number, 0);
}
