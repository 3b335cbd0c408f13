import { builtOn, fenceIndex, isReadableFence } from '../kinds/dns-fence.ts';
import type { LogState } from '../log/state.ts';

/**
 * Whether an entry explains the fence that is live in a zone, at the head of a log that was read no earlier: it is the
 * newest that an outcome found, or was written since by an open change's intent, by the rollback of one, by a raised
 * fence, or by an override whose outcome is not recorded yet. Null when it is explained, else what is wrong with it.
 */
export function whyUnexplained(zone: string, live: string | null, state: LogState): string | null {
  const settled = state.settledFences[zone] ?? null;
  const raised = state.raisedFences.find((one) => one.zone === zone);
  const intents = new Set(
    Object.values(state.changes).flatMap((change) =>
      change.intents.filter((intent) => intent.zone === zone).map(({ index }) => index),
    ),
  );
  const overrides = new Set(
    Object.values(state.overrides)
      .filter(({ intent, outcome }) => intent.zone === zone && outcome === null)
      .map(({ intent }) => intent.fence ?? String(intent.index)),
  );
  if (live === null) {
    const written = settled ?? (raised === undefined ? null : raised.expectedFence);
    return written === null ? null : `its fence is gone; the log left ${written}`;
  }
  if (!isReadableFence(live)) return `its fence "${live}" is not one that this product writes`;

  function isExplained(fence: string): boolean {
    if (fence === settled || fence === raised?.expectedFence || overrides.has(fence)) return true;
    const last = builtOn(fence).at(-1);
    if (last !== undefined) {
      const base = fence.slice(0, fence.lastIndexOf('.'));
      // A rollback in a zone without a fence stands on 0.
      return 'rollbackOf' in last && intents.has(last.rollbackOf) && (base === '0' || isExplained(base));
    }
    const index = fenceIndex(fence);
    return index === raised?.index || intents.has(index);
  }
  if (isExplained(live)) return null;
  const spooled = builtOn(live).some((one) => 'override' in one);
  return `no entry explains its fence ${live}; the log left ${settled ?? 'none'}${spooled ? '. It names an override without the log: bring its spool to the log with `resilience-ctl override reconcile`' : ''}`;
}
