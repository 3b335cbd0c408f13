import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { canonicalText, digestOf } from '../../domain/evidence/canonical-json.ts';
import type { CommitPredicate } from '../../domain/evidence/statements.ts';
import { encodeEntry } from '../../domain/log/entry.ts';
import { createFold, type Fold } from '../../domain/log/fold.ts';
import type { LogState } from '../../domain/log/state.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import {
  ENVIRONMENT,
  entryOf,
  overrideCommit,
  overrideMove,
  sampleMove,
  signedTrust,
} from '../support/sample-log.ts';

const trust = signedTrust();
const verify = verifyEd25519;

const A = 'config/a/x';
const B = 'config/b/x';
const S = 'schema/x';
/** Three batches that fight over three documents; the last one can only follow the first. */
const BATCHES = [
  { changeId: 'chg-1', resources: [A, S], from: null, version: '1.0.0' },
  { changeId: 'chg-2', resources: [A, B], from: null, version: '1.1.0' },
  { changeId: 'chg-3', resources: [A, S], from: '1.0.0', version: '2.0.0' },
] as const;
const ROLLOUTS: CommitPredicate['rollout'][] = [
  { stage: '10%', percent: 10, zones: [] },
  { stage: 'a', percent: 0, zones: ['us-east-1a'] },
  { stage: '10%', percent: 0, zones: [] },
  null,
];

/** Two people take the first document: before there is one, and in place of the first batch's. */
const OVERRIDES = [
  { changeId: 'bg-1', from: null, version: '1.5.0' },
  { changeId: 'bg-2', from: '1.0.0', version: '1.6.0' },
] as const;

interface Entry {
  bytes: Uint8Array;
  /** Of a document that two people take, whoever holds it. */
  override?: true;
  /** The batch and rollout of a commit. */
  commit?: { batch: (typeof BATCHES)[number]; rollout: CommitPredicate['rollout'] };
}

let entries: Entry[];

beforeAll(async () => {
  entries = [
    { bytes: await entryOf('freeze', { scope: { az: 'us-east-1a' } }) },
    { bytes: await entryOf('freeze', { nonce: 'f-2', scope: { az: 'us-east-1a' }, state: 'active' }) },
  ];
  for (const batch of BATCHES) {
    const { changeId, from, version } = batch;
    const about = { changeId, planDigest: digestOf(changeId), zone: null };
    const resources = [...batch.resources];
    const moves = resources.map((resource) =>
      sampleMove({
        resource,
        from: from && digestOf(`${resource} ${from}`),
        to: digestOf(`${resource} ${version}`),
        version,
        dependsOn: resource === A ? resources.filter((one) => one !== A) : [],
      }),
    );
    const commits = ROLLOUTS.map(async (rollout) => ({
      bytes: await entryOf('commit', { ...about, moves, rollout }),
      commit: { batch, rollout },
    }));
    entries.push(
      { bytes: await entryOf('request', { changeId, nonce: changeId, resources }) },
      { bytes: await entryOf('plan', { ...about, resources }) },
      { bytes: await entryOf('intent', about) },
      ...(await Promise.all(commits)),
      { bytes: await entryOf('end', { changeId, status: 'rolled-back' }) },
    );
  }
  for (const { changeId, from, version } of OVERRIDES) {
    const move = {
      ...{ resource: A, from: from && digestOf(`${A} ${from}`), to: digestOf(`${A} ${version}`), version },
      clock: from === null ? 1 : 2,
    };
    const said = {
      ...{ changeId, nonce: changeId, guards: ['reservation' as const, 'freeze' as const] },
      moves: [overrideMove(move)],
    };
    entries.push({ bytes: encodeEntry(await overrideCommit({ said })), override: true });
  }
});

/** Any order, with a good share of those in which honest writers append. */
const order = fc.oneof(
  fc.array(fc.nat(27), { maxLength: 50 }),
  fc.subarray(Array.from({ length: 28 }, (_, i) => i)),
  fc
    .array(fc.nat(2), { maxLength: 6 })
    .chain((batches) =>
      fc.tuple(
        ...batches.map((batch) =>
          fc
            .tuple(fc.array(fc.integer({ min: 3, max: 7 }), { maxLength: 5 }), fc.subarray([26, 27]))
            .map(([commits, taken]) => [
              ...[0, 1, 2, ...commits].map((place) => 2 + 8 * batch + place),
              ...taken,
            ]),
        ),
      ),
    )
    .map((runs) => runs.flat()),
);

const newFold = (from?: LogState): Fold =>
  createFold({ environment: ENVIRONMENT, trust, verify, ...(from ? { from } : {}) });
const entryAt = (pick: number): Entry => entries[pick] ?? { bytes: new Uint8Array() };
const foldAll = (fold: Fold, picks: readonly number[]) =>
  picks.map((pick) => fold.apply(entryAt(pick).bytes));

test('folding a prefix and continuing from its state is the same as folding all', () => {
  fc.assert(
    fc.property(order, fc.nat(50), (picks, cut) => {
      const whole = newFold();
      const fates = foldAll(whole, picks);
      const prefix = newFold();
      const before = foldAll(prefix, picks.slice(0, cut));
      const rest = newFold(JSON.parse(canonicalText(prefix.state)) as LogState);
      expect([...before, ...foldAll(rest, picks.slice(cut))]).toEqual(fates);
      expect(canonicalText(rest.state)).toBe(canonicalText(whole.state));
    }),
    { numRuns: 100 },
  );
});

test('a batch is never half visible, live or as a canary arm, at any index', () => {
  fc.assert(
    fc.property(order, (picks) => {
      const fold = newFold();
      const displaced = new Set<string>();
      for (const pick of picks) {
        const holder = fold.state.live[A]?.canary?.changeId;
        const { fate } = fold.apply(entryAt(pick).bytes);
        if (fate === 'honoured' && entryAt(pick).override && holder !== undefined) displaced.add(holder);
        const { live, changes } = fold.state;
        for (const { changeId, resources, version } of BATCHES) {
          const arms = resources.map((one) => live[one]?.canary ?? null);
          const own = arms.filter((arm) => arm?.changeId === changeId);
          expect([0, resources.length]).toContain(own.length);
          expect(new Set(own.map((arm) => canonicalText({ ...arm, digest: null }))).size).toBeLessThan(2);
          // An arm hangs exactly while its change is open, its last exposure is no withdrawal, and nobody took it away.
          const last = changes[changeId]?.exposures.at(-1)?.rollout;
          const exposed = last !== undefined && last.percent + last.zones.length > 0;
          expect(own.length > 0).toBe(exposed && !displaced.has(changeId));
          if (fold.state.ended[changeId]?.status !== 'committed') {
            expect(resources.filter((one) => live[one]?.version === version)).toEqual([]);
          }
        }
      }
    }),
    { numRuns: 200 },
  );
});

test('only commits and overrides move what is live, all of a batch at once, and the clock counts them', () => {
  fc.assert(
    fc.property(order, (picks) => {
      const fold = newFold();
      let commits = 0;
      for (const pick of picks) {
        const before = structuredClone(fold.state.live);
        const { fate } = fold.apply(entryAt(pick).bytes);
        const { commit, override } = entryAt(pick);
        const committed = fate === 'honoured' ? commit : undefined;
        const moved = [A, B, S].filter(
          (one) =>
            fold.state.live[one]?.digest !== before[one]?.digest &&
            (fold.state.live[one]?.digest ?? before[one]?.digest ?? null) !== null,
        );
        if (committed?.rollout === null) {
          commits += 1;
          expect(moved).toEqual([...committed.batch.resources]);
          for (const one of moved) {
            expect(fold.state.live[one]).toMatchObject({ vector: { prod: commits }, canary: null });
          }
        } else if (fate === 'honoured' && override) {
          commits += 1;
          expect(moved).toEqual([A]);
          expect(fold.state.live[A]).toMatchObject({ vector: { prod: commits }, canary: null });
        } else {
          expect(moved).toEqual([]);
        }
        expect(fold.state.clock.prod ?? 0).toBe(commits);
      }
    }),
    { numRuns: 200 },
  );
});

test('a change that is rolled back leaves what is live as it found it', () => {
  fc.assert(
    fc.property(
      order,
      fc.nat(2),
      fc.array(fc.constantFrom(3, 4), { maxLength: 3 }),
      (picks, batch, exposures) => {
        const fold = newFold();
        foldAll(fold, picks);
        const before = canonicalText(fold.state.live);
        const changeId = BATCHES[batch]?.changeId ?? '';
        if (fold.state.changes[changeId] !== undefined) return;
        const first = 2 + 8 * batch;
        foldAll(fold, [
          first,
          first + 1,
          first + 2,
          ...exposures.map((place) => first + place),
          first + 5,
          first + 7,
        ]);
        expect(canonicalText(fold.state.live)).toBe(before);
        expect(fold.state.changes[changeId]).toBeUndefined();
      },
    ),
    { numRuns: 200 },
  );
});
