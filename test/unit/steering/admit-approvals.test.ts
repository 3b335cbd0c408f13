import { expect, test } from 'vitest';
import type { SignedDecision } from '../../../activities/approval.ts';
import { createOrchestratorActivities } from '../../../activities/index.ts';
import type { OrchestratorPorts } from '../../../activities/role-ports.ts';
import { PortError } from '../../../domain/errors.ts';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../../domain/evidence/dsse.ts';
import { encodeEntry } from '../../../domain/log/entry.ts';
import { createFold } from '../../../domain/log/fold.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import {
  AT,
  ENVIRONMENT,
  entryOf,
  envelopeOf,
  KMS_LIMIT_BYTES,
  LONGEST_ID,
  LONGEST_NAME,
  limitedSignerOf,
  signedTrust,
} from '../../support/sample-log.ts';

const MADE_BY = {
  build: 'b'.repeat(64),
  rules: digestOf('rules'),
  run: { workflowId: LONGEST_ID, runId: 'r'.repeat(36), activityId: '100000' },
};

/** One open change, and an orchestrator whose signer takes so many bytes. */
async function scene({ changeId = LONGEST_ID, maxBytes = KMS_LIMIT_BYTES } = {}) {
  const fold = createFold({ environment: ENVIRONMENT, trust: signedTrust(), verify: verifyEd25519 });
  fold.apply(await entryOf('request', { changeId }));
  const log = {
    sync: async () => fold.state,
    append: async (envelopes: readonly Envelope[]) =>
      envelopes.map((envelope) => fold.apply(encodeEntry(envelope))),
  };
  const ports = {
    ...{ environment: ENVIRONMENT, verify: verifyEd25519, log },
    signer: limitedSignerOf('orchestrator', maxBytes),
    madeBy: () => MADE_BY,
    clock: { nowMs: () => Date.parse(AT) },
  } as unknown as OrchestratorPorts & { verify: typeof verifyEd25519 };
  const { admitApprovals } = createOrchestratorActivities(ports);
  const admit = async (decisions: SignedDecision | SignedDecision[], id = changeId) =>
    (await admitApprovals({ changeId: id, decisions: [decisions].flat() })).answers;
  return { admit, fold, log };
}

test('a decision that cannot be recorded is answered alone, and the others are recorded', async () => {
  const { admit } = await scene({ changeId: 'chg-1', maxBytes: 2000 });
  const answers = await admit([
    { approval: await envelopeOf('approval') },
    // An operator, who is neither author nor approver, in a name that nobody has.
    { approval: await envelopeOf('approval', { approver: LONGEST_NAME, nonce: 'n-2' }, 'olga') },
    { approval: await envelopeOf('approval', { approver: 'cyd', nonce: 'n-3' }, 'cyd') },
  ]);
  expect(answers.map(({ index }) => index)).toEqual([1, null, 2]);
  expect(answers[1]).toMatchObject({ accepted: false, reasons: [{ code: 'TOO_LARGE' }] });
});

test.each(['STORE_UNAVAILABLE', 'LOG_FORKED'] as const)(
  'a log that answers %s is no answer to a decision',
  async (code) => {
    const { admit, log } = await scene({ changeId: 'chg-1' });
    log.append = () => Promise.reject(new PortError(code, 'The log cannot be written.'));
    await expect(admit({ approval: await envelopeOf('approval') })).rejects.toMatchObject({ code });
  },
);

test('the longest names, nonces and reasons of a refusal fit into what KMS signs', async () => {
  const { admit, fold } = await scene();
  const about = { changeId: 'd'.repeat(128), nonce: 'n'.repeat(128) };
  const mfa = await envelopeOf('mfa', { ...about, person: LONGEST_NAME }, 'a stranger');
  const [answer] = await admit({
    approval: await envelopeOf(
      'approval',
      { ...about, approver: LONGEST_NAME, expiresAt: '2026-01-01T01:00:00.000Z' },
      'ada',
    ),
    mfa,
  });
  expect(answer).toMatchObject({ accepted: false, index: 1 });
  expect(answer?.reasons.length).toBeGreaterThan(5);
  const [recorded] = fold.state.changes[LONGEST_ID]?.acceptances ?? [];
  expect(recorded?.reasons.map(({ rule }) => rule)).toEqual(
    answer?.reasons.slice(0, recorded?.reasons.length).map(({ rule }) => rule),
  );
  expect(recorded?.reasons.length).toBeGreaterThan(0);
});

test.each(['__proto__', 'constructor', 'valueOf'])(
  'there is no change %s before it is requested',
  async (changeId) => {
    const { admit, fold } = await scene();
    const [answer] = await admit({ approval: await envelopeOf('approval') }, changeId);
    expect(answer).toMatchObject({ index: null, reasons: [{ code: 'NOT_FOUND', rule: 'waiting' }] });
    expect(fold.state.size).toBe(1);
  },
);

test.each(['constructor', 'valueOf'])('a change called %s is one like any other', async (changeId) => {
  const { admit } = await scene({ changeId });
  const [answer] = await admit({ approval: await envelopeOf('approval', { changeId, nonce: changeId }) });
  expect(answer).toMatchObject({ index: 1, reasons: [{ code: 'NOT_FOUND', rule: 'waiting' }] });
});
