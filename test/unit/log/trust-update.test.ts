import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../../domain/evidence/dsse.ts';
import type { TrustDocument } from '../../../domain/evidence/trust.ts';
import { followUpdates } from '../../../domain/evidence/trust-succession.ts';
import { encodeEntry, MAX_ENTRY_BYTES } from '../../../domain/log/entry.ts';
import { createFold, type Fold } from '../../../domain/log/fold.ts';
import { type EntryFate, trustOf } from '../../../domain/log/state.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import { AT, acceptance, CHANGE, ENVIRONMENT, entryOf, trustedKeys } from '../../support/sample-log.ts';
import { FIRST, nextOf, rootOf, signedByAll, updateOf } from '../../support/trust-update.ts';

/** A log that names the pinned document, and has an open change with a plan. */
async function begun(): Promise<Fold> {
  const fold = createFold({ environment: ENVIRONMENT, trust: FIRST, verify: verifyEd25519 });
  const entries = [
    await entryOf('trust', { document: FIRST }),
    await entryOf('request'),
    await entryOf('plan'),
  ];
  for (const entry of entries) expect(fold.apply(entry)).toMatchObject({ fate: 'honoured' });
  return fold;
}

const apply = (fold: Fold, envelope: Envelope): EntryFate => fold.apply(encodeEntry(envelope));
const voteOf = (holder: string) => entryOf('vote', {}, holder);

/** The document with one more voter's key instead of its own. */
function withVoterKey(trust: TrustDocument, seed: string): TrustDocument {
  return nextOf(trust, {
    services: trust.services.map((one) =>
      one.name === 'voter.a' ? { ...one, keys: trustedKeys(seed) } : one,
    ),
  });
}

describe('an update of the trust document', () => {
  test('signed by enough of both roots applies from the next entry on', async () => {
    const fold = await begun();
    const next = withVoterKey(FIRST, 'voter.a-2');
    expect(fold.apply(await voteOf('voter.a-2'))).toMatchObject({ fate: 'inert' });
    expect(apply(fold, await updateOf(FIRST, next, ['dora', 'finn']))).toEqual({
      fate: 'honoured',
      index: 4,
    });
    expect(trustOf(fold.state)).toEqual(next);
    expect(fold.state.trustInForce).toMatchObject({ digest: digestOf(next), index: 4 });
    // The retired key signs nothing any more, and the new one counts from here.
    expect(fold.apply(await voteOf('voter.a'))).toMatchObject({ fate: 'inert' });
    expect(fold.apply(await voteOf('voter.a-2'))).toMatchObject({ fate: 'honoured' });
  });

  test('leaves what was said before it as it was', async () => {
    const fold = await begun();
    expect(fold.apply(await voteOf('voter.a'))).toMatchObject({ fate: 'honoured' });
    expect(apply(fold, await acceptance())).toMatchObject({ fate: 'honoured' });
    const withoutBob = nextOf(withVoterKey(FIRST, 'voter.a-2'), {
      version: 2,
      people: FIRST.people.filter(({ subject }) => subject !== 'bob'),
    });
    expect(apply(fold, await updateOf(FIRST, withoutBob, ['dora', 'erin']))).toMatchObject({
      fate: 'honoured',
    });
    const change = fold.state.changes[CHANGE];
    expect(change?.votes).toHaveLength(1);
    expect(change?.acceptances).toHaveLength(1);
    expect(apply(fold, await acceptance({ inner: { nonce: 'again' } }))).toMatchObject({ fate: 'inert' });
  });

  test('hands over to another root, and the old one has nothing more to say', async () => {
    const fold = await begun();
    const second = nextOf(FIRST, { root: rootOf(['gus', 'hana'], 2) });
    const both = ['dora', 'erin', 'gus', 'hana'];
    expect(apply(fold, await updateOf(FIRST, second, both))).toMatchObject({ fate: 'honoured' });
    const third = nextOf(second);
    expect(apply(fold, await updateOf(second, third, ['dora', 'erin', 'finn']))).toMatchObject({
      fate: 'inert',
    });
    expect(apply(fold, await updateOf(second, third, ['gus', 'hana']))).toMatchObject({ fate: 'honoured' });
    expect(trustOf(fold.state).version).toBe(3);
  });

  test('is remembered by a state, which goes on as if all had been folded', async () => {
    const fold = await begun();
    const next = withVoterKey(FIRST, 'voter.a-2');
    apply(fold, await updateOf(FIRST, next, ['dora', 'erin']));
    const again = createFold({
      environment: ENVIRONMENT,
      trust: FIRST,
      verify: verifyEd25519,
      from: JSON.parse(JSON.stringify(fold.state)),
    });
    for (const one of [fold, again]) {
      expect(one.apply(await voteOf('voter.a'))).toMatchObject({ fate: 'inert' });
      expect(one.apply(await voteOf('voter.a-2'))).toMatchObject({ fate: 'honoured' });
    }
    expect(again.state).toEqual(fold.state);
  });

  test('carries a document of some hundred people, and one that does not fit is refused clearly', async () => {
    const person = (i: number) => ({
      subject: `person-${i}`,
      roles: ['author' as const],
      teams: ['payments'],
      secondFactors: [],
      keys: trustedKeys(`person-${i}`),
    });
    const crowd = (size: number) =>
      nextOf(FIRST, { people: [...FIRST.people, ...Array.from({ length: size }, (_, i) => person(i))] });
    const fold = await begun();
    expect(apply(fold, await updateOf(FIRST, crowd(200), ['dora', 'erin']))).toMatchObject({
      fate: 'honoured',
    });
    const large = await updateOf(FIRST, crowd(400), ['dora', 'erin']);
    expect(() => encodeEntry(large)).toThrow(
      expect.objectContaining({ code: 'TOO_LARGE', message: expect.stringContaining(`${MAX_ENTRY_BYTES}`) }),
    );
  });
});

describe('an attack on the trust document', () => {
  const retired = withVoterKey(FIRST, 'eve');
  const refused: [string, () => Promise<Envelope>, RegExp][] = [
    [
      'signed by too few',
      () => updateOf(FIRST, retired, ['dora']),
      /1 of 2 needed root holders of version 1/,
    ],
    [
      'signed with two keys of one holder',
      () => updateOf(FIRST, retired, ['dora', 'dora-2']),
      /1 of 2 needed root holders of version 1 signed it: dora/,
    ],
    [
      'signed by the old root alone',
      () => updateOf(FIRST, nextOf(FIRST, { root: rootOf(['eve', 'fred'], 2) }), ['dora', 'erin']),
      /0 of 2 needed root holders of version 2/,
    ],
    [
      'signed by the new root alone',
      () => updateOf(FIRST, nextOf(FIRST, { root: rootOf(['eve', 'fred'], 2) }), ['eve', 'fred']),
      /0 of 2 needed root holders of version 1/,
    ],
    [
      'that lowers the threshold for itself',
      () => updateOf(FIRST, nextOf(FIRST, { root: { ...FIRST.root, threshold: 1 } }), ['dora']),
      /1 of 2 needed root holders of version 1/,
    ],
    [
      'of another environment',
      () => updateOf(FIRST, nextOf(FIRST, { environment: 'staging' }), ['dora', 'erin']),
      /for prod and staging/,
    ],
    [
      'under which a witness would count twice',
      () => {
        const { witnesses } = FIRST.transparency;
        const transparency = { ...FIRST.transparency, witnesses: [...witnesses, ...witnesses], threshold: 2 };
        return updateOf(FIRST, nextOf(FIRST, { transparency }), ['dora', 'erin']);
      },
      /twice as a witness/,
    ],
    [
      'appended by the orchestrator',
      () =>
        signedByAll(
          { environment: ENVIRONMENT, previousDigest: digestOf(FIRST), document: retired, at: AT },
          ['orchestrator'],
        ),
      /0 of 2/,
    ],
    [
      'appended by the orchestrator as the first one',
      () =>
        signedByAll({ environment: ENVIRONMENT, previousDigest: null, document: retired, at: AT }, [
          'orchestrator',
        ]),
      /another trust document than the pinned one/,
    ],
  ];

  test.each(refused)('%s is inert', async (_, update, reason) => {
    const fold = await begun();
    const fate = apply(fold, await update());
    expect(fate).toMatchObject({ fate: 'inert', index: 3, reason: expect.stringMatching(reason) });
    expect(trustOf(fold.state)).toEqual(FIRST);
  });

  test.each<[string, TrustDocument]>([
    ['skips one', nextOf(FIRST, { version: 3 })],
    ['stays', nextOf(FIRST, { version: 1, targets: [] })],
  ])('with a version that %s is void', async (_, document) => {
    const fold = await begun();
    expect(apply(fold, await updateOf(FIRST, document, ['dora', 'erin']))).toMatchObject({
      fate: 'void',
      code: 'STALE_BASE',
    });
    expect(trustOf(fold.state)).toEqual(FIRST);
  });

  test('that loses the race for its place is void', async () => {
    const fold = await begun();
    const one = await updateOf(FIRST, withVoterKey(FIRST, 'voter.a-2'), ['dora', 'erin']);
    const other = await updateOf(FIRST, withVoterKey(FIRST, 'voter.a-3'), ['erin', 'finn']);
    expect(apply(fold, one)).toMatchObject({ fate: 'honoured' });
    const before = trustOf(fold.state);
    expect(apply(fold, other)).toMatchObject({ fate: 'void', code: 'STALE_BASE' });
    expect(trustOf(fold.state)).toEqual(before);
  });

  test('that replays an earlier version brings nothing back', async () => {
    const fold = await begun();
    const second = withVoterKey(FIRST, 'voter.a-2');
    const update = await updateOf(FIRST, second, ['dora', 'erin']);
    apply(fold, update);
    expect(apply(fold, update)).toMatchObject({ fate: 'duplicate', firstIndex: 3 });
    const third = withVoterKey(second, 'voter.a-3');
    apply(fold, await updateOf(second, third, ['dora', 'erin']));
    expect(apply(fold, update)).toMatchObject({ fate: 'void', code: 'STALE_BASE' });
    expect(fold.apply(await entryOf('trust', { document: FIRST }))).toMatchObject({ fate: 'inert' });
    expect(trustOf(fold.state)).toEqual(third);
  });

  test('on the way to a snapshot breaks the chain', async () => {
    const second = nextOf(FIRST);
    const third = nextOf(second);
    const good = await updateOf(FIRST, second, ['dora', 'erin']);
    const bad = await updateOf(second, third, ['dora']);
    expect(followUpdates(FIRST, [good], verifyEd25519)).toEqual(second);
    expect(() => followUpdates(FIRST, [good, bad], verifyEd25519)).toThrow(/1 of 2/);
    expect(() => followUpdates(FIRST, [good, good], verifyEd25519)).toThrow(/version 2/);
  });
});
