import { expect, test } from 'vitest';
import { documentDifferences } from '../../../activities/documents/read-back.ts';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import { encodeEntry } from '../../../domain/log/entry.ts';
import { createFold } from '../../../domain/log/fold.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import { config, liveDocument, PAYMENTS, plannedDocuments } from '../../support/document-plans.ts';
import { ENVIRONMENT, overrideCommit, overrideMove, signedTrust } from '../../support/sample-log.ts';

const live = { [PAYMENTS]: config({ readMs: 100 }) };
const plan = plannedDocuments({ live, operations: [{ set: PAYMENTS, body: config({ readMs: 200 }) }] });
const [planned] = plan.resources;

test('the way back ends where two people have put another version in place of the base, and only there', async () => {
  const { state, apply } = createFold({
    environment: ENVIRONMENT,
    trust: signedTrust(),
    verify: verifyEd25519,
  });
  const rules = (expect: 'after' | 'before') =>
    documentDifferences(state, plan, expect).map(({ rule }) => rule);
  const base = planned?.baseDigest ?? null;
  state.live[PAYMENTS] = liveDocument(digestOf('somebody else'), { clock: 1, vector: {} });
  expect(rules('before')).toEqual(['read-back']);
  state.live[PAYMENTS] = liveDocument(base, { clock: 1, vector: {} });
  expect(rules('before')).toEqual([]);
  const moves = [overrideMove({ resource: PAYMENTS, from: base, version: '1.1.0', clock: 2 })];
  expect(apply(encodeEntry(await overrideCommit({ said: { moves } })))).toMatchObject({ fate: 'honoured' });
  expect(rules('before')).toEqual([]);
  expect(rules('after')).toEqual(['read-back']);
});
