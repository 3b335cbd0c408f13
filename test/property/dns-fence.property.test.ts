import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  type Effect,
  fenceIndex,
  forwardFence,
  landed,
  rollbackFence,
} from '../../domain/kinds/dns-fence.ts';

/**
 * The model: a zone that accepts a forward write only on the fence it expects and a rollback on any, and a plain list
 * of what was accepted. Writers hold fences that may be stale by the time of their write.
 */
interface Attempt {
  kind: 'order' | 'write' | 'roll-back';
  pick: number;
}

const attempts = fc.array(
  fc.record({ kind: fc.constantFrom<Attempt['kind']>('order', 'write', 'roll-back'), pick: fc.nat(20) }),
  { minLength: 1, maxLength: 60 },
);

function play(script: readonly Attempt[]) {
  const expected = new Map<number, string | null>();
  const accepted: Effect[] = [];
  let live: string | null = null;
  for (const { kind, pick } of script) {
    const orders = [...expected.keys()];
    const chosen = orders[pick % Math.max(orders.length, 1)];
    if (kind === 'order') {
      expected.set((orders.length + 1) * 3, live);
    } else if (chosen !== undefined && kind === 'write') {
      const isGreater = live === null || chosen > fenceIndex(live);
      if (expected.get(chosen) !== live || !isGreater) continue;
      live = forwardFence(chosen);
      accepted.push({ intentIndex: chosen, direction: 'forward' });
    } else if (chosen !== undefined) {
      // Also of an intent that never landed, and on no fence at all: that keeps its late write out.
      if (accepted.some((one) => one.intentIndex === chosen && one.direction === 'rollback')) continue;
      live = rollbackFence(live, chosen);
      accepted.push({ intentIndex: chosen, direction: 'rollback' });
    }
  }
  return { expected, accepted, live };
}

describe('the fence chain', () => {
  it('tells exactly what the zone accepted, whatever the order of writes and rollbacks', () => {
    fc.assert(
      fc.property(attempts, (script) => {
        const { expected, accepted, live } = play(script);
        for (const intentIndex of expected.keys()) {
          for (const direction of ['forward', 'rollback'] as const) {
            const really = accepted.some(
              (one) => one.intentIndex === intentIndex && one.direction === direction,
            );
            expect(landed(live, { intentIndex, direction }, (index) => expected.get(index))).toBe(really);
          }
        }
      }),
      { numRuns: 500 },
    );
  });

  it('never answers no for what landed when history is missing: it refuses to answer', () => {
    fc.assert(
      fc.property(attempts, fc.nat(20), (script, forgotten) => {
        const { expected, accepted, live } = play(script);
        const known = (index: number) => (index === (forgotten + 1) * 3 ? undefined : expected.get(index));
        for (const effect of accepted) {
          let answer = true;
          try {
            answer = landed(live, effect, known);
          } catch (error) {
            expect(error).toMatchObject({ code: 'ENTRY_MALFORMED' });
          }
          expect(answer).toBe(true);
        }
      }),
    );
  });
});
