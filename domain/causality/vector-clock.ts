/** Component (an environment, or `environment/region`) → how many commits of it were seen. Absent is 0. */
export type VectorClock = Readonly<Record<string, number>>;

export type Causality = 'before' | 'after' | 'equal' | 'concurrent';

/**
 * Whether `a` happened before `b`, after it, or neither saw the other (Fidge 1988, Mattern 1989): `before` when no
 * component of `a` is above that of `b` and one is below.
 */
export function compare(a: VectorClock, b: VectorClock): Causality {
  const components = [...Object.keys(a), ...Object.keys(b)];
  const below = components.some((one) => countOf(a, one) < countOf(b, one));
  const above = components.some((one) => countOf(a, one) > countOf(b, one));
  if (below && above) return 'concurrent';
  if (below) return 'before';
  return above ? 'after' : 'equal';
}

/** The least clock that has seen all that either has. */
export function merge(a: VectorClock, b: VectorClock): VectorClock {
  const components = new Set([...Object.keys(a), ...Object.keys(b)]);
  return Object.fromEntries(
    [...components].map((one) => [one, Math.max(countOf(a, one), countOf(b, one))] as const),
  );
}

/** The clock after one more commit of `component`. */
export function advance(clock: VectorClock, component: string): VectorClock {
  return { ...clock, [component]: countOf(clock, component) + 1 };
}

/** Component names come from outside, and `constructor` is one. */
export function countOf(clock: VectorClock, component: string): number {
  return Object.hasOwn(clock, component) ? (clock[component] ?? 0) : 0;
}
