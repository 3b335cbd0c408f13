import { describe, expect, test } from 'vitest';
import { fromBase64, toBase64 } from '../../../domain/evidence/base64.ts';
import { canonicalText, digestHex, digestOf } from '../../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../../domain/evidence/dsse.ts';
import {
  encodeStatement,
  openEnvelope,
  signPayload,
  verifiedKeyIds,
} from '../../../domain/evidence/statement-codec.ts';
import { signaturesUnder } from '../../../domain/evidence/trust.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import {
  acceptance,
  CHANGE,
  ENVIRONMENT,
  envelopeOf,
  PLAN,
  type PlainType,
  SAMPLES,
  signedTrust,
  signerOf,
} from '../../support/sample-log.ts';

const TYPES = Object.keys(SAMPLES) as PlainType[];
const verify = signaturesUnder(signedTrust(), verifyEd25519);
const malformed = expect.objectContaining({ code: 'ENTRY_MALFORMED' });

/** The envelope with another payload text; its signature is then wrong, which opening does not look at. */
async function withPayload(edit: (text: string) => string): Promise<Envelope> {
  const envelope = await envelopeOf('request');
  const text = new TextDecoder().decode(fromBase64(envelope.payload) ?? undefined);
  return { ...envelope, payload: toBase64(new TextEncoder().encode(edit(text))) };
}

test.each(TYPES)('a %s statement is opened as it was signed, and verifies', async (type) => {
  const opened = openEnvelope(await envelopeOf(type));
  expect(opened.type).toBe(type);
  expect(opened.predicate).toEqual(SAMPLES[type]);
  expect(verifiedKeyIds(opened, verify)).toHaveLength(1);
});

test('an acceptance carries the approval that it accepts', async () => {
  const opened = openEnvelope(await acceptance());
  if (opened.type !== 'acceptance') throw new Error(opened.type);
  expect(openEnvelope(opened.predicate.approval).predicate).toEqual(SAMPLES.approval);
});

test('the bytes of a statement are those of in-toto Statement v1, canonical', () => {
  const { request } = SAMPLES;
  expect(new TextDecoder().decode(encodeStatement('request', request))).toBe(
    canonicalText({
      _type: 'https://in-toto.io/Statement/v1',
      subject: [{ name: CHANGE, digest: { sha256: digestHex(request.requestDigest) } }],
      predicateType: 'https://resilience-ctl.dev/request/v1',
      predicate: request,
    }),
  );
});

test('the subject is the thing that the signer speaks about', () => {
  const subjectOf = <T extends PlainType>(type: T) => {
    const text = new TextDecoder().decode(encodeStatement<PlainType>(type, SAMPLES[type]));
    return (JSON.parse(text) as { subject: [{ name: string; digest: { sha256: string } }] }).subject[0];
  };
  const ofPlan = { name: CHANGE, digest: { sha256: digestHex(PLAN) } };
  expect(subjectOf('vote')).toEqual(ofPlan);
  expect(subjectOf('commit')).toEqual(ofPlan);
  expect(subjectOf('end').name).toBe(CHANGE);
  expect(subjectOf('freeze').name).toBe(ENVIRONMENT);
  expect(subjectOf('snapshot').digest.sha256).toBe(digestHex(SAMPLES.snapshot.stateDigest));
});

test('nobody signs what no reader would accept', () => {
  expect(() => encodeStatement('request', { ...SAMPLES.request, at: 'yesterday' })).toThrow(
    expect.objectContaining({ code: 'SCHEMA_INVALID' }),
  );
});

describe('refused as malformed', () => {
  test.each<[string, (text: string) => string]>([
    ['another field in the predicate', (text) => text.replace('"nonce":', '"extra":1,"nonce":')],
    ['another field in the statement', (text) => text.replace(/}$/, ',"zzz":1}')],
    ['a duplicate key', (text) => text.replace('"nonce":', '"nonce":"x","nonce":')],
    ['a space', (text) => text.replace(',', ', ')],
    ['a missing field', (text) => text.replace(/"nonce":"[^"]*",/, '')],
    [
      'a subject that contradicts the predicate',
      (text) => text.replace(`"name":"${CHANGE}"`, '"name":"chg-2"'),
    ],
    ['an unknown predicate type', (text) => text.replace('/request/v1', '/wish/v1')],
    ['another version of the type', (text) => text.replace('/request/v1', '/request/v2')],
    ['the predicate of another type', (text) => text.replace('/request/v1', '/vote/v1')],
    ['another statement type', (text) => text.replace('Statement/v1', 'Statement/v0.1')],
    ['a lone surrogate', (text) => text.replace('"ada"', '"\\ud800"')],
    ['a control character in a name', (text) => text.replace('"ada"', '"ada\\u0001"')],
    ['a name of more than 256 units', (text) => text.replace('"ada"', `"${'漢'.repeat(257)}"`)],
    ['a nonce with a control character', (text) => text.replace('"n-1"', '"n-1\\n"')],
    ['a nonce that every object has', (text) => text.replace('"n-1"', '"__proto__"')],
    ['a nonce with a space', (text) => text.replace('"n-1"', '"n 1"')],
    ['a nonce of more than 128 characters', (text) => text.replace('"n-1"', `"${'n'.repeat(129)}"`)],
    ['no JSON', () => 'null and void'],
  ])('a payload with %s', async (_, edit) => {
    const envelope = await withPayload(edit);
    expect(() => openEnvelope(envelope)).toThrow(malformed);
  });

  test.each([
    ['unedited', '', ''],
    ['with the longest name', '"ada"', `"${'漢'.repeat(256)}"`],
    ['with the longest nonce', '"n-1"', `"N${'._-9'.repeat(31)}abc"`],
  ])('the same payload %s is opened', async (_, from, to) => {
    expect(openEnvelope(await withPayload((text) => text.replace(from, to))).type).toBe('request');
  });

  test.each<[string, (envelope: Envelope) => unknown]>([
    ['another field', (envelope) => ({ ...envelope, extra: 1 })],
    ['no signature', (envelope) => ({ ...envelope, signatures: [] })],
    [
      'one key signing twice',
      (envelope) => ({ ...envelope, signatures: [...envelope.signatures, ...envelope.signatures] }),
    ],
    ['another payload type', (envelope) => ({ ...envelope, payloadType: 'application/json' })],
    ['URL-safe base64', (envelope) => ({ ...envelope, payload: `_${envelope.payload.slice(1)}` })],
    [
      'base64 without padding',
      (envelope) => ({ ...envelope, payload: toBase64(Uint8Array.of(1)).replaceAll('=', '') }),
    ],
    ['spaces in base64', (envelope) => ({ ...envelope, payload: ` ${envelope.payload}` })],
    [
      'a short signature',
      (envelope) => ({
        ...envelope,
        signatures: envelope.signatures.map((one) => ({ ...one, sig: 'AAAA' })),
      }),
    ],
    [
      'a key id that is no digest',
      (envelope) => ({
        ...envelope,
        signatures: envelope.signatures.map((one) => ({ ...one, keyid: 'ada' })),
      }),
    ],
    ['no object', () => null],
  ])('an envelope with %s', async (_, edit) => {
    const edited = edit(await envelopeOf('request'));
    expect(() => openEnvelope(edited)).toThrow(malformed);
  });
});

test('a signature counts only over these bytes, as this payload type, by this key', async () => {
  const edited = openEnvelope(await withPayload((text) => text.replace('"n-1"', '"n-2"')));
  expect(verifiedKeyIds(edited, verify)).toEqual([]);
  const otherType = await signPayload(
    signerOf('ada'),
    'text/plain',
    encodeStatement('request', SAMPLES.request),
  );
  const retyped = openEnvelope({ ...otherType, payloadType: 'application/vnd.in-toto+json' });
  expect(verifiedKeyIds(retyped, verify)).toEqual([]);
  const unknown = openEnvelope(await envelopeOf('request', {}, 'a stranger'));
  expect(verifiedKeyIds(unknown, verify)).toEqual([]);
});

test('a reason that is absent stays absent', async () => {
  const withReason = await envelopeOf('approval', { decision: 'reject', reason: 'too risky' });
  expect(openEnvelope(withReason).predicate).toMatchObject({ reason: 'too risky' });
  expect(openEnvelope(await envelopeOf('approval')).predicate).not.toHaveProperty('reason');
  expect(digestOf({ a: undefined })).toBe(digestOf({}));
});
