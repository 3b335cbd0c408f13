import { expect, test } from 'vitest';
import { readLogLine } from '../../../client/log-line.ts';
import { statusFromLog } from '../../../client/status-from-log.ts';
import { canonicalBytes } from '../../../domain/evidence/canonical-json.ts';
import type { Predicates } from '../../../domain/evidence/statements.ts';
import { judgeUnder } from '../../../domain/log/authority.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import { envelopeOf, type PlainType, sampleMove, signedTrust } from '../../support/sample-log.ts';

const moves = [
  sampleMove({ resource: 'config/payments/timeouts' }),
  sampleMove({ resource: 'schema/timeouts' }),
];
const commit = (rollout: Predicates['commit']['rollout']) => ({ zone: null, moves, rollout });

async function lines(
  ...entries: { [T in PlainType]: [type: T, about: Partial<Predicates[T]>] }[PlainType][]
) {
  return Promise.all(
    entries.map(async ([type, about], index) => {
      const bytes = canonicalBytes(await envelopeOf<PlainType>(type, about));
      return readLogLine({
        index,
        bytes,
        fate: { fate: 'honoured', index },
        judge: judgeUnder(signedTrust(), verifyEd25519),
      });
    }),
  );
}

test('exposures, withdrawals and versions are read as what they are', async () => {
  const read = await lines(
    ['intent', { zone: null }],
    ['commit', commit({ stage: '10%', percent: 10, zones: [] })],
    ['commit', commit({ stage: 'a', percent: 0, zones: ['us-east-1a', 'us-east-1b'] })],
    ['commit', commit({ stage: 'a', percent: 0, zones: [] })],
    ['commit', commit(null)],
    ['version', {}],
  );
  expect(read.map(({ summary }) => summary)).toEqual([
    'intends stage 1% on the documents',
    'exposed to 10 % of consumers: config/payments/timeouts, schema/timeouts',
    'exposed to us-east-1a, us-east-1b: config/payments/timeouts, schema/timeouts',
    'withdrawn: config/payments/timeouts, schema/timeouts',
    'live: config/payments/timeouts, schema/timeouts',
    'version 1.2.3 of config/payments',
  ]);
});

test('an exposure makes its stage live, a withdrawal goes back, and only a commit ends the change', async () => {
  const exposed: Parameters<typeof lines> = [
    ['request', {}],
    ['plan', { zone: null }],
    ['intent', { zone: null, stage: '10%' }],
    ['commit', commit({ stage: '10%', percent: 10, zones: [] })],
  ];
  expect(statusFromLog(await lines(...exposed))).toMatchObject({
    phase: 'stages',
    stages: [{ name: '10%', state: 'baking', appliedAt: expect.any(String) }],
  });
  const withdrawn = await lines(...exposed, ['commit', commit({ stage: '10%', percent: 0, zones: [] })]);
  expect(statusFromLog(withdrawn)?.phase).toBe('rolling-back');
  const committed = await lines(...exposed, ['commit', commit(null)]);
  expect(statusFromLog(committed)?.phase).toBe('committed');
});
