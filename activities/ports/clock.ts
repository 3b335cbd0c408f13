/** Milliseconds since the epoch. Injected, so that tests own the time. */
export interface Clock {
  nowMs(): number;
}
