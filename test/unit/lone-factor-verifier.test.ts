import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import type { SealedFactorStore } from '../../activities/ports/factor-store.ts';
import type { EnrolledFactor } from '../../domain/approval/enrolled-factor.ts';
import { DomainError, PortError } from '../../domain/errors.ts';
import { canonicalBytes, digestOf, parseJsonBytes } from '../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import { openEnvelope } from '../../domain/evidence/statement-codec.ts';
import type { OverridePredicate } from '../../domain/evidence/statements.ts';
import { createRememberingFactorStore } from '../../infra/files/remembering-factor-store.ts';
import { factor, factorScene, recoveryCodes, refusedBy } from '../support/factor-scene.ts';
import { createMemoryFactors } from '../support/memory-factors.ts';
import { envelopeOf } from '../support/sample-log.ts';

/** One store that several verifiers share, and that can go down for all of them. */
function sharedFactors() {
  const store = createMemoryFactors();
  const down = { isDown: false };
  const answering = <T>(answer: () => Promise<T>): Promise<T> =>
    down.isDown ? Promise.reject(new PortError('STORE_UNAVAILABLE', 'down')) : answer();
  const remote: SealedFactorStore = {
    enrol: (person, enrolled) => answering(() => store.enrol(person, enrolled)),
    factor: (person, commitment) => answering(() => store.factor(person, commitment)),
    use: (person, commitment) => answering(() => store.use(person, commitment)),
    replaceUse: (...args) => answering(() => store.replaceUse(...args)),
    sealed: (person, commitment) =>
      answering(async () => canonicalBytes(await store.factor(person, commitment))),
    open: async (_person, _commitment, sealed) => parseJsonBytes(sealed) as EnrolledFactor,
  };
  return { store, down, remote };
}

describe('with its store down, the factor-verifier', () => {
  /** A verifier with a disk of its own; `own` is that disk after a restart. */
  async function memoryScene({ store, down, remote } = sharedFactors()) {
    const folder = mkdtempSync(join(tmpdir(), 'resilience-factors-'));
    folders.push(folder);
    const own = () => createRememberingFactorStore(remote, folder);
    const made = await factorScene(store);
    const memory = own();
    made.ports.factors = memory;
    const remember = () => memory.remember('bob', digestOf(factor));
    const override = (change: Partial<OverridePredicate> = {}) => envelopeOf('override', change);
    /** What becomes of codes for as many overrides, all at once: how often each fate. */
    const checkAtOnce = async (codes: readonly string[]) => {
      const signed = await Promise.all(codes.map((_, i) => override({ nonce: `override-${i}` })));
      return fatesOf(codes.map((code, i) => made.check(code, signed[i])));
    };
    return { ...made, down, own, memory, remember, override, checkAtOnce };
  }
  const folders: string[] = [];
  afterAll(() => {
    for (const folder of folders) rmSync(folder, { recursive: true, force: true });
  });

  it('goes on for break-glass alone, from what it remembers, and no code counts twice', async () => {
    const { check, codeAt, down, own, ports, override, remember } = await memoryScene();
    await remember();
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

  it('takes a code that comes many times at once for one of them', async () => {
    const { codeAt, down, remember, checkAtOnce } = await memoryScene();
    await remember();
    down.isDown = true;
    const { accepted, ...refused } = await checkAtOnce(Array.from({ length: 50 }, () => codeAt()));
    expect(accepted).toBe(1);
    expect(Object.keys(refused)).toEqual(['second-factor-used']);
  });

  it.each([
    ['alone', true],
    ['with its store', false],
  ])('%s, counts each of many wrong codes that come at once, and locks after five', async (_, isDown) => {
    const { codeAt, down, override, check, remember, checkAtOnce } = await memoryScene();
    await remember();
    down.isDown = isDown;
    const wrong = Array.from({ length: 200 }, (_, i) => `${100_000 + i}`);
    const fates = await checkAtOnce(wrong.filter((code) => ![-1, 0, 1].map(codeAt).includes(code)));
    expect(fates['second-factor-code']).toBe(4);
    expect(fates['second-factor-locked']).toBeGreaterThan(0);
    await expect(check(codeAt(), await override())).rejects.toMatchObject(refusedBy('second-factor-locked'));
  });

  it.each<[string, (one: { remember(): Promise<void>; check(code: string): Promise<unknown> }) => unknown]>([
    ['remembered since', ({ remember }) => remember()],
    [
      'was asked about since',
      ({ check }) =>
        expect(check(recoveryCodes[0] ?? '')).rejects.toMatchObject(refusedBy('second-factor-used')),
    ],
  ])('a recovery code is spent that was spent elsewhere before, of a factor that it %s', async (_, since) => {
    const shared = sharedFactors();
    const elsewhere = await memoryScene(shared);
    const { remember, check, down, override } = await memoryScene(shared);
    await remember();
    const [code = '', next = ''] = recoveryCodes;
    await elsewhere.check(code);
    await since({ remember, check });
    down.isDown = true;
    await expect(check(code, await override())).rejects.toMatchObject(refusedBy('second-factor-used'));
    await check(next, await override());
  });

  it('a recovery code that it took alone is spent everywhere once it has remembered again', async () => {
    const shared = sharedFactors();
    const { remember, check, down, override } = await memoryScene(shared);
    const elsewhere = await memoryScene(shared);
    await remember();
    down.isDown = true;
    const [code = ''] = recoveryCodes;
    await check(code, await override());
    down.isDown = false;
    await remember();
    await expect(elsewhere.check(code)).rejects.toMatchObject(refusedBy('second-factor-used'));
  });

  it('remembers no wrong codes that a right one made up for elsewhere', async () => {
    const shared = sharedFactors();
    const [one, other] = [await memoryScene(shared), await memoryScene(shared)];
    for (let i = 0; i < 4; i += 1) await one.check('000000').catch(() => {});
    await other.remember();
    for (const { world } of [one, other]) world.nowMs += 1000;
    await one.check(one.codeAt());
    await other.remember();
    const left = (count: number) => ({ message: expect.stringContaining(`${count} more tries`) });
    await expect(one.check('000000')).rejects.toMatchObject(left(4));
    await expect(other.check('000000')).rejects.toMatchObject(left(3));
  });

  it('who read the store before it went down replaces nothing that was taken alone meanwhile', async () => {
    const { memory, down } = await memoryScene();
    const commitment = digestOf(factor);
    const before = await memory.use('bob', commitment);
    down.isDown = true;
    const alone = await memory.use('bob', commitment);
    const taken = { ...alone.use, lastStep: 7 };
    expect(await memory.replaceUse('bob', commitment, taken, alone.version)).toBe(true);
    down.isDown = false;
    expect(await memory.replaceUse('bob', commitment, taken, before.version)).toBe(false);
    expect(await memory.use('bob', commitment)).toMatchObject({ use: { lastStep: 7 }, isAlone: false });
  });

  it('knows nothing of a person whose factor it has never seen', async () => {
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

/** How many of them were accepted, and how many refused by which rule, or failed with which code. */
async function fatesOf(checks: readonly Promise<Envelope>[]): Promise<Record<string, number>> {
  const fates: Record<string, number> = {};
  for (const result of await Promise.allSettled(checks)) {
    const fate = result.status === 'fulfilled' ? 'accepted' : reasonOf(result.reason);
    fates[fate] = (fates[fate] ?? 0) + 1;
  }
  return fates;
}

function reasonOf(error: unknown): string {
  if (!(error instanceof DomainError)) throw error;
  return error.details.violations?.[0]?.rule ?? error.code;
}
