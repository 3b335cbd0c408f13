import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import { type Envelope, preAuthEncoding } from '../../../domain/evidence/dsse.ts';
import { encodeEntry } from '../../../domain/log/entry.ts';
import { createFold } from '../../../domain/log/fold.ts';
import { GUARDS_OF_THE_LOG } from '../../../domain/override/guards.ts';
import { whyUnexplained } from '../../../domain/reconcile/explain-fence.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import {
  API,
  CHANGE,
  ENVIRONMENT,
  entryOf,
  envelopeOf,
  GLASS,
  overrideCommit,
  overrideIntent,
  signedTrust,
  signerOf,
  ZONE,
} from '../../support/sample-log.ts';

const trust = signedTrust();
const newFold = () => createFold({ environment: ENVIRONMENT, trust, verify: verifyEd25519 });
/** An intent and an override that agree on what they move. */
const inZone = (resource: string) => {
  const records = { zone: ZONE, resources: [{ resource, to: digestOf('after') }] };
  return { said: { records }, change: records };
};
/** The same statement with other words, signed as if our own code did not look at them. */
async function resigned(
  envelope: Envelope,
  holder: string,
  edit: (text: string) => string,
): Promise<Envelope> {
  const payload = Buffer.from(edit(Buffer.from(envelope.payload, 'base64').toString()));
  const { keyId, sign } = signerOf(holder);
  const sig = Buffer.from(await sign(preAuthEncoding(envelope.payloadType, payload)));
  return {
    ...envelope,
    payload: payload.toString('base64'),
    signatures: [{ keyid: keyId, sig: sig.toString('base64') }],
  };
}
const intent = async (...input: Parameters<typeof overrideIntent>) =>
  encodeEntry(await overrideIntent(...input));

describe('an override in the log', () => {
  test('counts with two people, their second factors and the role that carries it out', async () => {
    const fold = newFold();
    expect(fold.apply(await intent())).toEqual({ fate: 'honoured', index: 0 });
    expect(fold.state.overrides[GLASS]).toMatchObject({
      said: { approvers: ['bob', 'cyd'] },
      factors: [{ person: 'bob' }, { person: 'cyd' }],
      outcome: null,
    });
    expect(fold.state.fenceChain).toEqual({ 0: null });
  });

  test.each<[string, Parameters<typeof overrideIntent>[0]]>([
    ['of one person twice', { said: { approvers: ['bob', 'bob'] }, signers: ['bob'] }],
    ['that one of the two did not sign', { signers: ['bob'] }],
    ['carried out by the enactor', { holder: 'enactor' }],
    ['carried out by the orchestrator', { holder: 'orchestrator' }],
    [
      'for another plan',
      { change: { planDigest: 'sha256:0000000000000000000000000000000000000000000000000000000000000000' } },
    ],
    [
      'of another resource than the two people signed',
      { change: { resources: [{ resource: 'dns/example.com/web/A', to: digestOf('after') }] } },
    ],
    [
      'of another body than the two people signed',
      { change: { resources: [{ resource: API, to: digestOf('mine') }] } },
    ],
    ['of another zone than the two people signed', { change: { zone: 'example.net' } }],
    ['of what two people signed that is no record of the zone', inZone('policy/permissions')],
    ['of what two people signed that is a record of another zone', inZone('dns/example.net/api/A')],
    [
      'that says it was carried out without the log, which the two people did not name',
      { change: { fence: '0.o0123456789abcdef' } },
    ],
    [
      'that says so, of two people who did not name the freeze',
      {
        said: { guards: ['quorum', 'witness', 'log', 'reservation', 'causality', 'limits'] },
        change: { fence: '0.o0123456789abcdef' },
      },
    ],
    ['used after it expired', { change: { at: '2026-01-01T00:15:00.001Z' } }],
    ['with second factors that were given for something else', { mfa: { nonce: 'approval-1' } }],
    ['with second factors that had expired', { change: { at: '2026-01-01T00:06:00.000Z' } }],
  ])('%s is inert', async (_, input) => {
    const fold = newFold();
    expect(fold.apply(await intent(input))).toMatchObject({ fate: 'inert' });
    expect(fold.state.overrides).toEqual({});
  });

  test('has an id that no request may have, signed or folded, and no request’s', async () => {
    await expect(entryOf('request', { changeId: GLASS })).rejects.toMatchObject({ code: 'SCHEMA_INVALID' });
    for (const type of ['override', 'override-outcome', 'review'] as const) {
      await expect(entryOf(type, { changeId: CHANGE })).rejects.toMatchObject({ code: 'SCHEMA_INVALID' });
    }
    const said = { changeId: CHANGE };
    await expect(overrideIntent({ said })).rejects.toMatchObject({ code: 'SCHEMA_INVALID' });
    await expect(overrideCommit({ said })).rejects.toMatchObject({ code: 'SCHEMA_INVALID' });

    const fold = newFold();
    const forged = await resigned(await envelopeOf('request'), 'ada', (text) =>
      text.replaceAll(CHANGE, GLASS),
    );
    expect(fold.apply(encodeEntry(forged))).toMatchObject({ fate: 'inert' });
    const same = await resigned(await envelopeOf('request'), 'ada', (text) => text);
    expect(fold.apply(encodeEntry(same))).toMatchObject({ fate: 'honoured' });
    const spooled = { guards: [...GUARDS_OF_THE_LOG] };
    const happened = await intent({ said: spooled, change: { fence: '0.o0123456789abcdef' } });
    expect(fold.apply(happened)).toMatchObject({ fate: 'honoured' });
  });

  test('has the outcome of its own plan only', async () => {
    const fold = newFold();
    fold.apply(await intent());
    const outcome = await entryOf('override-outcome', { planDigest: digestOf('another plan') });
    expect(fold.apply(outcome)).toMatchObject({ fate: 'inert' });
    expect(fold.state.live).toEqual({});
  });

  test('counts once, and its token for no other change', async () => {
    const fold = newFold();
    fold.apply(await intent());
    const again = { change: { at: '2026-01-01T00:00:01.000Z' } };
    expect(fold.apply(await intent(again))).toMatchObject({ fate: 'duplicate', firstIndex: 0 });
    expect(fold.apply(await intent({ said: { changeId: 'bg-2' } }))).toMatchObject({ fate: 'inert' });
  });

  test('is void in a freeze and on records of others, unless it names them; from a spool it has happened', async () => {
    const frozen = newFold();
    frozen.apply(await entryOf('freeze'));
    expect(frozen.apply(await intent())).toMatchObject({ fate: 'void', code: 'FROZEN' });
    expect(frozen.apply(await intent({ said: { guards: ['freeze'] } }))).toMatchObject({ fate: 'honoured' });

    const other = { said: { changeId: 'bg-2', nonce: 'n-2' } };
    const reserved = newFold();
    for (const type of ['request', 'plan', 'intent'] as const) reserved.apply(await entryOf(type));
    expect(reserved.apply(await intent(other))).toMatchObject({ fate: 'void', code: 'RESERVED' });
    const said = { ...other.said, guards: [...GUARDS_OF_THE_LOG] };
    const spooled = { said, change: { fence: '0.o0123456789abcdef' } };
    expect(reserved.apply(await intent(spooled))).toMatchObject({ fate: 'honoured' });
    expect(reserved.state.fenceChain[5]).toBeUndefined();
  });

  test('makes its records live when it landed, over whatever the log believed', async () => {
    const fold = newFold();
    fold.apply(await intent());
    expect(fold.apply(await entryOf('override-outcome'))).toMatchObject({ fate: 'honoured', index: 1 });
    expect(fold.state.live[API]).toMatchObject({ changeId: GLASS, index: 1, clock: 1 });
    expect(fold.state.recentCommits).toMatchObject([{ zone: ZONE }]);
    expect(fold.apply(await entryOf('override-outcome', { result: 'not-applied' }))).toMatchObject({
      fate: 'duplicate',
    });
  });

  test('explains the fence that it leaves, from its intent on', async () => {
    const why = (fence: string, { state }: ReturnType<typeof newFold>) => whyUnexplained(ZONE, fence, state);
    const fold = newFold();
    expect(why('0', fold)).toContain('no entry explains');
    fold.apply(await intent());
    expect(why('0', fold)).toBeNull();
    fold.apply(await entryOf('override-outcome'));
    expect(fold.state.settledFences).toEqual({ [ZONE]: '0' });
    expect(why('0', fold)).toBeNull();
    const spooled = '0.o0123456789abcdef';
    expect(why(spooled, fold)).toContain('override reconcile');
    const said = { changeId: 'bg-2', nonce: 'n-2', guards: [...GUARDS_OF_THE_LOG] };
    fold.apply(await intent({ said, change: { expectedFence: '0', fence: spooled } }));
    expect(why(spooled, fold)).toBeNull();
    fold.apply(await entryOf('override-outcome', { changeId: 'bg-2', fence: spooled }));
    expect(fold.state.settledFences).toEqual({ [ZONE]: spooled });
    expect(why('0', fold)).toContain('no entry explains');
  });

  test('that did not land leaves nothing, and an outcome without it counts for nothing', async () => {
    const fold = newFold();
    expect(fold.apply(await entryOf('override-outcome'))).toMatchObject({ fate: 'void' });
    fold.apply(await intent());
    fold.apply(await entryOf('override-outcome', { result: 'not-applied' }));
    expect(fold.state.live).toEqual({});
    expect(fold.state.ended[GLASS]).toEqual({ status: 'aborted', index: 2 });
  });
});

describe('its review', () => {
  test('is closed by a third person, once', async () => {
    const fold = newFold();
    expect(fold.apply(await entryOf('review'))).toMatchObject({ fate: 'void' });
    fold.apply(await intent());
    expect(fold.apply(await entryOf('review', { reviewer: 'bob' }, 'bob'))).toMatchObject({ fate: 'inert' });
    expect(fold.apply(await entryOf('review', { reviewer: 'cyd' }, 'cyd'))).toMatchObject({ fate: 'inert' });
    expect(fold.apply(await entryOf('review', {}, 'bob'))).toMatchObject({ fate: 'inert' });
    expect(fold.state.overrides[GLASS]?.review).toBeNull();
    expect(fold.apply(await entryOf('review'))).toMatchObject({ fate: 'honoured' });
    expect(fold.state.overrides[GLASS]?.review).toMatchObject({ reviewer: 'olga' });
    expect(fold.apply(await entryOf('review', { nonce: 'again' }))).toMatchObject({ fate: 'duplicate' });
  });

  test('is not for the author, who may be none of the two', async () => {
    const fold = newFold();
    fold.apply(await intent({ said: { author: 'olga' } }));
    expect(fold.apply(await entryOf('review'))).toMatchObject({ fate: 'inert' });
  });
});
