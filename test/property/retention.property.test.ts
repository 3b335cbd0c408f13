import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Plan } from '../../domain/change/plan.ts';
import { type Digest, digestOf } from '../../domain/evidence/canonical-json.ts';
import { collectable, type Stock } from '../../domain/log/retention.ts';
import { emptyLogState, type LogState } from '../../domain/log/state.ts';
import { signedTrust } from '../support/sample-log.ts';

/** A small stock, so that what is kept for one reason is often what another would let go. */
const STORED = Array.from({ length: 40 }, (_, i) => digestOf(i));
const one = fc.constantFrom(...STORED);
const oneOrNone = fc.option(one);

const live = fc.record({
  digest: oneOrNone,
  parent: oneOrNone,
  versionDigest: oneOrNone,
  canary: fc.option(fc.record({ digest: oneOrNone, versionDigest: oneOrNone })),
});
const change = fc.record({
  requestDigest: one,
  planDigest: oneOrNone,
  readingDigest: one,
  voted: fc.array(one, { maxLength: 2 }),
  plan: fc.record({ baseDigest: oneOrNone, targetDigest: oneOrNone }),
});
const commit = fc.record({
  planDigest: one,
  moves: fc.array(fc.record({ to: oneOrNone, versionDigest: oneOrNone }), { maxLength: 2 }),
});
const world = fc.record({
  live: fc.array(live, { maxLength: 3 }),
  changes: fc.array(change, { maxLength: 2 }),
  commits: fc.array(commit, { maxLength: 3 }),
  snapshot: oneOrNone,
});
type World = typeof world extends fc.Arbitrary<infer W> ? W : never;

/** Only what retention reads; the rest of a state has nothing to do with it. */
function stockOf({ live, changes, commits, snapshot }: World): Stock {
  const named = (prefix: string, items: readonly unknown[]) =>
    Object.fromEntries(items.map((item, i) => [`${prefix}/${i}`, item]));
  const records = changes.map(({ requestDigest, planDigest, readingDigest, voted }) => ({
    request: { requestDigest },
    plan: planDigest && { planDigest, readingDigest },
    votes: voted.map((digest) => ({ planDigest: digest })),
  }));
  const state = {
    ...emptyLogState('prod', signedTrust()),
    live: named('config/a', live),
    changes: named('chg', records),
    snapshot: snapshot && { stateDigest: snapshot },
  } as unknown as LogState;
  const plans = new Map<Digest, Plan>();
  for (const { planDigest, plan } of changes) {
    if (planDigest) plans.set(planDigest, { resources: [plan] } as unknown as Plan);
  }
  return { state, commits: commits as unknown as Stock['commits'], plans, stored: STORED };
}

/** What must stay, said field by field. Two plans of one digest are one plan: the later one. */
function neededBy(world: World): Set<Digest> {
  const plans = new Map(world.changes.map((change) => [change.planDigest, change.plan]));
  const versions = [
    ...world.live.flatMap(({ digest, parent, canary }) => [digest, parent, canary?.digest]),
    ...world.changes.flatMap(({ planDigest }) => {
      const plan = planDigest === null ? undefined : plans.get(planDigest);
      return [plan?.baseDigest, plan?.targetDigest];
    }),
  ];
  const others = [
    world.snapshot,
    ...world.live.flatMap(({ versionDigest, canary }) => [versionDigest, canary?.versionDigest]),
    ...world.changes.flatMap(({ requestDigest, planDigest, readingDigest, voted }) => [
      requestDigest,
      ...(planDigest === null ? [] : [planDigest, readingDigest]),
      ...voted,
    ]),
  ];
  const needed = new Set([...versions, ...others].filter((digest) => digest != null));
  const made = world.commits.flatMap(({ planDigest, moves }) => {
    const kept = moves.filter(({ to }) => to !== null && needed.has(to));
    return kept.length === 0 ? [] : [planDigest, ...kept.map(({ versionDigest }) => versionDigest)];
  });
  return new Set([...needed, ...made].filter((digest) => digest !== null));
}

test('nothing that is live, a way back, or named by an open change is collectable, and all else is', () => {
  fc.assert(
    fc.property(world, (world) => {
      const needed = neededBy(world);
      expect(collectable(stockOf(world))).toEqual(STORED.filter((digest) => !needed.has(digest)));
    }),
    { numRuns: 500 },
  );
});

test('while a plan of an open change is not at hand, nothing is collectable', () => {
  fc.assert(
    fc.property(world, (world) => {
      const open = world.changes.some(({ planDigest }) => planDigest !== null);
      fc.pre(open);
      expect(collectable({ ...stockOf(world), plans: new Map() })).toEqual([]);
    }),
    { numRuns: 100 },
  );
});
