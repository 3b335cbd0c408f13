import { describe, expect, it } from 'vitest';
import { FACTOR_PAYLOAD_TYPE } from '../../domain/approval/enrolled-factor.ts';
import { canonicalBytes, digestOf } from '../../domain/evidence/canonical-json.ts';
import { openEnvelope, signPayload, verifiedKeyIds } from '../../domain/evidence/statement-codec.ts';
import { signaturesUnder } from '../../domain/evidence/trust.ts';
import { createHttpFactorVerifier } from '../../infra/http/factor-client.ts';
import { startFactorServer } from '../../infra/http/factor-server.ts';
import { makeFactor } from '../../infra/keys/second-factor.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { factorScene, recoveryCodes, refusedBy, trust } from '../support/factor-scene.ts';
import { AT, ENVIRONMENT, envelopeOf, PLAN, signerOf } from '../support/sample-log.ts';

const MINUTE_MS = 60_000;

describe('the factor-verifier', () => {
  it('signs that this person gave a code for this very statement, for five minutes', async () => {
    const { check, codeAt } = await factorScene();
    const opened = openEnvelope(await check(codeAt()));
    expect(opened.predicate).toEqual({
      changeId: 'chg-1',
      environment: ENVIRONMENT,
      person: 'bob',
      planDigest: PLAN,
      nonce: 'approval-1',
      method: 'totp',
      at: AT,
      expiresAt: '2026-01-01T00:05:00.000Z',
    });
    expect(verifiedKeyIds(opened, signaturesUnder(trust, verifyEd25519))).toEqual([
      signerOf('factor-verifier').keyId,
    ]);
  });

  it('takes no code twice, nor an older one: not after a restart, not in another process', async () => {
    const { check, codeAt, store } = await factorScene();
    await check(codeAt());
    await expect(check(codeAt())).rejects.toMatchObject(refusedBy('second-factor-used'));
    await expect(check(codeAt(-1))).rejects.toMatchObject(refusedBy('second-factor-used'));
    const other = await factorScene(store);
    await expect(other.check(codeAt())).rejects.toMatchObject(refusedBy('second-factor-used'));
    await other.check(codeAt(1));
  });

  it('lets one of two processes take a code that reaches both at once', async () => {
    const one = await factorScene();
    const other = await factorScene(one.store);
    const results = await Promise.allSettled([one, other].map(({ check, codeAt }) => check(codeAt())));
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: refusedBy('second-factor-used'),
    });
  });

  it('locks a person out after five wrong codes, for a quarter of an hour, restarts or not, and logs it', async () => {
    const { check, codeAt, store, world } = await factorScene();
    for (const left of [4, 3, 2, 1]) {
      await expect(check('000000')).rejects.toMatchObject({
        ...refusedBy('second-factor-code'),
        message: expect.stringContaining(`${left} more tries`),
      });
    }
    await expect(check('000000')).rejects.toMatchObject(refusedBy('second-factor-locked'));
    expect(world.logged.map((envelope) => openEnvelope(envelope))).toMatchObject([
      {
        type: 'factor-lock',
        predicate: { person: 'bob', failures: 5, until: '2026-01-01T00:15:00.000Z', at: AT },
      },
    ]);
    await expect(check(codeAt())).rejects.toMatchObject(refusedBy('second-factor-locked'));
    const restarted = await factorScene(store);
    restarted.world.nowMs += 14 * MINUTE_MS;
    await expect(restarted.check(restarted.codeAt())).rejects.toMatchObject(
      refusedBy('second-factor-locked'),
    );
    restarted.world.nowMs += MINUTE_MS;
    // The approval of the sample has expired by then; a new one is signed.
    const later = await envelopeOf('approval', { expiresAt: '2026-01-01T00:30:00.000Z' });
    await restarted.check(restarted.codeAt(), later);
  });

  it('locks also where the log cannot be written, and says so to its own', async () => {
    const { check, ports, world, codeAt } = await factorScene();
    ports.log.append = async () => Promise.reject(new Error('the log is down'));
    for (let i = 0; i < 5; i += 1) await check('000000').catch(() => {});
    expect(world.unlogged).toMatchObject([{ message: 'the log is down' }]);
    await expect(check(codeAt())).rejects.toMatchObject(refusedBy('second-factor-locked'));
  });

  it('forgives wrong codes after a right one, and after a quarter of an hour', async () => {
    const { check, codeAt, world } = await factorScene();
    for (let i = 0; i < 4; i += 1) await check('000000').catch(() => {});
    await check(codeAt());
    for (let i = 0; i < 4; i += 1) await check('000000').catch(() => {});
    world.nowMs += 15 * MINUTE_MS;
    const later = await envelopeOf('approval', { expiresAt: '2026-01-01T00:30:00.000Z' });
    await expect(check('000000', later)).rejects.toMatchObject({
      message: expect.stringContaining('4 more tries'),
    });
  });

  it('takes a recovery code once, however it is typed', async () => {
    const { check } = await factorScene();
    const [code = ''] = recoveryCodes;
    const opened = openEnvelope(await check(` ${code.toUpperCase().replaceAll('-', ' ')} `));
    expect(opened.predicate).toMatchObject({ method: 'recovery-code' });
    await expect(check(code)).rejects.toMatchObject(refusedBy('second-factor-used'));
    await expect(check(`${code.slice(0, -1)}x`)).rejects.toMatchObject(refusedBy('second-factor-code'));
    await check(recoveryCodes[1] ?? '');
  });

  it.each([
    ['somebody else has signed', () => envelopeOf('approval', {}, 'ada'), 'own-key'],
    ['is of another person', () => envelopeOf('approval', { approver: 'olga' }), 'own-key'],
    ['is for another environment', () => envelopeOf('approval', { environment: 'dev' }), 'audience'],
    [
      'has expired',
      () =>
        envelopeOf('approval', {
          issuedAt: '2025-12-31T23:00:00.000Z',
          expiresAt: '2025-12-31T23:10:00.000Z',
        }),
      'not-expired',
    ],
    ['approves nothing', () => envelopeOf('freeze', {}), 'second-factor-for'],
  ])(
    'looks at no code for a statement that %s, so that nobody else uses up tries',
    async (_, signed, rule) => {
      const { check, codeAt, store } = await factorScene();
      await expect(check(codeAt(), await signed())).rejects.toMatchObject(refusedBy(rule));
      expect(store.uses.size).toBe(0);
    },
  );

  it('looks at no code of a person without an enrolled factor', async () => {
    const { check, codeAt } = await factorScene();
    const signed = await envelopeOf('approval', { approver: 'ada' }, 'ada');
    await expect(check(codeAt(), signed, 'ada')).rejects.toMatchObject(refusedBy('second-factor-enrolled'));
  });

  it('keeps a new factor only for who signed it', async () => {
    const { verifier, store } = await factorScene();
    const { factor: fresh } = await makeFactor();
    const enrolment = (person: string, holder: string, environment = ENVIRONMENT) =>
      signPayload(
        signerOf(holder),
        FACTOR_PAYLOAD_TYPE,
        canonicalBytes({ environment, person, factor: fresh }),
      );
    await expect(verifier.enrol(await enrolment('bob', 'ada'))).rejects.toMatchObject(refusedBy('own-key'));
    await expect(verifier.enrol(await enrolment('bob', 'bob', 'dev'))).rejects.toMatchObject(
      refusedBy('own-key'),
    );
    await expect(verifier.enrol(await envelopeOf('approval'))).rejects.toMatchObject(refusedBy('enrolment'));
    const commitment = await verifier.enrol(await enrolment('bob', 'bob'));
    expect(commitment).toBe(digestOf(fresh));
    expect(await store.factor('bob', commitment)).toEqual(fresh);
  });
});

describe('over HTTP', () => {
  it('answers and refuses as it does at home; down, it says what to do', async () => {
    const { verifier, codeAt, world } = await factorScene();
    const refused: string[] = [];
    const server = await startFactorServer({
      host: '127.0.0.1',
      port: 0,
      verifier,
      onError: (error) => world.unlogged.push(error),
      onRefusal: ({ message }) => refused.push(message),
    });
    const client = createHttpFactorVerifier(server.url);
    const request = { person: 'bob', signed: await envelopeOf('approval'), code: codeAt() };
    expect(openEnvelope(await client.check(request))).toMatchObject({ type: 'mfa' });
    await expect(client.check(request)).rejects.toMatchObject({
      code: 'NONCE_REPLAYED',
      ...refusedBy('second-factor-used'),
    });
    expect(refused).toEqual([expect.stringContaining('has been used')]);
    const answer = await fetch(`${server.url}/second-factor`, { method: 'POST', body: '{"person":1}' });
    expect(answer).toMatchObject({ status: 422 });
    expect(await answer.json()).toMatchObject({ code: 'SCHEMA_INVALID' });
    await server.close();
    await expect(client.check(request)).rejects.toMatchObject({
      code: 'FACTOR_VERIFIER_UNAVAILABLE',
      details: { next: expect.stringContaining('Check that it runs') },
    });
    expect(world.unlogged).toEqual([]);
  });
});
