import type { Measured } from './report.ts';
import type { BenchStack } from './stack.ts';

/** How a part is run. */
export interface Run {
  /** A few rounds of little, to see that everything works: its figures mean nothing. */
  smoke: boolean;
  /** Progress, a line at a time. */
  say(line: string): void;
}

/** One part of the benchmark, and what it needs to be there. */
export type Part =
  | { needs: 'roles' | 'servers'; measure(stack: BenchStack, run: Run): Promise<Measured> }
  | { needs: 'nothing'; measure(run: Run): Promise<Measured> };

/** `full` rounds, or two when it is only to be seen that it works. */
export function roundsOf({ smoke }: Run, full: number): number {
  return smoke ? 2 : full;
}

/** So many of something, or a hundredth. */
export function amountOf({ smoke }: Run, full: number): number {
  return smoke ? Math.ceil(full / 100) : full;
}
