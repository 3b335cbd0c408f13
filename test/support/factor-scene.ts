import { createFactorVerifier, type FactorVerifierPorts } from '../../activities/factor-verifier.ts';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import { emptyLogState } from '../../domain/log/state.ts';
import { codeOfStep, makeFactor, matchCode, stepOf } from '../../infra/keys/second-factor.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { createMemoryFactors } from './memory-factors.ts';
import { AT, ENVIRONMENT, envelopeOf, signedTrust, signerOf } from './sample-log.ts';

/** Bob's second factor, which the sample's trust document lists. */
export const { factor, recoveryCodes } = await makeFactor();
const signed = signedTrust();
export const trust: TrustDocument = {
  ...signed,
  people: signed.people.map((person) =>
    person.subject === 'bob'
      ? { ...person, secondFactors: [{ type: 'totp', commitment: digestOf(factor) }] }
      : person,
  ),
};

/** A verifier at a time that the test owns; `store` makes another one on the same store. */
export async function factorScene(store = createMemoryFactors()) {
  await store.enrol('bob', factor);
  const world = { nowMs: Date.parse(AT), logged: [] as Envelope[], unlogged: [] as unknown[] };
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
  const check = async (code: string, statement?: Envelope, person = 'bob') =>
    verifier.check({ person, signed: statement ?? (await envelopeOf('approval')), code });
  return { world, ports, verifier, store, check, codeAt };
}

/** A `DomainError` of one violation of this rule. */
export const refusedBy = (rule: string) => ({ details: { violations: [{ rule }] } });
