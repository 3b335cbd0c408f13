/** Component (an environment, or `environment/region`) → how many commits of it were seen. Absent is 0. */
export type VectorClock = Readonly<Record<string, number>>;

export type Causality = 'before' | 'after' | 'equal' | 'concurrent';
