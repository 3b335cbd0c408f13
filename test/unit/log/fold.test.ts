import { describe, expect, test } from 'vitest';
import { canonicalBytes, canonicalText, digestOf } from '../../../domain/evidence/canonical-json.ts';
import type { Predicates } from '../../../domain/evidence/statements.ts';
import { encodeEntry } from '../../../domain/log/entry.ts';
import { createFold, type Fold } from '../../../domain/log/fold.ts';
import { leafHash } from '../../../domain/log/merkle-tree.ts';
import type { EntryFate } from '../../../domain/log/state.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import { liveVersion } from '../../support/dns-plans.ts';
import {
  API,
  AT,
  acceptance,
  CHANGE,
  ENVIRONMENT,
  entryOf,
  envelopeOf,
  PLAN,
  type PlainType,
  ruling,
  SAMPLES,
  sampleMove,
  signedTrust,
  ZONE,
} from '../../support/sample-log.ts';

const trust = signedTrust();
const verify = verifyEd25519;
const newFold = () => createFold({ environment: ENVIRONMENT, trust, verify });

const CHANGE_2 = 'chg-2';
const PLAN_2 = digestOf('plan 2');
const WEB = 'dns/example.com/web/A';

type Step = { [T in PlainType]: [type: T, change?: Partial<Predicates[T]>, holder?: string] }[PlainType];

async function folded(fold: Fold, ...steps: Step[]): Promise<EntryFate[]> {
  const fates: EntryFate[] = [];
  for (const [type, change, holder] of steps) {
    fates.push(fold.apply(await entryOf<PlainType>(type, change, holder)));
  }
  return fates;
}

async function apply<T extends PlainType>(
  fold: Fold,
  type: T,
  change?: Partial<Predicates[T]>,
  holder?: string,
): Promise<EntryFate> {
  return fold.apply(await entryOf(type, change, holder));
}

/** A fold in which chg-1 (intent at index 2) is open. */
async function withIntent(): Promise<Fold> {
  const fold = newFold();
  await folded(fold, ['request'], ['plan'], ['intent']);
  return fold;
}

/** As `withIntent`, and chg-2 planned (index 4) over the given resources. */
async function withTwoChanges(resources: string[]): Promise<Fold> {
  const fold = await withIntent();
  await folded(
    fold,
    ['request', { changeId: CHANGE_2, nonce: 'n-2' }],
    ['plan', { changeId: CHANGE_2, planDigest: PLAN_2, resources }],
  );
  return fold;
}

describe('a whole change', () => {
  test('opens, reserves, commits and leaves only what later changes need', async () => {
    const fold = await withIntent();
    expect(fold.state.reservations).toEqual({ [API]: CHANGE });
    expect(fold.state.fenceChain).toEqual({ 2: null });
    const fates = await folded(
      fold,
      ['vote'],
      ['outcome'],
      ['stage-verdict', { intentIndex: 2 }],
      ['commit'],
    );
    expect(fates.map(({ fate }) => fate)).toEqual(['honoured', 'honoured', 'honoured', 'honoured']);
    expect(fold.state).toMatchObject({
      size: 7,
      changes: {},
      reservations: {},
      fenceChain: {},
      ended: { [CHANGE]: { status: 'committed', index: 6 } },
      live: { [API]: { digest: digestOf('after'), changeId: CHANGE, index: 6 } },
      recentCommits: [{ zone: ZONE, resources: [API] }],
    });
  });

  test('commits older than a day are forgotten', async () => {
    const fold = await withTwoChanges([WEB]);
    await folded(fold, ['commit']);
    const move = sampleMove({ resource: WEB, to: digestOf('web') });
    await folded(fold, [
      'commit',
      { changeId: CHANGE_2, planDigest: PLAN_2, moves: [move], at: '2026-01-02T00:00:00.000Z' },
    ]);
    expect(fold.state.recentCommits.map(({ resources }) => resources)).toEqual([[WEB]]);
  });
});

describe('the leaf of an intent', () => {
  test('is of the bytes that were folded, and is kept while the change is open', async () => {
    const fold = await withIntent();
    const intent = await entryOf('intent');
    expect(fold.intentLeaf(2)).toEqual(leafHash(intent));
    expect(fold.intentLeaf(1)).toBeNull();
    expect(fold.intentLeaf(3)).toBeNull();
    await folded(fold, ['outcome', { intentIndex: 2, result: 'not-applied' }], ['end']);
    expect(fold.state.ended).toHaveProperty('chg-1');
    expect(fold.intentLeaf(2)).toBeNull();
  });
});

describe('authority', () => {
  const wrong: [PlainType, string][] = [
    ['request', 'bob'],
    ['freeze', 'ada'],
    ['recovery', 'ada'],
    ['fence', 'orchestrator'],
    ['approval', 'bob'],
    ['vote', 'voter.b'],
    ['vote', 'orchestrator'],
    ['plan', 'enactor'],
    ['intent', 'enactor'],
    ['end', 'enactor'],
    ['trust', 'ada'],
    ['snapshot', 'analysis'],
    ['stage-verdict', 'orchestrator'],
    ['outcome', 'orchestrator'],
    ['commit', 'orchestrator'],
    ['commit', 'a stranger'],
  ];
  test.each(wrong)('a %s signed by %s is inert and changes nothing', async (type, holder) => {
    const fold = await withIntent();
    const before = canonicalText({ ...fold.state, size: 0 });
    expect(await apply(fold, type, {}, holder)).toMatchObject({ fate: 'inert', index: 3 });
    expect(canonicalText({ ...fold.state, size: 0 })).toBe(before);
    expect(fold.state.size).toBe(4);
  });

  test('an author speaks for themselves alone', async () => {
    expect(await apply(newFold(), 'request', { author: 'bob' }, 'ada')).toMatchObject({ fate: 'inert' });
  });

  test("a voter's zone is its own", async () => {
    const fold = await withIntent();
    expect(await apply(fold, 'vote', { voterZone: 'b' }, 'voter.a')).toMatchObject({ fate: 'inert' });
  });

  test('what is about another environment is inert', async () => {
    expect(await apply(newFold(), 'request', { environment: 'staging' })).toMatchObject({ fate: 'inert' });
  });

  test.each([
    ['rubbish', new TextEncoder().encode('rubbish')],
    ['nothing', new Uint8Array()],
    ['too many bytes', new Uint8Array(65_536)],
  ])('%s is inert', (_, bytes) => {
    expect(newFold().apply(bytes)).toMatchObject({ fate: 'inert', index: 0 });
  });
});

describe('acceptances', () => {
  async function accepted(...input: Parameters<typeof acceptance>): Promise<EntryFate> {
    const fold = await withIntent();
    return fold.apply(encodeEntry(await acceptance(...input)));
  }

  test('one with a valid approval inside counts', async () => {
    expect(await accepted()).toEqual({ fate: 'honoured', index: 3 });
  });

  test('the approval inside is not kept in the state', async () => {
    const fold = await withIntent();
    fold.apply(encodeEntry(await acceptance()));
    expect(fold.state.changes[CHANGE]?.acceptances).toHaveLength(1);
    expect(fold.state.changes[CHANGE]?.acceptances[0]).not.toHaveProperty('approval');
  });

  test.each<[string, Parameters<typeof acceptance>[0]]>([
    ['not signed by its approver', { approver: 'olga' }],
    ['signed by the author', { inner: { approver: 'ada' }, approver: 'ada' }],
    ['of another plan', { change: { planDigest: PLAN_2 } }],
    ['of the opposite decision', { change: { decision: 'reject' } }],
    ['of another nonce', { change: { nonce: 'another' } }],
    ['of another change', { inner: { changeId: CHANGE_2 }, change: { changeId: CHANGE } }],
    ['that arrives after it expired', { change: { at: '2026-01-01T00:15:00.001Z' } }],
    ['that was not issued yet', { inner: { issuedAt: '2026-01-01T00:01:00.001Z' } }],
    ['valid for more than 15 minutes', { inner: { expiresAt: '2026-01-01T00:15:00.001Z' } }],
    ['recorded by somebody else', { holder: 'enactor' }],
  ])('one %s is inert', async (_, input) => {
    expect(await accepted(input)).toMatchObject({ fate: 'inert' });
  });

  test('a refusal needs no valid approval inside', async () => {
    expect(await accepted({ approver: 'olga', change: { accepted: false } })).toMatchObject({
      fate: 'honoured',
    });
  });

  describe('with a second factor', () => {
    const withFactor = async (change: Partial<Predicates['mfa']> = {}, holder?: string) =>
      acceptance({ change: { mfa: await envelopeOf('mfa', change, holder) } });

    test('that was given for it counts, and the state knows which', async () => {
      const fold = await withIntent();
      expect(fold.apply(encodeEntry(await withFactor()))).toMatchObject({ fate: 'honoured' });
      const [kept] = fold.state.changes[CHANGE]?.acceptances ?? [];
      expect(kept?.mfa).toEqual({ method: 'totp', at: AT });
    });

    test('is signed for: taking it away, or another in its place, makes the entry inert', async () => {
      const { parts: _, ...without } = await withFactor();
      const fold = await withIntent();
      expect(fold.apply(canonicalBytes(without))).toMatchObject({ fate: 'inert' });
      const other = { ...without, parts: { mfa: await envelopeOf('mfa', { method: 'recovery-code' }) } };
      expect(fold.apply(canonicalBytes(other))).toMatchObject({ fate: 'inert' });
    });

    test.each<[string, Partial<Predicates['mfa']>, string?]>([
      ['by the orchestrator', {}, 'orchestrator'],
      ['by the approver', {}, 'bob'],
      ['of somebody else', { person: 'ada' }],
      ['for another approval', { nonce: 'approval-2' }],
      ['for another change', { changeId: CHANGE_2 }],
      ['for another plan', { planDigest: PLAN_2 }],
      ['that had expired', { at: '2025-12-31T23:55:00.000Z', expiresAt: '2025-12-31T23:59:59.999Z' }],
      ['that lives longer than five minutes', { expiresAt: '2026-01-01T00:05:00.001Z' }],
    ])('%s is inert', async (_, change, holder) => {
      const fold = await withIntent();
      expect(fold.apply(encodeEntry(await withFactor(change, holder)))).toMatchObject({ fate: 'inert' });
    });

    test('or anything else in its place is inert', async () => {
      const fold = await withIntent();
      const stray = await acceptance({ change: { mfa: await envelopeOf('approval') } });
      expect(fold.apply(encodeEntry(stray))).toMatchObject({ fate: 'inert' });
    });

    test('of a refused approval is not looked at, and not kept', async () => {
      const fold = await withIntent();
      const refused = await acceptance({ change: { accepted: false, mfa: await envelopeOf('approval') } });
      expect(fold.apply(encodeEntry(refused))).toMatchObject({ fate: 'honoured' });
      expect(fold.state.changes[CHANGE]?.acceptances[0]?.mfa).toBeNull();
    });
  });

  test('an approval counts once', async () => {
    const fold = await withIntent();
    fold.apply(encodeEntry(await acceptance()));
    const again = encodeEntry(await acceptance({ change: { at: '2026-01-01T00:00:01.000Z' } }));
    expect(fold.apply(again)).toEqual({ fate: 'duplicate', index: 4, firstIndex: 3 });
  });
});

describe('rulings', () => {
  async function ruled(...input: Parameters<typeof ruling>): Promise<EntryFate> {
    const fold = await withIntent();
    return fold.apply(encodeEntry(await ruling(...input)));
  }

  test('one with a valid command inside is remembered, without the command', async () => {
    const fold = await withIntent();
    expect(fold.apply(encodeEntry(await ruling()))).toEqual({ fate: 'honoured', index: 3 });
    expect(fold.state.changes[CHANGE]?.rulings).toMatchObject([
      { person: 'olga', action: 'pause', index: 3 },
    ]);
    expect(fold.state.changes[CHANGE]?.rulings[0]).not.toHaveProperty('command');
    const again = encodeEntry(await ruling({ change: { at: '2026-01-01T00:00:01.000Z' } }));
    expect(fold.apply(again)).toEqual({ fate: 'duplicate', index: 4, firstIndex: 3 });
  });

  test.each<[string, Parameters<typeof ruling>[0]]>([
    ['not signed by its person', { person: 'bob' }],
    ['of a stranger', { inner: { person: 'a stranger' }, person: 'a stranger' }],
    ['of another action', { change: { action: 'abort' } }],
    ['of another nonce', { change: { nonce: 'another' } }],
    ['of another change', { inner: { changeId: CHANGE_2 }, change: { changeId: CHANGE } }],
    ['that arrives after it expired', { change: { at: '2026-01-01T00:15:00.001Z' } }],
    ['recorded by somebody else', { holder: 'enactor' }],
  ])('one %s is inert', async (_, input) => {
    expect(await ruled(input)).toMatchObject({ fate: 'inert' });
  });

  test('a refusal needs no valid command inside', async () => {
    expect(await ruled({ person: 'bob', change: { accepted: false } })).toMatchObject({ fate: 'honoured' });
  });
});

describe('a nonce that was used', () => {
  const byAuthor = { inner: { approver: 'ada' }, approver: 'ada', change: { accepted: false } };

  test.each<[string, Parameters<typeof acceptance>[0], Parameters<typeof acceptance>[0]]>([
    ['by another person', byAuthor, {}],
    ['for the opposite decision', {}, { inner: { decision: 'reject' } }],
  ])('%s counts for nothing, and its refusal is an entry', async (_, first, replayed) => {
    const fold = await withIntent();
    const append = async (input: typeof first) => fold.apply(encodeEntry(await acceptance(input)));
    expect(await append(first)).toMatchObject({ fate: 'honoured', index: 3 });
    expect(await append(replayed)).toEqual({
      fate: 'inert',
      index: 4,
      reason: 'its nonce was used at entry 3',
    });
    const refusal = { ...replayed, change: { accepted: false } };
    expect(await append(refusal)).toMatchObject({ fate: 'honoured', index: 5 });
    expect(await append(refusal)).toMatchObject({ fate: 'duplicate', firstIndex: 5 });
  });
});

describe('idempotency', () => {
  test.each<Step>([
    ['request', { requestDigest: digestOf('another') }],
    ['plan', { at: '2026-01-01T00:00:01.000Z' }],
    ['intent', { at: '2026-01-01T00:00:01.000Z' }],
  ])('a %s of the same key comes back as a duplicate', async (...step) => {
    const [fate] = await folded(await withIntent(), step as Step);
    expect(fate).toMatchObject({ fate: 'duplicate', index: 3 });
  });

  test('votes are one for each voter and round', async () => {
    const fates = await folded(
      await withIntent(),
      ['vote'],
      ['vote', { decision: 'no' }],
      ['vote', { round: 1 }],
      ['vote', { voter: 'voter.b', voterZone: 'b' }, 'voter.b'],
    );
    expect(fates.map(({ fate }) => fate)).toEqual(['honoured', 'duplicate', 'honoured', 'honoured']);
  });

  test('a retried commit is recognised after the end of its change', async () => {
    const [, again] = await folded(await withIntent(), ['commit'], ['commit']);
    expect(again).toEqual({ fate: 'duplicate', index: 4, firstIndex: 3 });
  });

  test('a rollback that did not land may be tried again; a forward effect may not', async () => {
    const fates = await folded(
      await withIntent(),
      ['outcome', { direction: 'rollback', result: 'not-applied' }],
      ['outcome', { direction: 'rollback', result: 'applied' }],
      ['outcome', { result: 'not-applied' }],
      ['outcome', { result: 'applied' }],
    );
    expect(fates.map(({ fate }) => fate)).toEqual(['honoured', 'honoured', 'honoured', 'duplicate']);
  });

  test('an old freeze entry cannot be replayed', async () => {
    const fates = await folded(
      newFold(),
      ['freeze', { state: 'active' }],
      ['freeze', { nonce: 'f-2' }],
      ['freeze', { state: 'active' }],
    );
    expect(fates.map(({ fate }) => fate)).toEqual(['honoured', 'honoured', 'duplicate']);
  });

  test('an old freeze entry cannot be replayed with parts beside it, which nobody signed', async () => {
    const fold = newFold();
    const hard = await envelopeOf('freeze', { hard: true });
    const lifted = await envelopeOf('freeze', { state: 'active', nonce: 'f-2' });
    fold.apply(encodeEntry(hard));
    for (const parts of [{}, { scope: null }]) {
      expect(fold.apply(encodeEntry({ ...hard, parts }))).toMatchObject({ fate: 'inert' });
    }
    expect(fold.state.automation).toMatchObject([{ state: 'frozen', hard: true, index: 0 }]);
    fold.apply(encodeEntry(lifted));
    for (const envelope of [hard, lifted]) {
      expect(fold.apply(encodeEntry({ ...envelope, parts: {} }))).toMatchObject({ fate: 'inert' });
    }
    expect(fold.state.automation).toMatchObject([{ state: 'active' }]);
  });

  test.each(['constructor', 'valueOf'])('a freeze entry with the nonce %s counts once', async (nonce) => {
    const fates = await folded(
      newFold(),
      ['freeze', { state: 'active', nonce }],
      ['freeze', { nonce: 'f-2' }],
      ['freeze', { state: 'active', nonce }],
    );
    expect(fates.map(({ fate }) => fate)).toEqual(['honoured', 'honoured', 'duplicate']);
  });

  test('trust and snapshot entries count once', async () => {
    const fates = await folded(
      newFold(),
      ['trust'],
      ['trust'],
      ['snapshot'],
      ['snapshot'],
      ['snapshot', { size: 99 }],
    );
    expect(fates.map(({ fate }) => fate)).toEqual([
      'honoured',
      'duplicate',
      'honoured',
      'duplicate',
      'inert',
    ]);
  });
});

describe('preconditions', () => {
  const commitOfTwo = (change: Partial<Predicates['commit']['moves'][number]> = {}): Step => [
    'commit',
    {
      changeId: CHANGE_2,
      planDigest: PLAN_2,
      moves: [sampleMove({ resource: WEB, to: digestOf('web'), ...change })],
    },
  ];

  test.each<[string, Step, object]>([
    ['a vote on an unknown change', ['vote', { changeId: 'chg-9' }], { fate: 'void', code: 'ALREADY_ENDED' }],
    [
      'a change called constructor',
      ['vote', { changeId: 'constructor' }],
      { fate: 'void', code: 'ALREADY_ENDED' },
    ],
    [
      'a plan for another request',
      ['plan', { requestDigest: digestOf('x'), planDigest: PLAN_2 }],
      { fate: 'inert' },
    ],
    [
      'another plan after the first intent',
      ['plan', { planDigest: PLAN_2 }],
      { fate: 'void', code: 'RESERVED' },
    ],
    ['an intent of another plan', ['intent', { planDigest: PLAN_2 }], { fate: 'void', code: 'STALE_BASE' }],
    ['an intent in another zone', ['intent', { stage: '10%', zone: 'example.org' }], { fate: 'inert' }],
    ['a commit of another plan', ['commit', { planDigest: PLAN_2 }], { fate: 'void', code: 'STALE_BASE' }],
    [
      'a commit of other resources',
      ['commit', { moves: [sampleMove({ resource: WEB, to: null })] }],
      { fate: 'inert' },
    ],
    ['an outcome of no intent', ['outcome', { intentIndex: 1 }], { fate: 'inert' }],
    ['an outcome of another stage', ['outcome', { stage: '10%' }], { fate: 'inert' }],
    ['an end before the outcome is known', ['end'], { fate: 'void', code: 'ROLLBACK_INCOMPLETE' }],
    ['a next stage', ['intent', { stage: '10%', expectedFence: '2' }], { fate: 'honoured' }],
  ])('%s', async (_, step, fate) => {
    expect((await folded(await withIntent(), step))[0]).toMatchObject(fate);
  });

  test('a plan is replaced until the first intent, also by one that was there before', async () => {
    const fates = await folded(
      newFold(),
      ['request'],
      ['plan'],
      ['plan', { planDigest: PLAN_2 }],
      ['plan'],
      ['intent'],
    );
    expect(fates.map(({ fate }) => fate)).toEqual(Array(5).fill('honoured'));
  });

  test('records stay reserved from the first intent to the end', async () => {
    const fold = await withTwoChanges([WEB, API]);
    const intent: Step = ['intent', { changeId: CHANGE_2, planDigest: PLAN_2 }];
    expect((await folded(fold, intent))[0]).toMatchObject({ fate: 'void', code: 'RESERVED' });
    await folded(
      fold,
      ['outcome'],
      ['outcome', { direction: 'rollback' }],
      ['end', { status: 'rolled-back' }],
    );
    expect((await folded(fold, intent))[0]).toMatchObject({ fate: 'honoured' });
  });

  test('a frozen zone takes no intent and no commit, and every way back', async () => {
    const fold = await withIntent();
    await folded(fold, ['outcome'], ['freeze', { scope: { zone: ZONE } }]);
    const fates = await folded(
      fold,
      ['intent', { stage: '10%', expectedFence: '2' }],
      ['commit'],
      ['outcome', { direction: 'rollback' }],
      ['end', { status: 'rolled-back' }],
    );
    expect(fates).toMatchObject([
      { code: 'FROZEN' },
      { code: 'FROZEN' },
      { fate: 'honoured' },
      { fate: 'honoured' },
    ]);
  });

  test('a commit needs its base to be live', async () => {
    const fold = await withTwoChanges([WEB]);
    expect((await folded(fold, commitOfTwo({ from: digestOf('old') })))[0]).toMatchObject({
      code: 'STALE_BASE',
    });
    expect((await folded(fold, commitOfTwo()))[0]).toMatchObject({ fate: 'honoured' });
  });

  test('a commit that depends on a change that has not committed is void until it has', async () => {
    const fold = await withTwoChanges([WEB]);
    const commit = commitOfTwo({ dependsOn: [`change/${CHANGE}`] });
    expect((await folded(fold, commit))[0]).toMatchObject({ fate: 'void', code: 'DEPENDENCY_MISSING' });
    expect((await folded(fold, ['commit'], commit))[1]).toMatchObject({ fate: 'honoured' });
  });

  test('a commit that depends on a document that is not live is void', async () => {
    const fold = await withTwoChanges([WEB]);
    const commit = commitOfTwo({ dependsOn: ['config/payments'] });
    expect((await folded(fold, commit))[0]).toMatchObject({ fate: 'void', code: 'DEPENDENCY_MISSING' });
  });

  test('a commit may depend on records that were there before the log governed them', async () => {
    const fold = await withTwoChanges([WEB]);
    expect((await folded(fold, commitOfTwo({ dependsOn: [API] })))[0]).toMatchObject({ fate: 'honoured' });
  });

  test('a commit that depends on records that the log has removed is void', async () => {
    const fold = await withTwoChanges([WEB]);
    fold.state.live[API] = liveVersion({ digest: null });
    const commit = commitOfTwo({ dependsOn: [API] });
    expect((await folded(fold, commit))[0]).toMatchObject({ fate: 'void', code: 'DEPENDENCY_MISSING' });
  });

  test('a commit may depend on what it makes itself, not on what it removes', async () => {
    const fold = await withTwoChanges([WEB]);
    const self = { dependsOn: [WEB] };
    expect((await folded(fold, commitOfTwo({ ...self, to: null })))[0]).toMatchObject({
      code: 'DEPENDENCY_MISSING',
    });
    expect((await folded(fold, commitOfTwo(self)))[0]).toMatchObject({ fate: 'honoured' });
  });

  test('after the end every statement about the change is void', async () => {
    const fates = await folded(await withIntent(), ['commit'], ['vote'], ['intent'], ['request'], ['end']);
    expect(fates.slice(1)).toMatchObject(Array(4).fill({ fate: 'void', code: 'ALREADY_ENDED' }));
  });
});

describe('the end of a change that wrote', () => {
  /** Intents at 2 and 4, the first one applied. */
  async function withTwoStages(): Promise<Fold> {
    const fold = await withIntent();
    await folded(fold, ['outcome'], ['intent', { stage: '10%', expectedFence: '2' }]);
    return fold;
  }
  const second = { intentIndex: 4, stage: '10%' };
  const end: Step = ['end', { status: 'rolled-back' }];

  test.each<[string, Step[], string]>([
    ['not while its last intent has no outcome', [], 'void'],
    ['not while a stage is live', [['outcome', second]], 'void'],
    [
      'not when only the older stage is undone',
      [
        ['outcome', second],
        ['outcome', { direction: 'rollback' }],
      ],
      'void',
    ],
    [
      'not when the rollback did not land',
      [
        ['outcome', second],
        ['outcome', { ...second, direction: 'rollback', result: 'not-applied' }],
      ],
      'void',
    ],
    [
      'when the last stage is undone: that leads straight to the base',
      [
        ['outcome', second],
        ['outcome', { ...second, direction: 'rollback' }],
      ],
      'honoured',
    ],
    [
      'when the last one never landed and the one before is undone',
      [
        ['outcome', { ...second, result: 'not-applied' }],
        ['outcome', { direction: 'rollback' }],
      ],
      'honoured',
    ],
  ])('%s', async (_, steps, fate) => {
    const fates = await folded(await withTwoStages(), ...steps, end);
    expect(fates.at(-1)).toMatchObject({ fate });
  });
});

describe('raised fences', () => {
  test('enter the chain through which a live fence is walked back, once each', async () => {
    const fold = newFold();
    const fates = await folded(
      fold,
      ['freeze'],
      ['fence', { expectedFence: '0' }],
      ['fence', { expectedFence: '0' }],
    );
    expect(fates.map(({ fate }) => fate)).toEqual(['honoured', 'honoured', 'duplicate']);
    expect(fold.state.fenceChain).toEqual({ 1: '0' });
    expect(fold.state.raisedFences).toMatchObject([{ zone: ZONE, index: 1 }]);
  });

  test('count only for a freeze or a recovery that is in force', async () => {
    const fold = newFold();
    const fates = await folded(
      fold,
      ['fence'],
      ['freeze'],
      ['freeze', { nonce: 'f-2', state: 'active' }],
      ['fence', { cause: { type: 'freeze', index: 1 } }],
      ['fence', { cause: { type: 'freeze', index: 2 } }],
      ['recovery'],
      ['fence', { cause: { type: 'freeze', index: 5 } }],
      ['fence', { cause: { type: 'recovery', index: 5 } }],
    );
    const counted = fates.filter(({ fate }) => fate === 'honoured').map(({ index }) => index);
    expect(counted).toEqual([1, 2, 5, 7]);
  });

  test('an old recovery cannot be replayed', async () => {
    const fates = await folded(newFold(), ['recovery'], ['recovery', { nonce: 'r-2' }], ['recovery']);
    expect(fates[2]).toEqual({ fate: 'duplicate', index: 2, firstIndex: 0 });
  });
});

test('the plan of the samples is the one that they all name', () => {
  expect(SAMPLES.intent.planDigest).toBe(PLAN);
});
