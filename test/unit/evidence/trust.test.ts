import { expect, test } from 'vitest';
import { toBase64 } from '../../../domain/evidence/base64.ts';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import { keyIdOf } from '../../../domain/evidence/ed25519-key.ts';
import { indexTrust, parseTrustDocument, type TrustDocument } from '../../../domain/evidence/trust.ts';
import { formatVkey, noteKey, parseVkey } from '../../../domain/log/signed-note.ts';
import { signedTrust, trustedKeys } from '../../support/sample-log.ts';

test('a valid document is read, and every key has one holder', () => {
  const trust = parseTrustDocument(JSON.parse(JSON.stringify(signedTrust())));
  const index = indexTrust(trust);
  const [ada] = trustedKeys('ada');
  const [voter] = trustedKeys('voter.b');
  expect(index.personByKey.get(ada?.keyId ?? '')?.subject).toBe('ada');
  expect(index.serviceByKey.get(voter?.keyId ?? '')?.voterZone).toBe('b');
  expect(index.personByKey.has(voter?.keyId ?? '')).toBe(false);
});

const key = () => trustedKeys('ada');
const root = (holder: string, seed: string) => trustedKeys(seed).map((one) => ({ ...one, holder }));
const person = (subject: string, keys = trustedKeys(subject)): TrustDocument['people'][number] => ({
  subject,
  roles: ['author'],
  teams: ['payments'],
  secondFactors: [],
  keys,
});

test.each<[string, (trust: TrustDocument) => void, RegExp]>([
  ['one key of two people', (trust) => trust.people.push(person('eve', key())), /twice as a key/],
  [
    'one key of a person and a service',
    (trust) => trust.services.push({ name: 'x', role: 'analysis', keys: key() }),
    /twice as a key/,
  ],
  [
    'one person twice',
    (trust) => trust.people.push(person('ada', trustedKeys('ada-2'))),
    /ada: listed twice as a person/,
  ],
  [
    'a person whose name nobody could sign',
    (trust) => trust.people.push(person('\u0001'.repeat(256), trustedKeys('long'))),
    /people/,
  ],
  [
    'one service twice',
    (trust) => trust.services.push({ name: 'enactor', role: 'enactor', keys: trustedKeys('y') }),
    /twice as a service/,
  ],
  [
    'two voters in one zone',
    (trust) => trust.services.push({ name: 'z', role: 'voter', voterZone: 'a', keys: trustedKeys('z') }),
    /twice as a voter zone/,
  ],
  [
    'a voter without a zone',
    (trust) => trust.services.push({ name: 'z', role: 'voter', keys: trustedKeys('z') }),
    /z: a voter has a voterZone/,
  ],
  [
    'an enactor with a zone',
    (trust) => trust.services.push({ name: 'z', role: 'enactor', voterZone: 'q', keys: trustedKeys('z') }),
    /nobody else/,
  ],
  [
    'a zone twice',
    (trust) => trust.targets.push({ zone: 'example.com', hostedZoneId: 'Z2' }),
    /twice as a target/,
  ],
  [
    'a key with the id of another',
    (trust) =>
      trust.people.push(person('eve', [{ keyId: digestOf('x'), publicKey: key()[0]?.publicKey ?? '' }])),
    /another digest/,
  ],
  [
    'a short key',
    (trust) => trust.people.push(person('eve', [{ keyId: digestOf('x'), publicKey: 'AA==' }])),
    /not 32 bytes/,
  ],
  [
    'a key of another log',
    (trust) => Object.assign(trust.transparency, { log: signedTrust('other').transparency.log }),
    /transparency\.log: its name is resilience-ctl\.dev\/other/,
  ],
  [
    'a witness that is the log itself',
    (trust) => trust.transparency.witnesses.push(trust.transparency.log),
    /transparency\.witnesses\.1: the key is of type ed25519/,
  ],
  [
    'a witness listed twice',
    (trust) => trust.transparency.witnesses.push(...trust.transparency.witnesses),
    /twice as a witness/,
  ],
  [
    'no vkey',
    (trust) => Object.assign(trust.transparency, { log: 'log' }),
    /transparency\.log: .*NAME\+ID\+KEY/,
  ],
  [
    'more cosignatures than witnesses',
    (trust) => Object.assign(trust.transparency, { threshold: 2 }),
    /2 witnesses must cosign, and 1 are listed/,
  ],
  [
    'a root that more must sign than it has holders',
    (trust) =>
      Object.assign(trust.root, { threshold: 2, keys: [...trust.root.keys, ...root('root', 'root-2')] }),
    /root\.threshold: 2 holders must sign, and 1 are listed/,
  ],
  [
    'a root key that a person has too',
    (trust) => trust.root.keys.push(...root('root', 'ada')),
    /twice as a key/,
  ],
  [
    'a key in an encoding that is not the canonical one of its point',
    (trust) => {
      // 2²⁵⁵ − 19 + 3: the point with the coordinate 3, encoded above the prime.
      const raw = new Uint8Array(32).fill(0xff).with(0, 0xf0).with(31, 0x7f);
      trust.people.push(person('eve', [{ keyId: keyIdOf(raw), publicKey: toBase64(raw) }]));
    },
    /not the canonical encoding/,
  ],
  [
    'one witness under two names',
    (trust) => {
      const { publicKey } = parseVkey(trust.transparency.witnesses[0] ?? '');
      trust.transparency.witnesses.push(formatVkey(noteKey('cosignature/v1', 'other', publicKey)));
    },
    /twice as a witness's key/,
  ],
  ['an unknown field', (trust) => Object.assign(trust, { extra: 1 }), /extra/i],
])('%s is refused', (_, spoil, problem) => {
  const trust = signedTrust();
  spoil(trust);
  expect(() => parseTrustDocument(trust)).toThrow(
    expect.objectContaining({ code: 'SCHEMA_INVALID', message: expect.stringMatching(problem) }),
  );
});

test('all problems are named at once', () => {
  const trust = signedTrust();
  trust.people.push(person('ada', trustedKeys('ada-2')));
  trust.targets.push({ zone: 'example.com', hostedZoneId: 'Z2' });
  expect(() => parseTrustDocument(trust)).toThrow(/person[\s\S]*target/);
});

test('an index of a document in which a key has two holders is refused', () => {
  const trust = signedTrust();
  trust.people.push(person('eve', key()));
  expect(() => indexTrust(trust)).toThrow(expect.objectContaining({ code: 'SCHEMA_INVALID' }));
});
