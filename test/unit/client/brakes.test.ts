import { describe, expect, it } from 'vitest';
import type { ChangeLog } from '../../../activities/ports/change-log.ts';
import { type Brakes, createBrakes } from '../../../client/brakes.ts';
import { PortError } from '../../../domain/errors.ts';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import { createMemoryWorld, type MemoryWorld } from '../../support/memory-world.ts';
import { AT, ENVIRONMENT, signerOf, ZONE } from '../../support/sample-log.ts';

const OLGA = { subject: 'olga', signer: signerOf('olga') };
const FREEZE = { scope: null, reason: 'incident', hard: false, rollBack: false };
const away = () => Promise.reject(new PortError('ENGINE_UNAVAILABLE', 'Temporal does not answer.', {}));

function brakesOf(
  world: MemoryWorld,
  { log = world.log, cedar = 'a policy' }: { log?: ChangeLog; cedar?: string | null } = {},
): Brakes {
  let nonces = 0;
  let nowMs = Date.parse(AT);
  return createBrakes({
    ...{ environment: ENVIRONMENT, log, dns: world.enactor.dns },
    engine: { freeze: away, resume: away },
    permissions: async () => ({
      version: { policyDigest: digestOf('a policy'), trustVersion: 1 },
      cedar,
      judge: () =>
        cedar === null
          ? [{ code: 'NOT_PERMITTED', rule: 'policy-readable', message: 'unreadable', remedy: 'none' }]
          : [],
      judgeDraft: () => [],
    }),
    nowMs: () => nowMs,
    sleep: async (ms) => {
      nowMs += ms;
    },
    newNonce: () => {
      nonces += 1;
      return `nonce-${nonces}`;
    },
  });
}

describe('brakes', () => {
  it('record a freeze while the engine is away, and say what is not effective yet', async () => {
    const made = createMemoryWorld(ZONE);
    const brakes = brakesOf(made);
    const recorded = await brakes.freeze(FREEZE, OLGA);
    expect(await recorded.engineAway).toBe('Temporal does not answer.');
    expect(await brakes.awaitEffective(recorded, 1_000)).toEqual([
      { zone: ZONE, fence: null, effective: false, afterMs: null },
    ]);
    expect(await brakes.status()).toMatchObject({
      state: 'frozen',
      scopes: [{ zones: [{ effective: false }] }],
    });
  });

  it('say frozen when nobody can tell', async () => {
    const made = createMemoryWorld(ZONE);
    const down = new PortError('STORE_UNAVAILABLE', 'The log does not answer.', {});
    const log = { ...made.log, sync: () => Promise.reject(down) };
    expect(await brakesOf(made, { log }).status()).toEqual({
      ...{ environment: ENVIRONMENT, state: 'frozen', scopes: [] },
      unreadable: 'The log does not answer.',
    });
  });

  it('freeze while the policy cannot be read, and resume only when it can', async () => {
    const brakes = brakesOf(createMemoryWorld(ZONE), { cedar: null });
    await brakes.freeze(FREEZE, OLGA);
    const resume = brakes.resume({ scope: null, reason: 'over', gradual: null }, OLGA);
    await expect(resume).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
  });

  it('are an operator’s', async () => {
    const ada = { subject: 'ada', signer: signerOf('ada') };
    await expect(brakesOf(createMemoryWorld(ZONE)).freeze(FREEZE, ada)).rejects.toMatchObject({
      code: 'NOT_PERMITTED',
    });
  });

  it('lift one scope, by its name, and say what stays frozen', async () => {
    const brakes = brakesOf(createMemoryWorld(ZONE));
    await brakes.freeze({ ...FREEZE, scope: { kind: 'config' } }, OLGA);
    await expect(brakes.resume({ scope: null, reason: 'over', gradual: null }, OLGA)).rejects.toMatchObject({
      code: 'NOT_FOUND',
      message: 'the environment is not frozen; frozen: kind config.',
    });
    await brakes.freeze(FREEZE, OLGA);
    const { stillFrozen } = await brakes.resume({ scope: null, reason: 'over', gradual: null }, OLGA);
    expect(stillFrozen).toEqual(['kind config']);
  });

  it('go on with a resumption that is recorded, in the order that was signed', async () => {
    const brakes = brakesOf(createMemoryWorld(ZONE));
    await brakes.freeze(FREEZE, OLGA);
    const gradual = { order: await brakes.releaseOrder([]), watchMs: 5 };
    const first = await brakes.resume({ scope: null, reason: 'over', gradual }, OLGA);
    const again = await brakes.resume({ scope: null, reason: 'over', gradual }, OLGA);
    expect(again.index).toBe(first.index);
    await expect(brakes.releaseOrder(['nowhere'])).rejects.toMatchObject({ code: 'SCHEMA_INVALID' });
  });
});
