import type { LogState } from '../../domain/log/state.ts';

/** Looks up, in the folded log, which fence an intent expected to replace. */
export function expectedFences(state: LogState): (index: number) => string | null | undefined {
  return (index) => state.fenceChain[index];
}
