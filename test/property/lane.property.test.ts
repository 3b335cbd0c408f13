import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { laneOf } from '../../domain/causality/lane.ts';
import type { ChangeRecord, LogState } from '../../domain/log/state.ts';
import { sampleRecord, sampleState } from '../support/sample-change.ts';

interface Ask {
  resources: string[];
  /** Resources, and changes by their number. */
  dependsOn: (string | number)[];
  emergency: boolean;
}

// Made once: signing and hashing them for every run would be most of the test.
const STATE = sampleState();
const RECORD = sampleRecord();

const RESOURCES = ['config/a/x', 'config/b/x', 'schema/x', 'switch/x', 'dns/example.com/api/A'];
const ask: fc.Arbitrary<Ask> = fc.record({
  resources: fc.uniqueArray(fc.constantFrom(...RESOURCES), { minLength: 1, maxLength: 3 }),
  dependsOn: fc.array(fc.oneof(fc.constantFrom(...RESOURCES, 'schema/x@^2'), fc.nat(9)), { maxLength: 3 }),
  emergency: fc.boolean(),
});

/** One open change each, requested in order. */
function requested(asks: readonly Ask[]): LogState {
  const state = structuredClone(STATE);
  for (const [i, { resources, dependsOn, emergency }] of asks.entries()) {
    const declared = dependsOn.map((one) => (typeof one === 'number' ? `change/c${one}` : one));
    state.changes[`c${i}`] = {
      changeId: `c${i}`,
      request: {
        ...RECORD.request,
        changeId: `c${i}`,
        index: 10 * i,
        resources,
        dependsOn: declared,
        emergency,
      },
      plan: null,
      votes: [],
      acceptances: [],
      rulings: [],
      verdicts: [],
      intents: [],
      outcomes: [],
      exposures: [],
    };
  }
  return state;
}

/** Whether the log would honour its intent: the resources are not another's. */
function mayHold(state: LogState, { changeId, request }: ChangeRecord): boolean {
  return request.resources.every((one) => (state.reservations[one] ?? changeId) === changeId);
}

function hold(state: LogState, change: ChangeRecord): void {
  expect(mayHold(state, change)).toBe(true);
  for (const one of change.request.resources) state.reservations[one] = change.changeId;
  change.intents = RECORD.intents.slice(0, 1);
}

function end(state: LogState, change: ChangeRecord): void {
  delete state.changes[change.changeId];
  for (const one of change.request.resources) delete state.reservations[one];
}

const changesIn = (state: LogState) => Object.values(state.changes);
const shared = (a: ChangeRecord, b: ChangeRecord) =>
  a.request.resources.some((one) => b.request.resources.includes(one));
const needs = (a: ChangeRecord, b: ChangeRecord) =>
  a.request.dependsOn.some(
    (one) => one === `change/${b.changeId}` || b.request.resources.includes(one.replace('@^2', '')),
  );

test('however the turns fall, every change gets its own and none waits in a circle', () => {
  fc.assert(
    fc.property(fc.array(ask, { maxLength: 10 }), fc.infiniteStream(fc.nat(1000)), (asks, chance) => {
      const state = requested(asks);
      const pick = <T>(from: readonly T[]) => from[Number(chance.next().value) % from.length];
      // Each change takes two steps: its first intent, then its end.
      for (let steps = 2 * asks.length; steps > 0; steps -= 1) {
        const turn = changesIn(state).filter((one) => laneOf(one, state).ahead.length === 0);
        // Two emergencies may both be told to go on; the log lets one of them.
        const free = turn.filter((one) => mayHold(state, one));
        const next = pick(free);
        if (!next) throw new Error(`Stuck: ${changesIn(state).map((one) => one.changeId)}`);
        if (next.intents.length > 0) end(state, next);
        else hold(state, next);
      }
      expect(state.changes).toEqual({});
    }),
    { numRuns: 500 },
  );
});

test('ordinary changes take turns: what is under way at once is unrelated', () => {
  fc.assert(
    fc.property(fc.array(ask, { maxLength: 10 }), (asks) => {
      const state = requested(asks.map((one) => ({ ...one, emergency: false })));
      while (changesIn(state).length > 0) {
        const turn = changesIn(state).filter((one) => laneOf(one, state).ahead.length === 0);
        expect(turn.length).toBeGreaterThan(0);
        const pairs = turn.flatMap((a) => turn.map((b) => [a, b] as const));
        const inOrder = pairs.filter(([a, b]) => a.request.index < b.request.index);
        expect(inOrder.filter(([a, b]) => shared(a, b) || needs(b, a))).toEqual([]);
        for (const one of turn) hold(state, one);
        for (const one of turn) end(state, one);
      }
    }),
    { numRuns: 300 },
  );
});

test('unrelated changes wait for nobody', () => {
  fc.assert(
    fc.property(fc.array(ask, { maxLength: 10 }), (asks) => {
      const state = requested(asks);
      for (const one of changesIn(state)) {
        const others = changesIn(state).filter((other) => other !== one);
        const related = others.some((other) => shared(one, other) || needs(one, other));
        if (!related) expect(laneOf(one, state)).toEqual({ ahead: [], position: 1 });
      }
    }),
  );
});

describe('the place in the lane', () => {
  const A = { resources: ['config/a/x'], dependsOn: [], emergency: false };
  const named = (state: LogState, changeId: string) => {
    const change = state.changes[changeId];
    if (!change) throw new Error(changeId);
    return change;
  };
  const at = (state: LogState, changeId: string) => laneOf(named(state, changeId), state);

  test('is in the order of the requests, the oldest first', () => {
    const state = requested([A, A, { ...A, resources: ['switch/x'] }, A]);
    expect(at(state, 'c0')).toEqual({ ahead: [], position: 1 });
    expect(at(state, 'c3')).toEqual({ ahead: ['c0', 'c1'], position: 3 });
  });

  test.each([['change/c0'], ['config/a/x'], ['config/a/x@^1']])('counts who makes %s', (dependency) => {
    const user = { resources: ['switch/x'], dependsOn: [dependency], emergency: false };
    expect(at(requested([A, user]), 'c1').ahead).toEqual(['c0']);
    expect(at(requested([user, A]), 'c0').ahead).toEqual([]);
  });

  test('of an emergency is behind those alone that have an intent', () => {
    const state = requested([A, A, { ...A, emergency: true }]);
    expect(at(state, 'c2').ahead).toEqual([]);
    hold(state, named(state, 'c1'));
    expect(at(state, 'c2').ahead).toEqual(['c1']);
    expect(at(state, 'c1').ahead).toEqual([]);
  });

  test('is behind whoever holds the resource, however late it came', () => {
    const state = requested([A, { ...A, emergency: true }]);
    expect(at(state, 'c0').ahead).toEqual([]);
    hold(state, named(state, 'c1'));
    expect(at(state, 'c0').ahead).toEqual(['c1']);
    expect(at(state, 'c1').ahead).toEqual([]);
  });
});
