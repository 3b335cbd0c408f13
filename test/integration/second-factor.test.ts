import { GetObjectCommand, ListObjectVersionsCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { codeMissing } from '../../client/second-factor.ts';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import { openEnvelope, signStatement } from '../../domain/evidence/statement-codec.ts';
import { createKmsClient, createS3Client } from '../../infra/aws/aws-clients.ts';
import { createS3FactorStore } from '../../infra/aws/s3-factor-store.ts';
import { makeFactor } from '../../infra/keys/second-factor.ts';
import { type DecideAnswer, type DecideMessage, MESSAGES } from '../../workflows/contract.ts';
import { canaryRequest, expectSettled, honoured } from '../support/live-change.ts';
import { type LiveEnvironment, startLiveEnvironment } from '../support/live-environment.ts';

/** An emergency on real servers: two people, each with a second factor; the factor-verifier is a process of its own. */
let env: LiveEnvironment;
beforeAll(async () => {
  const rule = (people: number, secondFactor: boolean) => ({ people, teams: 1, secondFactor });
  env = await startLiveEnvironment({
    name: 'second-factor',
    factorVerifier: true,
    policy: {
      approvals: {
        standard: rule(1, false),
        critical: rule(2, false),
        emergency: rule(2, true),
        brake: rule(1, false),
      },
    },
  });
});
afterAll(() => env?.stop());

async function submitEmergency(changeId: string, label: string) {
  const { metadata, ...rest } = canaryRequest(env, { label });
  const request = { ...rest, metadata: { ...metadata, emergency: true } };
  await env.controlPlane.submit(changeId, request, env.person('alice'));
  await env.until(changeId, ({ phase, waitingFor }) => phase === 'approval' && waitingFor !== null);
  return env.controlPlane.planOf(changeId);
}

describe('an emergency', () => {
  test('goes live by two approvals with fresh codes, which the log proves', async () => {
    const plan = await submitEmergency('emergency', 'api');
    const approve = (subject: string, code?: string) =>
      env.controlPlane.decide(
        'emergency',
        { decision: 'approve', plan, ...(code === undefined ? {} : { code }) },
        env.person(subject),
      );
    expect(await env.controlPlane.status('emergency')).toMatchObject({
      waitingFor: { what: '2 more approvals with a second factor' },
    });
    await expect(approve('bob')).rejects.toMatchObject(codeMissing('emergency', plan));
    await expect(approve('bob', '000000')).rejects.toMatchObject({
      details: { violations: [{ rule: 'second-factor-code' }] },
    });
    const code = env.code('bob');
    expect(await approve('bob', code)).toMatchObject({ accepted: true });
    await expect(approve('bob', code)).rejects.toMatchObject({ code: 'NONCE_REPLAYED' });

    await env.factorVerifier.kill('factor-verifier');
    await expect(approve('carol', env.code('carol'))).rejects.toMatchObject({
      code: 'FACTOR_VERIFIER_UNAVAILABLE',
    });
    // What was used is used after a restart too.
    await env.factorVerifier.restart('factor-verifier');
    await expect(approve('bob', code)).rejects.toMatchObject({ code: 'NONCE_REPLAYED' });
    expect(await approve('carol', env.code('carol'))).toMatchObject({ accepted: true });

    expect((await env.ended('emergency')).status).toBe('committed');
    const { history } = await expectSettled(env, 'emergency', 'committed');
    const factors = honoured(history, 'acceptance').map(({ mfa }) => mfa && openEnvelope(mfa).predicate);
    expect(factors).toMatchObject([
      { person: 'bob', method: 'totp' },
      { person: 'carol', method: 'totp' },
    ]);
  });

  test('is not moved by an approval that somebody sends past the factor-verifier', async () => {
    const plan = await submitEmergency('past-it', 'shop');
    const nowMs = Date.now();
    const approval = await signStatement(env.person('bob').signer, 'approval', {
      ...{ changeId: 'past-it', environment: env.name, approver: 'bob', decision: 'approve' },
      planDigest: digestOf(plan),
      nonce: 'past-it',
      issuedAt: new Date(nowMs).toISOString(),
      expiresAt: new Date(nowMs + 60_000).toISOString(),
    });
    const answer = await env.client.workflow
      .getHandle('past-it')
      .executeUpdate<DecideAnswer, [DecideMessage]>(MESSAGES.decide, { args: [{ approval }] });
    expect(answer).toMatchObject({ accepted: false, reasons: [{ rule: 'second-factor' }] });
  });
});

describe('the store of second factors', () => {
  const connection = (role: 'orchestrator' | 'enactor' | 'analysis') => env.prepared.workers[role].aws;

  test('is read and written by the factor-verifier alone', async () => {
    const { aws } = env.prepared.factorVerifier;
    const own = createS3Client(aws);
    const listed = await own.send(new ListObjectVersionsCommand({ Bucket: aws.bucket, Prefix: 'factors/' }));
    const [Key] = (listed.Versions ?? []).flatMap((one) => one.Key ?? []);
    expect(Key).toMatch(/^factors\/second-factor\/(alice|bob|carol)\/[0-9a-f]{64}\/(secret|use)$/);
    await own.send(new GetObjectCommand({ Bucket: aws.bucket, Key }));
    for (const role of ['orchestrator', 'enactor', 'analysis'] as const) {
      const s3 = createS3Client(connection(role));
      const read = s3.send(new GetObjectCommand({ Bucket: aws.bucket, Key }));
      await expect(read, role).rejects.toMatchObject({ name: 'AccessDenied' });
      const put = s3.send(
        new PutObjectCommand({ Bucket: aws.bucket, Key: 'factors/x', Body: 'x', IfNoneMatch: '*' }),
      );
      await expect(put, role).rejects.toMatchObject({ name: 'AccessDenied' });
    }
  });

  test('holds only what KMS encrypted for this person, and refuses another than the one listed', async () => {
    const { aws, factorKeyArn } = env.prepared.factorVerifier;
    const store = createS3FactorStore({
      s3: createS3Client(aws),
      kms: createKmsClient(aws),
      bucket: aws.bucket,
      environment: env.name,
      keyArn: factorKeyArn,
    });
    const { factor } = await makeFactor();
    const commitment = await store.enrol('dora', factor);
    expect(await store.factor('dora', commitment)).toEqual(factor);
    const place = `factors/${env.name}/dora/${commitment.slice(7)}/secret`;
    const stored = await createS3Client(aws).send(new GetObjectCommand({ Bucket: aws.bucket, Key: place }));
    const bytes = (await stored.Body?.transformToByteArray()) ?? new Uint8Array();
    expect(Buffer.from(bytes).includes(factor.secret)).toBe(false);
    const stolen = place.replace('/dora/', '/eve/');
    await createS3Client(aws).send(
      new PutObjectCommand({ Bucket: aws.bucket, Key: stolen, Body: bytes, IfNoneMatch: '*' }),
    );
    await expect(store.factor('eve', commitment)).rejects.toThrow();

    const { factor: other } = await makeFactor();
    const swapped = await store.enrol('fred', other);
    const under = `factors/${env.name}/fred/${commitment.slice(7)}/secret`;
    const found = await createS3Client(aws).send(
      new GetObjectCommand({
        Bucket: aws.bucket,
        Key: `factors/${env.name}/fred/${swapped.slice(7)}/secret`,
      }),
    );
    const body = await found.Body?.transformToByteArray();
    await createS3Client(aws).send(
      new PutObjectCommand({
        Bucket: aws.bucket,
        Key: under,
        Body: body ?? new Uint8Array(),
        IfNoneMatch: '*',
      }),
    );
    await expect(store.factor('fred', commitment)).rejects.toMatchObject({ code: 'DIGEST_MISMATCH' });
  });

  test('lets one of two take the same step', async () => {
    const { aws, factorKeyArn } = env.prepared.factorVerifier;
    const store = createS3FactorStore({
      s3: createS3Client(aws),
      kms: createKmsClient(aws),
      bucket: aws.bucket,
      environment: env.name,
      keyArn: factorKeyArn,
    });
    const { factor } = await makeFactor();
    const commitment = await store.enrol('gina', factor);
    const race = async () => {
      const { use, version } = await store.use('gina', commitment);
      return () =>
        store.replaceUse('gina', commitment, { ...use, lastStep: (use.lastStep ?? 0) + 1 }, version);
    };
    for (let round = 0; round < 3; round += 1) {
      const racers = await Promise.all([race(), race(), race()]);
      const won = await Promise.all(racers.map((put) => put()));
      expect(won.filter(Boolean)).toHaveLength(1);
    }
    expect((await store.use('gina', commitment)).use.lastStep).toBe(3);
  });
});
