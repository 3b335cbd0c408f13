import { fenceIndex, landed } from '../../domain/kinds/dns-fence.ts';
import type { LogState } from '../../domain/log/state.ts';
import { recordOutcome } from '../outcomes.ts';
import type { EnactorPorts } from '../role-ports.ts';
import { expectedFences } from './fences.ts';

/**
 * Whoever comes next appends the outcomes that are missing (DESIGN §6), before its own effect. Only what the fence
 * proves: an intent that still expects the live fence may be in flight and is left alone.
 */
export async function settleOutcomes(
  ports: EnactorPorts,
  state: LogState,
  live: string | null,
  zone: string,
  ownIntentIndex: number | null,
): Promise<void> {
  const fenceOf = expectedFences(state);
  for (const change of Object.values(state.changes)) {
    for (const intent of change.intents) {
      const known = change.outcomes.some((one) => one.intentIndex === intent.index);
      if (known || intent.zone !== zone || intent.index === ownIntentIndex || intent.expectedFence === live)
        continue;
      const result = landed(live, { intentIndex: intent.index, direction: 'forward' }, fenceOf)
        ? 'applied'
        : 'not-applied';
      await recordOutcome(
        ports,
        intent,
        'forward',
        result,
        live,
        `settled on behalf of intent ${intent.index}`,
      );
    }
  }
}

/** Settles what the fence of one zone proves, for the reconciler. */
export async function settleZone(ports: EnactorPorts, { zone }: { zone: string }): Promise<void> {
  const live = await ports.dns.readFence(zone);
  // As for any effect: a fence's entry is in the log before the fence is in the zone.
  const state = await ports.log.sync({ atLeast: live === null ? 0 : fenceIndex(live) + 1 });
  await settleOutcomes(ports, state, live, zone, null);
}
