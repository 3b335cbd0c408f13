import { describe, expect, it, test } from 'vitest';
import { canonicalBytes } from '../../../domain/evidence/canonical-json.ts';
import { type Envelope, STATEMENT_PAYLOAD_TYPE } from '../../../domain/evidence/dsse.ts';
import { signPayload } from '../../../domain/evidence/statement-codec.ts';
import type { FreezePredicate, FreezeScope, Predicates } from '../../../domain/evidence/statements.ts';
import { encodeEntry } from '../../../domain/log/entry.ts';
import { createFold, type Fold } from '../../../domain/log/fold.ts';
import { azsOf, fencedZones, freezeOn, type Reach, releasedAzs } from '../../../domain/log/freeze-scope.ts';
import type { EntryFate } from '../../../domain/log/state.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import {
  API,
  ENVIRONMENT,
  entryOf,
  envelopeOf,
  SAMPLES,
  sampleMove,
  signedTrust,
  signerOf,
  ZONE,
} from '../../support/sample-log.ts';

const trust = signedTrust();
const newFold = () => createFold({ environment: ENVIRONMENT, trust, verify: verifyEd25519 });
const RECORDS: Reach = { zone: ZONE, azs: null, resources: [API], engages: false };
const CONFIG: Reach = { zone: null, azs: null, resources: ['config/payments/timeouts'], engages: false };
const inAzs = (...azs: string[]): Reach => ({ ...CONFIG, azs });

let nonces = 0;
async function freeze(fold: Fold, about: Partial<FreezePredicate>): Promise<EntryFate> {
  nonces += 1;
  return fold.apply(await entryOf('freeze', { nonce: `n-${nonces}`, ...about }));
}

const isFrozen = (fold: Fold, reach: Reach) => freezeOn(fold.state, reach) !== undefined;

describe('engaging a switch', () => {
  const SWITCH = { zone: null, azs: null, resources: ['switch/trading'], engages: true };
  const releasing = { ...SWITCH, engages: false };

  it.each<[string, Partial<FreezePredicate>, boolean]>([
    ['goes on while the environment is frozen', {}, false],
    ['goes on while its consumers are', { scope: { az: 'a' } }, false],
    ['is stopped by a hard freeze', { hard: true }, true],
    ['is stopped where switches are frozen by kind', { scope: { kind: 'switch' } }, true],
    ['is stopped where that switch is', { scope: { resource: 'switch/trading' } }, true],
  ])('%s; releasing it does not', async (_, about, stopped) => {
    const fold = newFold();
    await freeze(fold, about);
    expect([isFrozen(fold, SWITCH), isFrozen(fold, releasing)]).toEqual([stopped, true]);
  });

  it('is what the plan of switches says, and of nothing else', async () => {
    for (const [resource, fate] of [
      ['switch/trading', 'honoured'],
      ['config/payments', 'void'],
    ] as const) {
      const fold = newFold();
      const about = { resources: [resource], zone: null, riskClass: 'brake' as const };
      for (const entry of [
        await entryOf('request', { resources: [resource] }),
        await entryOf('plan', about),
        await entryOf('freeze', {}),
        // An intent on documents reaches nobody, so the exposure is what a freeze stops.
        await entryOf('intent', { zone: null }),
      ]) {
        fold.apply(entry);
      }
      const moves = [sampleMove({ resource, version: '1.0.0' })];
      const commit = await entryOf('commit', { zone: null, moves });
      expect(fold.apply(commit), resource).toMatchObject({ fate });
    }
  });
});

describe('a freeze of', () => {
  it.each<[string, FreezeScope | null, [Reach, boolean][]]>([
    [
      'the environment',
      null,
      [
        [RECORDS, true],
        [CONFIG, true],
        [inAzs('a'), true],
        [inAzs(), true],
      ],
    ],
    [
      'a hosted zone',
      { zone: ZONE },
      [
        [RECORDS, true],
        [CONFIG, false],
        [{ ...RECORDS, zone: 'example.org' }, false],
      ],
    ],
    [
      'an availability zone',
      { az: 'a' },
      [
        [RECORDS, true],
        [CONFIG, true],
        [inAzs('a', 'b'), true],
        [inAzs('b'), false],
      ],
    ],
    [
      'a resource',
      { resource: API },
      [
        [RECORDS, true],
        [CONFIG, false],
      ],
    ],
    [
      'a kind',
      { kind: 'config' },
      [
        [RECORDS, false],
        [CONFIG, true],
        [inAzs('b'), true],
      ],
    ],
  ])('%s stops exactly what may reach it', async (_name, scope, cases) => {
    const fold = newFold();
    await freeze(fold, { scope });
    for (const [reach, frozen] of cases) expect(isFrozen(fold, reach), JSON.stringify(reach)).toBe(frozen);
    await freeze(fold, { scope, state: 'active' });
    for (const [reach] of cases) expect(isFrozen(fold, reach)).toBe(false);
  });
});

test('scopes are lifted one by one', async () => {
  const fold = newFold();
  await freeze(fold, { scope: { zone: ZONE } });
  await freeze(fold, {});
  await freeze(fold, { scope: { zone: ZONE }, state: 'active' });
  expect(isFrozen(fold, RECORDS)).toBe(true);
  await freeze(fold, { state: 'active' });
  expect(isFrozen(fold, RECORDS)).toBe(false);
  expect(fold.state.automation).toHaveLength(2);
});

test('of several freezes in the way the hard one is named', async () => {
  const fold = newFold();
  await freeze(fold, {});
  await freeze(fold, { scope: { kind: 'dns' }, hard: true });
  expect(freezeOn(fold.state, RECORDS)).toMatchObject({ hard: true });
  expect(freezeOn(fold.state, CONFIG)?.hard).toBeUndefined();
});

test('an exposure to everybody is confined to no availability zone, whatever it lists', () => {
  expect(azsOf({ percent: 50, zones: ['a'] })).toEqual(['a']);
  expect(azsOf({ percent: 100, zones: ['a', 'b'] })).toBeNull();
  expect(azsOf({ percent: 10, zones: [] })).toBeNull();
});

test('the fences of every zone are raised that an effect in its scope may write to', () => {
  const zones = ['example.com', 'example.org'];
  expect(fencedZones(null, zones)).toEqual(zones);
  expect(fencedZones({ az: 'a' }, zones)).toEqual(zones);
  expect(fencedZones({ kind: 'dns' }, zones)).toEqual(zones);
  expect(fencedZones({ zone: 'example.org' }, zones)).toEqual(['example.org']);
  expect(fencedZones({ resource: 'dns/example.com/api/A' }, zones)).toEqual(['example.com']);
  expect(fencedZones({ kind: 'config' }, zones)).toEqual([]);
  expect(fencedZones({ resource: 'config/payments/timeouts' }, zones)).toEqual([]);
});

describe('nobody signs a freeze that', () => {
  it.each<[string, Partial<FreezePredicate>]>([
    ['lifts and is hard', { state: 'active', hard: true }],
    ['resumes and sends back', { state: 'resuming', gradual: { order: ['a'], watchMs: 0 }, rollBack: true }],
    ['is hard and sends back', { hard: true, rollBack: true }],
    ['resumes in no order', { state: 'resuming' }],
    ['is frozen in an order', { gradual: { order: ['a'], watchMs: 0 } }],
    ['names a zone twice', { state: 'resuming', gradual: { order: ['a', 'a'], watchMs: 0 } }],
    ['has two scopes at once', { scope: { zone: ZONE, kind: 'dns' } as FreezeScope }],
  ])('%s', async (_name, about) => {
    await expect(entryOf('freeze', about)).rejects.toMatchObject({ code: 'SCHEMA_INVALID' });
  });
});

describe('a gradual resumption', () => {
  /** Its entry is at index 1. */
  async function resuming(): Promise<Fold> {
    const fold = newFold();
    await freeze(fold, {});
    await freeze(fold, { state: 'resuming', gradual: { order: ['a', 'b'], watchMs: 0 } });
    return fold;
  }
  const say = async (fold: Fold, about: Partial<Predicates['resumption']>, holder?: string) =>
    fold.apply(await entryOf('resumption', { freezeIndex: 1, ...about }, holder));

  it('lets through what is confined to released zones, and everything after the last', async () => {
    const fold = await resuming();
    expect(isFrozen(fold, inAzs('a'))).toBe(true);
    await say(fold, { az: 'a' });
    expect([inAzs('a'), inAzs('a', 'b'), CONFIG, RECORDS].map((reach) => isFrozen(fold, reach))).toEqual([
      false,
      true,
      true,
      true,
    ]);
    await say(fold, { az: 'b' });
    expect(isFrozen(fold, RECORDS)).toBe(false);
    expect(fold.state.automation).toMatchObject([{ state: 'active', index: 1 }]);
  });

  it('freezes again with a verdict that fails, and what comes later releases nothing', async () => {
    const fold = await resuming();
    await say(fold, { az: 'a' });
    await say(fold, { az: 'b', verdict: 'fail' });
    expect(isFrozen(fold, inAzs('a'))).toBe(true);
    expect(await say(fold, { az: 'b' })).toMatchObject({ fate: 'inert' });
    expect(fold.state.automation).toMatchObject([{ state: 'frozen' }]);
  });

  it('holds with an inconclusive verdict, which is recorded once', async () => {
    const fold = await resuming();
    expect(await say(fold, { az: 'a', verdict: 'inconclusive' })).toMatchObject({ fate: 'honoured' });
    expect(await say(fold, { az: 'a', verdict: 'inconclusive' })).toMatchObject({ fate: 'duplicate' });
    expect(isFrozen(fold, inAzs('a'))).toBe(true);
    expect(await say(fold, { az: 'a' })).toMatchObject({ fate: 'honoured' });
  });

  it('is never widened: not out of turn, not by others, not without an operator', async () => {
    const fold = await resuming();
    expect(await say(fold, { az: 'b' })).toMatchObject({ fate: 'inert', reason: 'a comes next, not b' });
    expect(await say(fold, { az: 'c' })).toMatchObject({ fate: 'inert' });
    for (const holder of ['orchestrator', 'enactor', 'olga', 'voter.a']) {
      expect(await say(fold, { az: 'a' }, holder), holder).toMatchObject({ fate: 'inert' });
    }
    expect(await say(fold, { az: 'a', freezeIndex: 0 })).toMatchObject({ fate: 'inert' });
    const frozen = newFold();
    await freeze(frozen, {});
    expect(await say(frozen, { az: 'a', freezeIndex: 0 })).toMatchObject({ fate: 'inert' });
    expect(releasedAzs(fold.state.automation[0] ?? { resumptions: [] })).toEqual([]);
  });
});

describe('what this build cannot read', () => {
  async function signed(
    says: object,
    holder: string,
    type = 'freeze/v2',
    beside: Pick<Envelope, 'parts'> = {},
  ): Promise<Uint8Array> {
    const statement = {
      _type: 'https://in-toto.io/Statement/v1',
      subject: [],
      predicateType: `https://resilience-ctl.dev/${type}`,
      predicate: says,
    };
    const envelope = await signPayload(signerOf(holder), STATEMENT_PAYLOAD_TYPE, canonicalBytes(statement));
    return encodeEntry({ ...envelope, ...beside });
  }
  const NEWER = {
    environment: ENVIRONMENT,
    state: 'active',
    moonPhase: 'full',
    at: '2026-01-01T00:00:00.000Z',
  };

  it('freezes everything when an operator signed it, until an entry that can be read says otherwise', async () => {
    const fold = newFold();
    const bytes = await signed(NEWER, 'olga');
    expect(fold.apply(bytes)).toEqual({ fate: 'honoured', index: 0 });
    expect(freezeOn(fold.state, CONFIG)).toMatchObject({ operator: 'olga', at: NEWER.at, scope: null });
    await freeze(fold, { state: 'active' });
    expect(isFrozen(fold, CONFIG)).toBe(false);
    expect(fold.apply(bytes)).toEqual({ fate: 'duplicate', index: 2, firstIndex: 0 });
    expect(isFrozen(fold, CONFIG)).toBe(false);
  });

  it('freezes too when it is of this version and has a scope that nobody knows', async () => {
    const fold = newFold();
    fold.apply(await signed({ ...NEWER, scope: { moon: 'full' } }, 'olga', 'freeze/v1'));
    expect(isFrozen(fold, RECORDS)).toBe(true);
  });

  it('counts once, whatever stands beside it', async () => {
    const fold = newFold();
    fold.apply(await signed(NEWER, 'olga'));
    await freeze(fold, { state: 'active' });
    expect(fold.apply(await signed(NEWER, 'olga', 'freeze/v2', { parts: {} }))).toMatchObject({
      fate: 'duplicate',
    });
    expect(isFrozen(fold, CONFIG)).toBe(false);
  });

  it('lifts nothing, ever, by a nonce that no state could remember', async () => {
    const fold = newFold();
    const bytes = await signed(
      { ...SAMPLES.freeze, state: 'active', nonce: '__proto__' },
      'olga',
      'freeze/v1',
    );
    await freeze(fold, {});
    expect(fold.apply(bytes)).toMatchObject({ fate: 'honoured' });
    expect(isFrozen(fold, CONFIG)).toBe(true);
    await freeze(fold, { state: 'active' });
    await freeze(fold, {});
    expect(fold.apply(bytes)).toMatchObject({ fate: 'duplicate', firstIndex: 1 });
    expect(isFrozen(fold, CONFIG)).toBe(true);
  });

  it.each(['hard', 'rollBack'] as const)('lifts nothing of the freeze in force: %s stays', async (asked) => {
    const fold = newFold();
    await freeze(fold, { [asked]: true });
    fold.apply(await signed(NEWER, 'olga'));
    expect(fold.state.automation).toMatchObject([{ state: 'frozen', scope: null, index: 1, [asked]: true }]);
    await freeze(fold, { state: 'active' });
    fold.apply(await signed({ ...NEWER, moonPhase: 'new' }, 'olga'));
    expect(fold.state.automation).toMatchObject([{ state: 'frozen', index: 3 }]);
    expect(fold.state.automation[0]).not.toHaveProperty(asked);
  });

  it.each<[string, () => Promise<Uint8Array>]>([
    [
      'it can be read, and somebody put parts beside it',
      async () => encodeEntry({ ...(await envelopeOf('freeze')), parts: {} }),
    ],
    [
      'it is an end of a freeze that can be read, and somebody put parts beside it',
      async () =>
        encodeEntry({ ...(await envelopeOf('freeze', { state: 'active' })), parts: { hard: true } }),
    ],
    ['somebody else signed', () => signed(NEWER, 'ada')],
    ['a service signed', () => signed(NEWER, 'orchestrator')],
    ['is about another environment', () => signed({ ...NEWER, environment: 'staging' }, 'olga')],
    ['is about something else', () => signed(NEWER, 'olga', 'thaw/v2')],
  ])('does nothing when %s', async (_name, bytes) => {
    const fold = newFold();
    expect(fold.apply(await bytes())).toMatchObject({ fate: 'inert' });
    expect(fold.state.automation).toEqual([]);
  });
});
