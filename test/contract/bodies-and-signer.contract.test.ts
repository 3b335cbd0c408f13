import { createPublicKey, verify } from 'node:crypto';
import { DeleteObjectCommand, PutBucketPolicyCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import { digestOf, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import { keyIdOf } from '../../domain/evidence/ed25519-key.ts';
import { openEnvelope, signStatement, verifiedKeyIds } from '../../domain/evidence/statement-codec.ts';
import { signaturesUnder } from '../../domain/evidence/trust.ts';
import { createKmsClient, createS3Client } from '../../infra/aws/aws-clients.ts';
import { MAX_KMS_MESSAGE_BYTES, openKmsSigner, readKmsPublicKey } from '../../infra/aws/kms-signer.ts';
import { createS3Bodies } from '../../infra/aws/s3-bodies.ts';
import { bootstrapEnvironment, type EnvironmentResources } from '../../infra/dev/bootstrap.ts';
import type { RoleName } from '../../infra/dev/role-policies.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { ENVIRONMENT, SAMPLES, signedTrust } from '../support/sample-log.ts';

let made: EnvironmentResources;
beforeAll(async () => {
  made = await bootstrapEnvironment(inject('stack').aws, { environment: 'bodies-contract', zones: [] });
});

function connection(role: RoleName | 'admin') {
  const { aws } = inject('stack');
  const credentials = role === 'admin' ? aws.adminCredentials : made.roles[role].credentials;
  return { endpoint: aws.endpoint, region: aws.region, credentials: { ...credentials } };
}

describe('bodies', () => {
  const bodiesOf = (role: RoleName) =>
    createS3Bodies({ s3: createS3Client(connection(role)), bucket: made.bucket, environment: ENVIRONMENT });
  const bytesOf = (text: string) => new TextEncoder().encode(text);
  const nameOf = (text: string) => `bodies/${ENVIRONMENT}/sha256/${digestOfBytes(bytesOf(text)).slice(7)}`;

  test('are found by their digest, by everybody', async () => {
    const digest = await bodiesOf('orchestrator').put(bytesOf('a plan'));
    expect(digest).toBe(digestOfBytes(bytesOf('a plan')));
    expect(await bodiesOf('analysis').get(digest)).toEqual(bytesOf('a plan'));
  });

  test('may be put again, by anybody who may put', async () => {
    const digest = await bodiesOf('orchestrator').put(bytesOf('twice'));
    expect(await bodiesOf('enactor').put(bytesOf('twice'))).toBe(digest);
    await expect(bodiesOf('voter.us-east-1a').put(bytesOf('not by me'))).rejects.toMatchObject({
      code: 'NOT_PERMITTED',
    });
  });

  test('that are not there are not found', async () => {
    await expect(bodiesOf('orchestrator').get(digestOf('nothing'))).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
  });

  test('under a wrong name are refused by readers and writers', async () => {
    const s3 = createS3Client(connection('orchestrator'));
    await s3.send(
      new PutObjectCommand({ Bucket: made.bucket, Key: nameOf('right'), Body: 'wrong', IfNoneMatch: '*' }),
    );
    const mismatch = { code: 'DIGEST_MISMATCH', message: expect.stringContaining(nameOf('right')) };
    await expect(bodiesOf('orchestrator').get(digestOfBytes(bytesOf('right')))).rejects.toMatchObject(
      mismatch,
    );
    await expect(bodiesOf('orchestrator').put(bytesOf('right'))).rejects.toMatchObject(mismatch);
  });

  test('that an administrator edited are refused', async () => {
    const digest = await bodiesOf('orchestrator').put(bytesOf('original'));
    const s3 = createS3Client(connection('admin'));
    const Key = nameOf('original');
    const none = JSON.stringify({ Version: '2012-10-17', Statement: [] });
    await s3.send(new PutBucketPolicyCommand({ Bucket: made.bucket, Policy: none }));
    await s3.send(new DeleteObjectCommand({ Bucket: made.bucket, Key }));
    await s3.send(new PutObjectCommand({ Bucket: made.bucket, Key, Body: 'edited' }));
    await expect(bodiesOf('orchestrator').get(digest)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });
});

describe('the KMS signer', () => {
  const input = () => ({
    kms: createKmsClient(connection('enactor')),
    keyArn: made.roles.enactor.keyArn ?? '',
  });

  test('knows its key by the digest of the raw public key', async () => {
    const raw = await readKmsPublicKey(input());
    const pem = createPublicKey(made.roles.enactor.publicKeyPem ?? '');
    expect(Buffer.from(raw).toString('base64url')).toBe(pem.export({ format: 'jwk' }).x);
    expect((await openKmsSigner(input())).keyId).toBe(keyIdOf(raw));
  });

  test('signs statements that the keyring verifies', async () => {
    const signer = await openKmsSigner(input());
    const publicKey = Buffer.from(await readKmsPublicKey(input())).toString('base64');
    const trust = signedTrust();
    trust.services.push({ name: 'kms', role: 'enactor', keys: [{ keyId: signer.keyId, publicKey }] });
    const opened = openEnvelope(await signStatement(signer, 'outcome', SAMPLES.outcome));
    expect(verifiedKeyIds(opened, signaturesUnder(trust, verifyEd25519))).toEqual([signer.keyId]);
  });

  test('signs what KMS takes and refuses a byte more, which the emulator would sign', async () => {
    const signer = await openKmsSigner(input());
    const message = new Uint8Array(MAX_KMS_MESSAGE_BYTES);
    const key = createPublicKey(made.roles.enactor.publicKeyPem ?? '');
    expect(verify(null, message, key, await signer.sign(message))).toBe(true);
    await expect(signer.sign(new Uint8Array(MAX_KMS_MESSAGE_BYTES + 1))).rejects.toMatchObject({
      code: 'TOO_LARGE',
    });
  });

  test("another role's key is refused", async () => {
    const kms = createKmsClient(connection('orchestrator'));
    await expect(openKmsSigner({ ...input(), kms })).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
  });
});
