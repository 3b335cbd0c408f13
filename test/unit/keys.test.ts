import { generateKeyPairSync } from 'node:crypto';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { toBase64 } from '../../domain/evidence/base64.ts';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import { keyIdOf } from '../../domain/evidence/ed25519-key.ts';
import { parseTrustDocument, signaturesUnder } from '../../domain/evidence/trust.ts';
import { generatePersonKey, readPersonSigner } from '../../infra/keys/person-keys.ts';
import { openTrustFile, sealTrustDocument } from '../../infra/keys/trust-file.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { signedTrust, signerOf } from '../support/sample-log.ts';

const folder = mkdtempSync(join(tmpdir(), 'resilience-keys-'));
afterAll(() => rmSync(folder, { recursive: true }));
function fileWith(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}
const message = new TextEncoder().encode('message');

describe('the keys of a trust document', () => {
  test('verifies by the right key, the right message and the right signature alone', async () => {
    const verify = signaturesUnder(signedTrust(), verifyEd25519);
    const [ada, bob] = [signerOf('ada'), signerOf('bob')];
    const signature = await ada.sign(message);
    expect(verify(ada.keyId, message, signature)).toBe(true);
    expect(verify(bob.keyId, message, signature)).toBe(false);
    expect(verify(digestOf('nobody'), message, signature)).toBe(false);
    expect(verify(ada.keyId, new Uint8Array(7), signature)).toBe(false);
    expect(verify(ada.keyId, message, signature.slice(1))).toBe(false);
  });

  test.each([
    ['order 4', '0000000000000000000000000000000000000000000000000000000000000000'],
    ['order 1', '0100000000000000000000000000000000000000000000000000000000000000'],
    ['order 1, sign bit set', '0100000000000000000000000000000000000000000000000000000000000080'],
    ['order 2', 'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f'],
    ['order 8', 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac03fa'],
  ])('refuses a point of %s, under which one signature fits many messages, also at enrolment', (_, hex) => {
    const raw = Uint8Array.from(Buffer.from(hex, 'hex'));
    const trust = signedTrust();
    trust.people.push({
      subject: 'eve',
      roles: ['author'],
      teams: ['payments'],
      secondFactors: [],
      keys: [{ keyId: keyIdOf(raw), publicKey: toBase64(raw) }],
    });
    const refusal = { code: 'SCHEMA_INVALID', message: expect.stringContaining('small order') };
    expect(() => parseTrustDocument(trust)).toThrow(expect.objectContaining(refusal));
  });
});

describe("people's keys", () => {
  test('a generated key signs what the trust document verifies', async () => {
    const key = generatePersonKey();
    const signer = readPersonSigner(fileWith('fay.pem', key.privateKeyPem));
    const trust = signedTrust();
    trust.people.push({
      subject: 'fay',
      roles: ['author'],
      teams: ['payments'],
      secondFactors: [],
      keys: [{ keyId: key.keyId, publicKey: key.publicKey }],
    });
    expect(signer.keyId).toBe(key.keyId);
    const verify = signaturesUnder(trust, verifyEd25519);
    expect(verify(key.keyId, message, await signer.sign(message))).toBe(true);
  });

  test('a missing file, another kind of key and no key are told apart', () => {
    const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
      format: 'pem',
      type: 'pkcs8',
    });
    const failing = (path: string) => () => readPersonSigner(path);
    expect(failing(join(folder, 'none.pem'))).toThrow(expect.objectContaining({ code: 'NOT_FOUND' }));
    expect(failing(fileWith('ec.pem', ec.toString()))).toThrow(/not Ed25519/);
    expect(failing(fileWith('no.pem', 'secret'))).toThrow(
      expect.objectContaining({ code: 'SCHEMA_INVALID', message: expect.not.stringContaining('secret') }),
    );
  });
});

describe('the trust file', () => {
  test('is opened under its pinned digest', async () => {
    const { envelope, digest } = await sealTrustDocument(signedTrust(), [signerOf('root')]);
    expect(openTrustFile(fileWith('trust.json', JSON.stringify(envelope, null, 2)), digest)).toEqual(
      signedTrust(),
    );
  });

  test('with any other content is refused', async () => {
    const { digest } = await sealTrustDocument(signedTrust(), [signerOf('root')]);
    const other = await sealTrustDocument({ ...signedTrust(), version: 2 }, [signerOf('root')]);
    const refusal = (content: unknown) => () =>
      openTrustFile(fileWith('other.json', JSON.stringify(content)), digest);
    expect(refusal(other.envelope)).toThrow(expect.objectContaining({ code: 'DIGEST_MISMATCH' }));
    expect(refusal({ ...other.envelope, payloadType: 'text/plain' })).toThrow(
      expect.objectContaining({ code: 'ENTRY_MALFORMED' }),
    );
    expect(refusal('nothing')).toThrow(expect.objectContaining({ code: 'ENTRY_MALFORMED' }));
    expect(() => openTrustFile(join(folder, 'none.json'), digest)).toThrow(
      expect.objectContaining({ code: 'NOT_FOUND' }),
    );
  });

  test('is not made of a document that is not valid', async () => {
    const trust = signedTrust();
    trust.people.push(...trust.people);
    await expect(sealTrustDocument(trust, [signerOf('root')])).rejects.toMatchObject({
      code: 'SCHEMA_INVALID',
    });
  });
});
