import { expect, test } from 'vitest';
import { createOrchestratorActivities } from '../../../activities/index.ts';
import type { OrchestratorPorts } from '../../../activities/role-ports.ts';
import { DomainError } from '../../../domain/errors.ts';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../../domain/evidence/dsse.ts';
import { encodeEntry } from '../../../domain/log/entry.ts';
import { createFold } from '../../../domain/log/fold.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import { CHANGE, ENVIRONMENT, entryOf, envelopeOf, signedTrust, signerOf } from '../../support/sample-log.ts';

/** One open change, and an orchestrator that lets each person ask twice at once and once a minute. */
async function scene() {
  const signed = signedTrust();
  const trust = { ...signed, policy: { ...signed.policy, rateLimits: { perMinute: 1, burst: 2 } } };
  const verify = verifyEd25519;
  const fold = createFold({ environment: ENVIRONMENT, trust, verify });
  fold.apply(await entryOf('request'));
  let nowMs = Date.parse('2026-01-01T00:05:00.000Z');
  const ports = {
    ...{ environment: ENVIRONMENT, verify, signer: signerOf('orchestrator') },
    madeBy: () => ({ build: 'test', rules: digestOf('rules') }),
    clock: { nowMs: () => nowMs },
    bodies: {
      get: () => Promise.reject(new DomainError('NOT_FOUND', 'No bodies here.', { next: 'None.' })),
    },
    log: {
      sync: async () => fold.state,
      lastKnown: () => fold.state,
      append: async (envelopes: readonly Envelope[]) =>
        envelopes.map((envelope) => fold.apply(encodeEntry(envelope))),
    },
  } as unknown as OrchestratorPorts & { verify: typeof verify };
  const orchestrator = createOrchestratorActivities(ports);
  return {
    fold,
    later: (ms: number) => {
      nowMs += ms;
    },
    checkSchema: () =>
      orchestrator.checkSchema({ changeId: CHANGE, requestDigest: digestOf('request'), requestIndex: 0 }),
    async command(action: 'continue' | 'pause', nonce: string, holder = 'olga') {
      const command = await envelopeOf('command', { action, nonce }, holder);
      return orchestrator.admitCommand({ changeId: CHANGE, command, unrecorded: [] });
    },
    async decide(decision: 'approve' | 'reject', nonce: string) {
      const approval = await envelopeOf('approval', { decision, nonce });
      const { answers } = await orchestrator.admitApprovals({ changeId: CHANGE, decisions: [{ approval }] });
      return answers[0];
    },
  };
}

const REFUSED = expect.objectContaining({
  code: 'THROTTLED',
  rule: 'rate-limit',
  remedy: 'Send it again in 60 s.',
});

test('a person who sends too many commands is refused, nothing is recorded, and a minute later one counts', async () => {
  const { command, fold, later } = await scene();
  await command('continue', 'n-1');
  await command('continue', 'n-2');
  const { size } = fold.state;
  expect(await command('continue', 'n-3')).toEqual({ accepted: false, reasons: [REFUSED] });
  expect(fold.state.size).toBe(size);
  later(60_000);
  expect(await command('continue', 'n-3')).toMatchObject({ accepted: true });
  expect(fold.state.size).toBe(size + 1);
});

test('what somebody else sends in that person’s name uses up nothing of it', async () => {
  const { command } = await scene();
  for (const nonce of ['n-1', 'n-2', 'n-3']) await command('continue', nonce, 'bob');
  expect(await command('continue', 'n-4')).toMatchObject({ accepted: true });
});

test('the same message again is the same answer, and counts once', async () => {
  const { command } = await scene();
  for (let again = 0; again < 5; again += 1) {
    expect(await command('continue', 'n-1')).toMatchObject({ accepted: true });
  }
});

test('a pause and a rejection get through when approvals and continuations are throttled', async () => {
  const { command, decide } = await scene();
  for (const nonce of ['n-1', 'n-2', 'n-3']) await command('continue', nonce);
  expect(await command('pause', 'n-4')).toMatchObject({ accepted: true });
  for (const nonce of ['a-1', 'a-2']) expect((await decide('approve', nonce))?.index).not.toBeNull();
  expect(await decide('approve', 'a-3')).toMatchObject({ accepted: false, index: null, reasons: [REFUSED] });
  expect((await decide('reject', 'a-4'))?.reasons).not.toContainEqual(REFUSED);
});

test('submissions beyond the burst are given a turn each, refused or not', async () => {
  const { checkSchema, later } = await scene();
  const waits = [];
  for (let asked = 0; asked < 4; asked += 1) waits.push((await checkSchema()).waitMs);
  expect(waits).toEqual([0, 0, 60_000, 120_000]);
  later(180_000);
  expect((await checkSchema()).waitMs).toBe(0);
});
