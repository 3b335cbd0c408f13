/** How far the clock of whoever signed may be ahead of ours. */
export const CLOCK_AHEAD_MS = 30_000;
