import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import { openEnvelope } from '../../../domain/evidence/statement-codec.ts';
import type { OverrideMove } from '../../../domain/evidence/statements.ts';
import { encodeEntry } from '../../../domain/log/entry.ts';
import { createFold } from '../../../domain/log/fold.ts';
import { OVERRIDABLE_GUARDS } from '../../../domain/override/guards.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import {
  CHANGE,
  ENVIRONMENT,
  entryOf,
  GLASS,
  overrideCommit,
  overrideIntent,
  overrideMove,
  sampleMove,
  signedTrust,
} from '../../support/sample-log.ts';

const trust = signedTrust();
const TIMEOUTS = 'config/payments/timeouts';
const SCHEMA = 'schema/timeouts';
const newFold = () => createFold({ environment: ENVIRONMENT, trust, verify: verifyEd25519 });
const commit = async (...input: Parameters<typeof overrideCommit>) =>
  encodeEntry(await overrideCommit(...input));
const moving = (...moves: OverrideMove[]) => ({ said: { moves } });
const every = [...OVERRIDABLE_GUARDS];

describe('an override of documents', () => {
  test('is live at its own index, like a commit, and opens a review that a third person closes', async () => {
    const fold = newFold();
    const moves = [
      overrideMove({ dependsOn: [`${SCHEMA}@^1.0`] }),
      overrideMove({ resource: SCHEMA, to: digestOf('a schema') }),
    ];
    expect(fold.apply(await commit({ said: { moves } }))).toEqual({ fate: 'honoured', index: 0 });
    const { state } = fold;
    expect(state.live[TIMEOUTS]).toEqual({
      ...{ digest: digestOf('after'), version: '1.0.0', versionDigest: null, parent: null, clock: 1 },
      ...{ vector: { prod: 1 }, dependsOn: [`${SCHEMA}@^1.0`], changeId: GLASS, index: 0, canary: null },
    });
    expect(state.live[SCHEMA]).toMatchObject({ changeId: GLASS, index: 0 });
    expect(state.clock).toEqual({ prod: 1 });
    expect(state.ended[GLASS]).toEqual({ status: 'committed', index: 0 });
    expect(state.overrides[GLASS]).toMatchObject({
      intent: { zone: null, fence: null, index: 0 },
      said: { approvers: ['bob', 'cyd'], moves },
      factors: [{ person: 'bob' }, { person: 'cyd' }],
      outcome: { result: 'applied', index: 0 },
      review: null,
    });
    expect(state.fenceChain).toEqual({});
    expect(fold.apply(await entryOf('review', { reviewer: 'bob' }, 'bob'))).toMatchObject({ fate: 'inert' });
    expect(fold.apply(await entryOf('review'))).toMatchObject({ fate: 'honoured' });
    expect(fold.apply(await commit({ said: { moves } }))).toMatchObject({ fate: 'duplicate', firstIndex: 0 });
  });

  test.each<[string, Parameters<typeof overrideCommit>[0]]>([
    ['that one of the two did not sign', { signers: ['bob'] }],
    ['of one person twice', { said: { approvers: ['bob', 'bob'] }, signers: ['bob'] }],
    ['committed by the enactor', { holder: 'enactor' }],
    ['committed by the orchestrator', { holder: 'orchestrator' }],
    ['of another change', { change: { changeId: 'bg-2' } }],
    ['of another plan', { change: { planDigest: digestOf('another plan') } }],
    ['used after it expired', { change: { at: '2026-01-01T00:15:00.001Z' } }],
    ['with second factors for something else', { mfa: { nonce: 'approval-1' } }],
    ['of the policy that says who may break glass', moving(overrideMove({ resource: 'policy/permissions' }))],
    [
      'of any policy, beside a config',
      moving(overrideMove(), overrideMove({ resource: 'policy/risk-limits' })),
    ],
    ['of records', moving(overrideMove({ resource: 'dns/example.com/api/A', version: null }))],
    ['that moves a document twice', moving(overrideMove(), overrideMove({ to: digestOf('other') }))],
    ['that removes what it does not name', moving(overrideMove({ to: null, version: null }))],
    ['whose clock was never there', moving(overrideMove({ vector: { prod: 1 } }))],
  ])('%s is inert, whatever guards it names', async (_, input) => {
    const fold = newFold();
    const entry = await commit({ ...input, said: { guards: every, ...input?.said } });
    expect(fold.apply(entry)).toMatchObject({ fate: 'inert' });
    expect(fold.state.overrides).toEqual({});
    expect(fold.state.live).toEqual({});
  });

  test('is no override of records, nor the other way round', async () => {
    const fold = newFold();
    const ofRecords = openEnvelope(await overrideIntent());
    if (ofRecords.type !== 'override-intent') throw new Error('it is another statement');
    const { override, factors } = ofRecords.predicate;
    const records = await overrideCommit({ change: { override, factors } });
    const documents = await overrideIntent({ said: { moves: [overrideMove()] } });
    expect(fold.apply(encodeEntry(records))).toMatchObject({ reason: 'the override inside is for records' });
    expect(fold.apply(encodeEntry(documents))).toMatchObject({
      reason: 'the override inside is for documents',
    });
  });

  test('is void on another base, without what it needs, without what needs it and in a circle, named or not', async () => {
    const said = (moves: OverrideMove[], n: number) => ({
      said: { guards: every, moves, changeId: `bg-${n}`, nonce: `n-${n}`, emptying: [SCHEMA] },
    });
    const fold = newFold();
    const needs = overrideMove({ dependsOn: [`${SCHEMA}@^1.0`] });
    const schema = overrideMove({ resource: SCHEMA, to: digestOf('a schema') });
    expect(fold.apply(await commit(said([needs], 1)))).toMatchObject({ code: 'DEPENDENCY_MISSING' });
    const circle = [needs, { ...schema, dependsOn: [TIMEOUTS] }];
    expect(fold.apply(await commit(said(circle, 2)))).toMatchObject({ code: 'CYCLE' });
    expect(fold.apply(await commit(said([needs, schema], 3)))).toMatchObject({ fate: 'honoured' });
    const stale = overrideMove({ from: digestOf('something else'), clock: 2 });
    expect(fold.apply(await commit(said([stale], 4)))).toMatchObject({ code: 'STALE_BASE' });
    const removal = { ...schema, from: schema.to, to: null, version: null, clock: 2 };
    expect(fold.apply(await commit(said([removal], 5)))).toMatchObject({ code: 'DEPENDENCY_MISSING' });
    expect(fold.state.live[TIMEOUTS]).toMatchObject({ changeId: 'bg-3' });
  });

  test('is void in a freeze, hard or not, unless it names it', async () => {
    for (const hard of [undefined, true] as const) {
      const fold = newFold();
      fold.apply(await entryOf('freeze', { ...(hard && { hard }) }));
      expect(fold.apply(await commit())).toMatchObject({ fate: 'void', code: 'FROZEN' });
      expect(fold.apply(await commit({ said: { guards: ['freeze'] } }))).toMatchObject({ fate: 'honoured' });
    }
  });

  test('takes its document from a change under way only by name, and that change can only go back', async () => {
    const fold = newFold();
    const about = { zone: null };
    const exposed = sampleMove({ resource: TIMEOUTS, to: digestOf('theirs'), version: '1.0.0' });
    const rollout = { stage: '10%', percent: 10, zones: [] };
    fold.apply(await entryOf('request', { resources: [TIMEOUTS] }));
    fold.apply(await entryOf('plan', { ...about, resources: [TIMEOUTS] }));
    fold.apply(await entryOf('intent', about));
    fold.apply(await entryOf('commit', { ...about, moves: [exposed], rollout }));
    expect(fold.state.live[TIMEOUTS]?.canary).toMatchObject({ changeId: CHANGE });

    const other = { changeId: 'bg-glass', nonce: 'glass-1' };
    expect(fold.apply(await commit({ said: other }))).toMatchObject({ code: 'RESERVED' });
    const named = { ...other, guards: ['reservation' as const] };
    expect(fold.apply(await commit({ said: named }))).toMatchObject({ fate: 'honoured' });
    expect(fold.state.live[TIMEOUTS]).toMatchObject({ digest: digestOf('after'), canary: null });

    const late = await entryOf('commit', { ...about, moves: [exposed] });
    expect(fold.apply(late)).toMatchObject({ code: 'STALE_BASE' });
    const back = { stage: 'withdraw', percent: 0, zones: [] };
    const withdrawal = await entryOf('commit', { ...about, moves: [exposed], rollout: back });
    expect(fold.apply(withdrawal)).toMatchObject({ fate: 'honoured' });
    expect(fold.apply(await entryOf('end', { status: 'rolled-back' }))).toMatchObject({ fate: 'honoured' });
    expect(fold.state.live[TIMEOUTS]).toMatchObject({ digest: digestOf('after'), changeId: 'bg-glass' });
    expect(fold.state.reservations).toEqual({});
  });
});
