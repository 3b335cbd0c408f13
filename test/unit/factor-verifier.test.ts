import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createFactorVerifier, type FactorVerifierPorts } from '../../activities/factor-verifier.ts';
import type { SealedFactorStore } from '../../activities/ports/factor-store.ts';
import type { EnrolledFactor } from '../../domain/approval/enrolled-factor.ts';
import { FACTOR_PAYLOAD_TYPE } from '../../domain/approval/enrolled-factor.ts';
import { PortError } from '../../domain/errors.ts';
import { canonicalBytes, digestOf, parseJsonBytes } from '../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import { openEnvelope, signPayload, verifiedKeyIds } from '../../domain/evidence/statement-codec.ts';
import type { OverridePredicate } from '../../domain/evidence/statements.ts';
import { signaturesUnder, type TrustDocument } from '../../domain/evidence/trust.ts';
import { emptyLogState } from '../../domain/log/state.ts';
import { createRememberingFactorStore } from '../../infra/files/remembering-factor-store.ts';
import { createHttpFactorVerifier } from '../../infra/http/factor-client.ts';
import { startFactorServer } from '../../infra/http/factor-server.ts';
import { codeOfStep, makeFactor, matchCode, stepOf } from '../../infra/keys/second-factor.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { createMemoryFactors } from '../support/memory-factors.ts';
import { AT, ENVIRONMENT, envelopeOf, PLAN, signedTrust, signerOf } from '../support/sample-log.ts';

const START_MS = Date.parse(AT);
const MINUTE_MS = 60_000;
let factor: EnrolledFactor;
let recoveryCodes: string[];
let trust: TrustDocument;

beforeAll(async () => {
  ({ factor, recoveryCodes } = await makeFactor());
  const signed = signedTrust();
  const people = signed.people.map((person) =>
    person.subject === 'bob'
      ? { ...person, secondFactors: [{ type: 'totp' as const, commitment: digestOf(factor) }] }
      : person,
  );
  trust = { ...signed, people };
});

/** A verifier at a time that the test owns; `store` makes another one on the same store. */
async function scene(store = createMemoryFactors()) {
  await store.enrol('bob', factor);
  const world = { nowMs: START_MS, logged: [] as Envelope[], unlogged: [] as unknown[] };
  const state = emptyLogState(ENVIRONMENT, trust);
  const ports: FactorVerifierPorts = {
    environment: ENVIRONMENT,
    verify: verifyEd25519,
    signer: signerOf('factor-verifier'),
    clock: { nowMs: () => world.nowMs },
    factors: store,
    match: matchCode,
    log: {
      sync: async () => state,
      lastKnown: () => state,
      append: async (envelopes) => {
        world.logged.push(...envelopes);
        return [];
      },
    },
    onUnlogged: (error) => world.unlogged.push(error),
  };
  const verifier = createFactorVerifier(ports);
  const codeAt = (steps = 0) => codeOfStep(factor.secret, stepOf(world.nowMs) + steps);
  const check = async (code: string, signed?: Envelope, person = 'bob') =>
    verifier.check({ person, signed: signed ?? (await envelopeOf('approval')), code });
  return { world, ports, verifier, store, check, codeAt };
}

const refusedBy = (rule: string) => ({ details: { violations: [{ rule }] } });

describe('the factor-verifier', () => {
  it('signs that this person gave a code for this very statement, for five minutes', async () => {
    const { check, codeAt } = await scene();
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
    const { check, codeAt, store } = await scene();
    await check(codeAt());
    await expect(check(codeAt())).rejects.toMatchObject(refusedBy('second-factor-used'));
    await expect(check(codeAt(-1))).rejects.toMatchObject(refusedBy('second-factor-used'));
    const other = await scene(store);
    await expect(other.check(codeAt())).rejects.toMatchObject(refusedBy('second-factor-used'));
    await other.check(codeAt(1));
  });

  it('lets one of two processes take a code that reaches both at once', async () => {
    const one = await scene();
    const other = await scene(one.store);
    const results = await Promise.allSettled([one, other].map(({ check, codeAt }) => check(codeAt())));
    expect(results.map(({ status }) => status).sort()).toEqual(['fulfilled', 'rejected']);
    expect(results.find(({ status }) => status === 'rejected')).toMatchObject({
      reason: refusedBy('second-factor-used'),
    });
  });

  it('locks a person out after five wrong codes, for a quarter of an hour, restarts or not, and logs it', async () => {
    const { check, codeAt, store, world } = await scene();
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
    const restarted = await scene(store);
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
    const { check, ports, world, codeAt } = await scene();
    ports.log.append = async () => Promise.reject(new Error('the log is down'));
    for (let i = 0; i < 5; i += 1) await check('000000').catch(() => {});
    expect(world.unlogged).toMatchObject([{ message: 'the log is down' }]);
    await expect(check(codeAt())).rejects.toMatchObject(refusedBy('second-factor-locked'));
  });

  it('forgives wrong codes after a right one, and after a quarter of an hour', async () => {
    const { check, codeAt, world } = await scene();
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
    const { check } = await scene();
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
      const { check, codeAt, store } = await scene();
      await expect(check(codeAt(), await signed())).rejects.toMatchObject(refusedBy(rule));
      expect(store.uses.size).toBe(0);
    },
  );

  it('looks at no code of a person without an enrolled factor', async () => {
    const { check, codeAt } = await scene();
    const signed = await envelopeOf('approval', { approver: 'ada' }, 'ada');
    await expect(check(codeAt(), signed, 'ada')).rejects.toMatchObject(refusedBy('second-factor-enrolled'));
  });

  it('keeps a new factor only for who signed it', async () => {
    const { verifier, store } = await scene();
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

describe('with the store down', () => {
  async function memoryScene() {
    const store = createMemoryFactors();
    const down = { isDown: false };
    const answering = <T>(answer: Promise<T>): Promise<T> =>
      down.isDown ? Promise.reject(new PortError('STORE_UNAVAILABLE', 'down')) : answer;
    const remote: SealedFactorStore = {
      enrol: (person, enrolled) => answering(store.enrol(person, enrolled)),
      factor: (person, commitment) => answering(store.factor(person, commitment)),
      use: (person, commitment) => answering(store.use(person, commitment)),
      replaceUse: (...args) => answering(store.replaceUse(...args)),
      sealed: async (person, commitment) => answering(store.factor(person, commitment).then(canonicalBytes)),
      open: async (_person, _commitment, sealed) => parseJsonBytes(sealed) as EnrolledFactor,
    };
    const folder = mkdtempSync(join(tmpdir(), 'resilience-factors-'));
    folders.push(folder);
    const own = () => createRememberingFactorStore(remote, folder);
    const made = await scene(store);
    made.ports.factors = own();
    const override = (change: Partial<OverridePredicate> = {}) => envelopeOf('override', change);
    return { ...made, down, own, override };
  }
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  it('it goes on for break-glass alone, from what it remembers, and no code counts twice', async () => {
    const { check, codeAt, down, own, ports, override } = await memoryScene();
    await own().remember('bob', digestOf(factor));
    down.isDown = true;
    await expect(check(codeAt())).rejects.toMatchObject({ code: 'FACTOR_VERIFIER_UNAVAILABLE' });
    expect(openEnvelope(await check(codeAt(), await override()))).toMatchObject({
      type: 'mfa',
      predicate: { person: 'bob', nonce: 'override-1' },
    });
    ports.factors = own();
    await expect(check(codeAt(), await override())).rejects.toMatchObject(refusedBy('second-factor-used'));
    // What was used alone is used when the store is back.
    down.isDown = false;
    await expect(check(codeAt(), await override())).rejects.toMatchObject(refusedBy('second-factor-used'));
    await expect(check(codeAt())).rejects.toMatchObject(refusedBy('second-factor-used'));
    await check(codeAt(1));
  });

  it('it knows nothing of a person whose factor it has never seen', async () => {
    const { check, codeAt, down, override } = await memoryScene();
    down.isDown = true;
    await expect(check(codeAt(), await override())).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('an override is for the two whom it names', async () => {
    const { check, codeAt, override } = await memoryScene();
    const others = await override({ approvers: ['cyd', 'olga'] });
    await expect(check(codeAt(), others)).rejects.toMatchObject(refusedBy('own-key'));
  });
});

describe('over HTTP', () => {
  it('answers and refuses as it does at home; down, it says what to do', async () => {
    const { verifier, codeAt, world } = await scene();
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
