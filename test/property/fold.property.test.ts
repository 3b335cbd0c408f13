import fc from 'fast-check';
import { beforeAll, expect, test } from 'vitest';
import { canonicalText, digestOf } from '../../domain/evidence/canonical-json.ts';
import { encodeEntry } from '../../domain/log/entry.ts';
import { createFold, type Fold } from '../../domain/log/fold.ts';
import type { EntryFate, LogState } from '../../domain/log/state.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { API, acceptance, ENVIRONMENT, entryOf, sampleMove, signedTrust } from '../support/sample-log.ts';

const trust = signedTrust();
const verify = verifyEd25519;
const WEB = 'dns/example.com/web/A';

/** Signed entries of two changes that fight over one resource, freezes, and what nobody may say. */
let honest: Uint8Array[];
let forged: Uint8Array[];

beforeAll(async () => {
  honest = [];
  for (const [changeId, resources] of [
    ['chg-1', [API]],
    ['chg-2', [API, WEB]],
  ] as const) {
    const planDigest = digestOf(`plan of ${changeId}`);
    const about = { changeId, planDigest };
    const moves = resources.map((resource) => sampleMove({ resource, to: digestOf(changeId) }));
    honest.push(
      await entryOf('request', { changeId, nonce: changeId }),
      await entryOf('plan', { ...about, resources: [...resources] }),
      await entryOf('vote', about),
      encodeEntry(await acceptance({ inner: about })),
      await entryOf('intent', about),
      await entryOf('intent', { ...about, stage: '10%', expectedFence: '4' }),
      ...(await Promise.all(
        [2, 3, 4, 5, 6].map((intentIndex) => entryOf('outcome', { ...about, intentIndex })),
      )),
      await entryOf('outcome', { ...about, intentIndex: 4, direction: 'rollback' }),
      await entryOf('commit', { ...about, moves }),
      await entryOf('end', { changeId }),
    );
  }
  honest.push(
    await entryOf('freeze'),
    await entryOf('freeze', { nonce: 'f-2', state: 'active' }),
    await entryOf('trust'),
    await entryOf('snapshot', { size: 1 }),
  );
  forged = [
    new TextEncoder().encode('rubbish'),
    await entryOf('commit', {}, 'orchestrator'),
    await entryOf('end', { environment: 'staging' }),
    await entryOf('freeze', { nonce: 'forged' }, 'ada'),
    await entryOf('request', { changeId: 'chg-3' }, 'bob'),
  ];
});

/** The entries of the two changes in the order in which honest writers append them, for a good share of the runs. */
const order = fc.oneof(
  fc.array(fc.nat(31), { maxLength: 40 }),
  fc.shuffledSubarray(Array.from({ length: 32 }, (_, i) => i)),
  fc.subarray(Array.from({ length: 32 }, (_, i) => i)),
);

const newFold = (from?: LogState): Fold =>
  createFold({ environment: ENVIRONMENT, trust, verify, ...(from ? { from } : {}) });
const entriesOf = (picks: number[]) => picks.map((pick) => honest[pick] ?? new Uint8Array());
const foldAll = (fold: Fold, entries: Uint8Array[]): EntryFate[] => entries.map((entry) => fold.apply(entry));

test('folding a prefix and continuing from its state is the same as folding all', () => {
  fc.assert(
    fc.property(order, fc.nat(40), (picks, cut) => {
      const entries = entriesOf(picks);
      const whole = newFold();
      const fates = foldAll(whole, entries);
      const prefix = newFold();
      const before = foldAll(prefix, entries.slice(0, cut));
      const stored = JSON.parse(canonicalText(prefix.state)) as LogState;
      const rest = newFold(stored);
      expect([...before, ...foldAll(rest, entries.slice(cut))]).toEqual(fates);
      expect(canonicalText(rest.state)).toBe(canonicalText(whole.state));
      expect(canonicalText(stored)).toBe(canonicalText(prefix.state));
    }),
    { numRuns: 60 },
  );
});

test('forged entries are inert wherever they are', () => {
  fc.assert(
    fc.property(order, fc.array(fc.tuple(fc.nat(40), fc.nat(4)), { maxLength: 6 }), (picks, insertions) => {
      const entries = entriesOf(picks);
      const mixed: Uint8Array[] = [...entries];
      for (const [place, which] of insertions) mixed.splice(place, 0, forged[which] ?? new Uint8Array());
      const fates = foldAll(newFold(), mixed);
      const forgeries = new Set(forged);
      for (const [i, fate] of fates.entries()) {
        const entry = mixed[i];
        if (entry && forgeries.has(entry)) expect(fate.fate).toBe('inert');
      }
    }),
    { numRuns: 60 },
  );
});

test('forged entries after the others leave the state as it was', () => {
  fc.assert(
    fc.property(order, (picks) => {
      const fold = newFold();
      foldAll(fold, entriesOf(picks));
      const { size, ...before } = fold.state;
      const text = canonicalText(before);
      foldAll(fold, forged);
      const { size: after, ...state } = fold.state;
      expect([canonicalText(state), after]).toEqual([text, size + forged.length]);
    }),
    { numRuns: 60 },
  );
});

test('in any order: one holder for a resource, no key twice, nothing about an ended change', () => {
  fc.assert(
    fc.property(order, (picks) => {
      const fold = newFold();
      const honoured = new Map<number, number>();
      for (const [i, fate] of foldAll(fold, entriesOf(picks)).entries()) {
        expect(fate.index).toBe(i);
        if (fate.fate === 'duplicate') expect(fate.firstIndex).toBeLessThan(i);
        if (fate.fate === 'honoured') honoured.set(i, picks[i] ?? -1);
      }
      const { changes, ended, reservations, fenceChain } = fold.state;
      expect(Object.keys(changes).filter((changeId) => changeId in ended)).toEqual([]);
      for (const holder of Object.values(reservations)) expect(Object.keys(changes)).toContain(holder);
      const intents = Object.values(changes).flatMap((change) => change.intents);
      for (const { index } of intents) expect(fenceChain).toHaveProperty(String(index));
      const commits = [...honoured.values()].filter((pick) => pick === 12 || pick === 26);
      expect(new Set(commits).size).toBe(commits.length);
    }),
    { numRuns: 60 },
  );
});
