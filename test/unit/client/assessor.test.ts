import { expect, it } from 'vitest';
import type { ChangeLog, LogEntry } from '../../../activities/ports/change-log.ts';
import { createAssessor } from '../../../client/assessor.ts';
import { DomainError, PortError } from '../../../domain/errors.ts';
import { judgeUnder } from '../../../domain/log/authority.ts';
import { encodeEntry } from '../../../domain/log/entry.ts';
import { createFold } from '../../../domain/log/fold.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import type { ChangeStatus } from '../../../workflows/contract.ts';
import {
  API,
  AT,
  CHANGE,
  ENVIRONMENT,
  envelopeOf,
  type PlainType,
  signedTrust,
} from '../../support/sample-log.ts';
import { aStatus } from './a-status.ts';

/** A change whose first stage was judged bad, and an engine that answers as told. */
async function assessor(status: () => Promise<ChangeStatus>) {
  const trust = signedTrust();
  const fold = createFold({ environment: ENVIRONMENT, trust, verify: verifyEd25519 });
  const judge = judgeUnder(trust, verifyEd25519);
  const recorded: LogEntry[] = [];
  const record = (bytes: Uint8Array) => {
    recorded.push({ index: recorded.length, bytes, fate: fold.apply(bytes), judge });
  };
  const say = async (type: PlainType, change = {}) => record(encodeEntry(await envelopeOf(type, change)));
  await say('trust');
  await say('request');
  await say('plan');
  await say('intent');
  await say('outcome', { intentIndex: 3, fence: '3' });
  await say('stage-verdict', { intentIndex: 3, verdict: 'fail', reasons: ['9 errors'] });
  const log = {
    sync: async () => fold.state,
    async *entries() {
      yield* recorded;
    },
  } as unknown as ChangeLog;
  return createAssessor({
    environment: ENVIRONMENT,
    log,
    brakes: {
      status: async () => ({ environment: ENVIRONMENT, state: 'active', unreadable: null, scopes: [] }),
    },
    engine: { status },
    drift: async () => [],
    nowMs: () => Date.parse(AT),
  });
}

it('asks the engine, and believes it', async () => {
  const { assess } = await assessor(async () => aStatus({ changeId: CHANGE, stages: [] }));
  expect(await assess(null)).toMatchObject({
    engineAway: null,
    changes: [{ changeId: CHANGE, stage: null, waits: null }],
    anomalies: [],
  });
});

it('without the engine says what the log knows: what may be live, how it was judged, and who asked for it', async () => {
  const { assess } = await assessor(() =>
    Promise.reject(new PortError('ENGINE_UNAVAILABLE', 'Temporal does not answer.', {})),
  );
  const found = await assess(null);
  expect(found).toMatchObject({
    size: 6,
    engineAway: 'Temporal does not answer.',
    changes: [{ changeId: CHANGE, author: 'ada', stage: '1%', waits: { why: 'the engine' } }],
    anomalies: [{ changeId: CHANGE, stage: '1%', verdict: 'fail', reasons: ['9 errors'] }],
    resources: [{ resource: API, changes: [{ changeId: CHANGE, author: 'ada', state: 'open' }] }],
    next: { step: 'freeze' },
  });
});

it('says of a change that the engine does not run how it starts', async () => {
  const { assess } = await assessor(() => Promise.reject(new DomainError('NOT_FOUND', 'No such run.')));
  const { engineAway, changes } = await assess(null);
  expect(engineAway).toBeNull();
  expect(changes[0]?.waits?.who).toContain(`resilience-ctl submit --resume ${CHANGE}`);
});

it('hides no defect of its own', async () => {
  const { assess } = await assessor(() => Promise.reject(new TypeError('undefined is not a function')));
  await expect(assess(null)).rejects.toThrow(TypeError);
});
