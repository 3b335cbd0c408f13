import { signStatement } from '../../domain/evidence/statement-codec.ts';
import type { LogState, OverrideRecord } from '../../domain/log/state.ts';
import { indexOfFate } from '../fates.ts';
import { overrideLanded } from './apply-override.ts';
import type { BreakGlassPorts } from './ports.ts';

export interface Reconciled {
  /** Entries of the log that now hold what the spool held, in its order. */
  entries: number[];
  bodies: number;
  /** Overrides whose outcome nobody had recorded, as the fence shows it. */
  settled: { changeId: string; result: 'applied' | 'not-applied' }[];
}

/**
 * Brings what break-glass wrote ahead of a log that was down into that log, and settles what it left open. Again is
 * harmless: an entry that is there already is not written twice. Throws what the log throws, `DIGEST_MISMATCH` and
 * `ENTRY_MALFORMED` for a spool that was edited, and then puts nothing aside.
 */
export async function reconcileSpool(ports: BreakGlassPorts): Promise<Reconciled> {
  const items = await ports.spool.read();
  const entries: number[] = [];
  let bodies = 0;
  for (const item of items) {
    if ('body' in item) {
      await ports.bodies.put(item.body);
      bodies += 1;
    } else {
      const [fate] = await ports.log.append([item.envelope]);
      entries.push(indexOfFate(fate));
    }
  }
  if (items.length > 0) await ports.spool.retire();
  return { entries, bodies, settled: await settle(ports, await ports.log.sync()) };
}

async function settle(ports: BreakGlassPorts, state: LogState): Promise<Reconciled['settled']> {
  const settled: Reconciled['settled'] = [];
  for (const override of Object.values(state.overrides)) {
    const { intent, outcome } = override;
    if (outcome !== null || intent.zone === null) continue;
    const result = await settleOne(ports, { ...intent, zone: intent.zone }, state);
    if (result !== null) settled.push({ changeId: override.intent.changeId, result });
  }
  return settled;
}

/** Null where the fence that it expects is still live: its batch may be on its way. */
async function settleOne(
  { dns, signer, environment, clock, log }: BreakGlassPorts,
  intent: OverrideRecord['intent'] & { zone: string },
  state: LogState,
): Promise<'applied' | 'not-applied' | null> {
  const { changeId, planDigest, zone, expectedFence, index } = intent;
  const live = await dns.readFence(zone);
  const has = overrideLanded(live, intent.fence ?? String(index), state);
  if (!has && live === expectedFence) return null;
  const result = has ? 'applied' : 'not-applied';
  const envelope = await signStatement(signer, 'override-outcome', {
    ...{ changeId, environment, planDigest, result, fence: live },
    reason: 'settled by the fence',
    at: new Date(clock.nowMs()).toISOString(),
  });
  const [fate] = await log.append([envelope]);
  indexOfFate(fate);
  return result;
}
