import { describe, expect, it } from 'vitest';
import { openPermissions } from '../../../activities/permissions.ts';
import type { Bodies } from '../../../activities/ports/bodies.ts';
import type { ChangeEngine } from '../../../client/change-engine.ts';
import type { Person } from '../../../client/control-plane.ts';
import { createControlPlane } from '../../../client/direct-control-plane.ts';
import type { ChangeRequest } from '../../../domain/change/request.ts';
import { DomainError, PortError } from '../../../domain/errors.ts';
import {
  canonicalBytes,
  type Digest,
  digestOf,
  digestOfBytes,
} from '../../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../../domain/evidence/dsse.ts';
import { openEnvelope } from '../../../domain/evidence/statement-codec.ts';
import type { ApprovalPredicate } from '../../../domain/evidence/statements.ts';
import type { TrustDocument } from '../../../domain/evidence/trust.ts';
import { judgeUnder, own } from '../../../domain/log/authority.ts';
import { type EntryFate, emptyLogState } from '../../../domain/log/state.ts';
import { DEFAULT_POLICY } from '../../../domain/permissions/default-policy.ts';
import { createCedarEngine } from '../../../infra/cedar/cedar-engine.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import type { ChangeInput, CommandMessage, DecideMessage } from '../../../workflows/contract.ts';
import {
  bystanders,
  liveVersion,
  NOW_MS,
  POLICY,
  plannedScene,
  record,
  requestOf,
  set,
  zoneOf,
} from '../../support/dns-plans.ts';
import { sampleTransparency } from '../../support/sample-log.ts';
import { aStatus } from './a-status.ts';

const keyOf = (subject: string): Digest => digestOf(subject);
const person = (subject: string): Person => ({
  subject,
  signer: { keyId: keyOf(subject), sign: async () => new Uint8Array(64) },
});
const enrolled = (subject: string, role: 'author' | 'approver') => ({
  subject,
  roles: [role],
  teams: ['payments'],
  secondFactors: [],
  keys: [{ keyId: keyOf(subject), publicKey: '' }],
});
const TRUST: TrustDocument = {
  apiVersion: 'resilience-ctl/trust/v1',
  environment: 'prod',
  version: 1,
  root: { keys: [], threshold: 1, expiresAt: '2036-01-01T00:00:00.000Z' },
  people: [enrolled('alice', 'author'), enrolled('bob', 'approver')],
  services: [],
  transparency: sampleTransparency(),
  targets: [],
  permissions: { cedar: DEFAULT_POLICY },
  policy: POLICY,
};
const FACTOR: Envelope = { payload: '', payloadType: '', signatures: [] };
const STRICT: TrustDocument = {
  ...TRUST,
  policy: {
    ...POLICY,
    approvals: { ...POLICY.approvals, standard: { people: 1, teams: 1, secondFactor: true } },
  },
};
const REQUEST = requestOf([set('api', 'A', ['192.0.2.2'])]);
const PLAN = plannedScene({
  zone: zoneOf([record('api', 'A', ['192.0.2.1']), ...bystanders(12)]),
  operations: [set('api', 'A', ['192.0.2.2'])],
});

/** Nothing is live here, so the trust document's own policy applies. */
const noBodies: Bodies = {
  put: async () => digestOf(null),
  get: async () => new Uint8Array(),
};

/** A log that honours a change's first request, and an engine that does as told; both write down what happens. */
function scene(engine: Partial<ChangeEngine> = {}, trust = TRUST) {
  const state = emptyLogState('prod', trust);
  const happened: string[] = [];
  const appended: Envelope[] = [];
  const bodies = new Map<Digest, unknown>();
  const started: ChangeInput[] = [];
  const commanded: { message: CommandMessage; updateId: string }[] = [];
  const decided: { message: DecideMessage; updateId: string }[] = [];

  const append = (envelope: Envelope): EntryFate => {
    const said = openEnvelope(envelope);
    if (said.type !== 'request') throw new Error(`Nobody appends a ${said.type} here.`);
    const { changeId } = said.predicate;
    const index = state.size;
    state.size += 1;
    appended.push(envelope);
    const first = own(state.changes, changeId);
    if (first) return { fate: 'duplicate', index, firstIndex: first.request.index };
    const nothingYet = {
      plan: null,
      votes: [],
      acceptances: [],
      rulings: [],
      verdicts: [],
      intents: [],
      outcomes: [],
      exposures: [],
    };
    state.changes[changeId] = { changeId, request: { ...said.predicate, index }, ...nothingYet };
    return { fate: 'honoured', index };
  };

  const controlPlane = createControlPlane({
    environment: 'prod',
    log: {
      sync: async () => state,
      lastKnown: () => state,
      intentLeaf: () => null,
      append: async (envelopes) => {
        happened.push('entry');
        return envelopes.map(append);
      },
      async *entries(from) {
        for (const [index, envelope] of [...appended.entries()].slice(from)) {
          const fate = { fate: 'honoured', index } as const;
          yield { index, bytes: canonicalBytes(envelope), fate, judge: judgeUnder(TRUST, verifyEd25519) };
        }
      },
    },
    bodies: {
      put: async (bytes) => {
        happened.push('body');
        const digest = digestOfBytes(bytes);
        bodies.set(digest, JSON.parse(new TextDecoder().decode(bytes)));
        return digest;
      },
      get: async () => new Uint8Array(),
    },
    factors: {
      check: async ({ code }) => {
        if (code !== '123456') throw new DomainError('NOT_PERMITTED', 'wrong');
        happened.push('second factor');
        return FACTOR;
      },
      enrol: async () => Promise.reject(new Error('not here')),
    },
    engine: {
      takeSnapshot: async () => ({ size: 0, stateDigest: digestOf('state'), index: 0 }),
      reconcile: () => Promise.reject(new Error('nobody reconciles here')),
      recover: () => Promise.reject(new Error('nobody recovers here')),
      start: async (input) => {
        happened.push('start');
        started.push(input);
      },
      status: async () => aStatus(),
      decide: async (_changeId, message, updateId) => {
        decided.push({ message, updateId });
        return { accepted: true, reasons: [], index: 9 };
      },
      command: async (_changeId, message, updateId) => {
        commanded.push({ message, updateId });
        return { accepted: true, phase: 'approval', reason: '', violations: [] };
      },
      ...engine,
    },
    readRequest: async (digest) => bodies.get(digest) as ChangeRequest,
    readPlan: async () => PLAN,
    planHere: async () => ({ plan: null, zone: null, violations: [] }),
    permissions: async (state) =>
      openPermissions({ bodies: noBodies, policyEngine: createCedarEngine() }, state),
    nowMs: () => NOW_MS,
    newNonce: () => `nonce-${happened.length}`,
  });
  return { controlPlane, state, happened, started, commanded, decided, bodies };
}

const down = async (): Promise<never> => {
  throw new PortError('ENGINE_UNAVAILABLE', 'Temporal does not answer.');
};
const unknown = async (): Promise<never> => {
  throw new DomainError('NOT_FOUND', 'The engine runs no such change.');
};

describe('submit', () => {
  it('stores the body, then records the entry, then starts the change', async () => {
    const { controlPlane, happened, started } = scene();
    expect(await controlPlane.submit('chg-1', REQUEST, person('alice'))).toEqual({
      changeId: 'chg-1',
      index: 0,
    });
    expect(happened).toEqual(['body', 'entry', 'start']);
    expect(started).toMatchObject([{ changeId: 'chg-1', environment: 'prod', requestIndex: 0 }]);
  });

  it('fills in the highest clock that it saw, unless the author named one', async () => {
    const { controlPlane, state, bodies, started } = scene();
    const version = liveVersion({ digest: null });
    state.live = {
      'dns/example.com/a/A': { ...version, clock: 4 },
      'dns/example.com/b/A': { ...version, clock: 7 },
    };
    await controlPlane.submit('chg-1', REQUEST, person('alice'));
    await controlPlane.submit('chg-2', { ...REQUEST, spec: { ...REQUEST.spec, clock: 2 } }, person('alice'));
    expect(started.map(({ requestDigest }) => bodies.get(requestDigest))).toMatchObject([
      { spec: { clock: 7 } },
      { spec: { clock: 2 } },
    ]);
  });

  it('fills in the bases of documents that the author has seen, and leaves those that the author named', async () => {
    const { controlPlane, state, bodies, started } = scene();
    const [seen, unseen, gone, named] = ['config/a/x', 'config/b/x', 'config/c/x', 'config/d/x'] as const;
    const at = (count: number, text: string | null) =>
      liveVersion({ digest: text === null ? null : digestOf(text), vector: { prod: count } });
    state.live = { [seen]: at(3, 'a'), [unseen]: at(4, 'b'), [gone]: at(2, null), [named]: at(1, 'd') };
    state.clock = { prod: 4 };
    const resources = [seen, unseen, gone, named, 'config/never/x'];
    const operations = resources.map((set) => ({ set, body: { schema: 'schema/x', value: {} } }));
    const base = { [named]: digestOf('by hand') };
    const documents = { ...REQUEST, spec: { ...REQUEST.spec, operations, base } };
    const older = { ...documents, spec: { ...documents.spec, vector: { prod: 3 } } };
    await controlPlane.submit('chg-1', documents, person('alice'));
    await controlPlane.submit('chg-2', older, person('alice'));
    await controlPlane.submit('chg-3', REQUEST, person('alice'));
    const filledIn = { [seen]: digestOf('a'), [gone]: null, 'config/never/x': null, ...base };
    const specs = started.map(({ requestDigest }) => (bodies.get(requestDigest) as ChangeRequest).spec);
    expect(specs.map((spec) => [spec.vector, spec.base])).toEqual([
      [{ prod: 4 }, { ...filledIn, [unseen]: digestOf('b') }],
      [{ prod: 3 }, filledIn],
      [{ prod: 4 }, {}],
    ]);

    // Once more, after the world has moved: still the same request.
    state.live[seen] = at(5, 'somebody else');
    state.clock = { prod: 5 };
    await controlPlane.submit('chg-1', documents, person('alice'));
    expect(started.at(-1)).toEqual(started[0]);
  });

  it('that cannot start says where it is recorded and how to go on, and resuming starts it', async () => {
    let engineIsDown = true;
    const started: ChangeInput[] = [];
    const { controlPlane } = scene({
      start: async (input) => (engineIsDown ? down() : void started.push(input)),
    });
    const submitted = controlPlane.submit('chg-1', REQUEST, person('alice'));
    await expect(submitted).rejects.toMatchObject({
      code: 'ENGINE_UNAVAILABLE',
      message: expect.stringContaining('Change chg-1 is recorded at entry 0 but has not started.'),
      details: { next: expect.stringContaining('submit --resume chg-1') },
    });
    engineIsDown = false;
    expect(await controlPlane.resume('chg-1')).toEqual({ changeId: 'chg-1', index: 0 });
    expect(started).toHaveLength(1);
  });

  it('of the same request under the same id starts it again and records nothing twice', async () => {
    const { controlPlane, happened, state, started } = scene();
    await controlPlane.submit('chg-1', REQUEST, person('alice'));
    state.live['dns/example.com/a/A'] = liveVersion({ clock: 9 });
    expect(await controlPlane.submit('chg-1', REQUEST, person('alice'))).toEqual({
      changeId: 'chg-1',
      index: 0,
    });
    expect(happened).toEqual(['body', 'entry', 'start', 'start']);
    expect(started[1]).toEqual(started[0]);
  });

  it.each(['constructor', 'valueOf'])('under the id %s is a change like any other', async (changeId) => {
    const { controlPlane, happened } = scene({ command: unknown });
    await expect(controlPlane.resume(changeId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(controlPlane.planOf(changeId)).rejects.toMatchObject({ code: 'NOT_FOUND' });
    await expect(
      controlPlane.command(changeId, { action: 'abort', reason: 'a test' }, person('alice')),
    ).rejects.toMatchObject({
      code: 'NOT_FOUND',
    });
    expect(await controlPlane.submit(changeId, REQUEST, person('alice'))).toMatchObject({ changeId });
    expect(happened).toEqual(['body', 'entry', 'start']);
  });

  it('of another request under the same id is refused', async () => {
    const { controlPlane, happened } = scene();
    await controlPlane.submit('chg-1', REQUEST, person('alice'));
    const other = requestOf([set('api', 'A', ['192.0.2.3'])]);
    await expect(controlPlane.submit('chg-1', other, person('alice'))).rejects.toMatchObject({
      code: 'NONCE_REPLAYED',
    });
    expect(happened).toEqual(['body', 'entry', 'start']);
  });

  it.each([
    ['somebody without the role', person('bob'), REQUEST, 'NOT_PERMITTED'],
    [
      'a key that is not enrolled',
      { ...person('alice'), signer: person('mallory').signer },
      REQUEST,
      'SIGNATURE_INVALID',
    ],
    ['another environment', person('alice'), inEnvironment('staging'), 'NOT_PERMITTED'],
  ])('by %s writes nothing', async (_who, author, request, code) => {
    const { controlPlane, happened } = scene();
    await expect(controlPlane.submit('chg-1', request, author)).rejects.toMatchObject({ code });
    expect(happened).toEqual([]);
  });
});

function inEnvironment(environment: string): ChangeRequest {
  return { ...REQUEST, metadata: { ...REQUEST.metadata, environment } };
}

describe('decide', () => {
  it('signs exactly the plan that was shown, for fifteen minutes, and is answered by its nonce', async () => {
    const { controlPlane, decided } = scene();
    await controlPlane.decide('chg-1', { decision: 'approve', plan: PLAN }, person('bob'));
    const [sent] = decided;
    if (!sent) throw new Error('Nothing was sent.');
    const said = openEnvelope(sent.message.approval);
    const expected: ApprovalPredicate = {
      changeId: 'chg-1',
      environment: 'prod',
      approver: 'bob',
      decision: 'approve',
      planDigest: digestOf(PLAN),
      nonce: sent.updateId,
      issuedAt: new Date(NOW_MS).toISOString(),
      expiresAt: new Date(NOW_MS + 15 * 60_000).toISOString(),
    };
    expect(said.predicate).toEqual(expected);
  });

  it('where a second factor is asked for sends nothing without one, or with a wrong one', async () => {
    const { controlPlane, decided } = scene({}, STRICT);
    const approve = (code?: string) =>
      controlPlane.decide(
        'chg-1',
        { decision: 'approve', plan: PLAN, ...(code ? { code } : {}) },
        person('bob'),
      );
    expect(controlPlane.asksSecondFactor(PLAN)).toBe(true);
    await expect(approve()).rejects.toMatchObject({
      code: 'NOT_PERMITTED',
      details: { violations: [{ rule: 'second-factor' }] },
    });
    await expect(approve('000000')).rejects.toMatchObject({ code: 'NOT_PERMITTED', message: 'wrong' });
    expect(decided).toEqual([]);
    await approve('123456');
    expect(decided).toMatchObject([{ message: { mfa: FACTOR } }]);
    // A no can only stop.
    await controlPlane.decide('chg-1', { decision: 'reject', plan: PLAN }, person('bob'));
    expect(decided[1]?.message).not.toHaveProperty('mfa');
  });

  it('a command is signed for this change alone, and sent under its nonce', async () => {
    const { controlPlane, commanded } = scene();
    await controlPlane.command('chg-1', { action: 'pause', reason: 'an incident' }, person('bob'));
    const [sent] = commanded;
    if (!sent) throw new Error('nothing was sent');
    expect(openEnvelope(sent.message.command).predicate).toEqual({
      changeId: 'chg-1',
      environment: 'prod',
      person: 'bob',
      action: 'pause',
      reason: 'an incident',
      nonce: sent.updateId,
      issuedAt: new Date(NOW_MS).toISOString(),
      expiresAt: new Date(NOW_MS + 15 * 60_000).toISOString(),
    });
    const stranger = controlPlane.command('chg-1', { action: 'pause', reason: '' }, person('eve'));
    await expect(stranger).rejects.toMatchObject({ code: 'SIGNATURE_INVALID' });
  });

  it('on a change that is over says so, from the log', async () => {
    const { controlPlane, state } = scene({ decide: unknown, command: unknown });
    state.ended['chg-1'] = { status: 'committed', index: 20 };
    const approval = controlPlane.decide('chg-1', { decision: 'approve', plan: PLAN }, person('bob'));
    await expect(approval).rejects.toMatchObject({ code: 'ALREADY_ENDED' });
    const abort = controlPlane.command('chg-1', { action: 'abort', reason: 'late' }, person('bob'));
    await expect(abort).rejects.toMatchObject({ code: 'ALREADY_ENDED' });
    await expect(controlPlane.planOf('chg-1')).rejects.toMatchObject({ code: 'ALREADY_ENDED' });
  });
});

describe('status', () => {
  it('comes from the log when the engine does not answer, and says so', async () => {
    const { controlPlane } = scene({ status: down });
    await controlPlane.submit('chg-1', REQUEST, person('alice'));
    expect(await controlPlane.status('chg-1')).toMatchObject({
      phase: 'submitted',
      author: 'alice',
      reason: REQUEST.metadata.reason,
      waitingFor: { what: expect.stringContaining('Temporal does not answer.') },
    });
  });

  it('of a recorded change that never started says how to start it', async () => {
    const { controlPlane } = scene({ status: unknown });
    await controlPlane.submit('chg-1', REQUEST, person('alice'));
    const { waitingFor } = await controlPlane.status('chg-1');
    expect(waitingFor?.who).toContain('submit --resume chg-1');
  });

  it('of a change that nobody knows is an error', async () => {
    const { controlPlane } = scene({ status: unknown });
    await expect(controlPlane.status('chg-1')).rejects.toMatchObject({ code: 'NOT_FOUND' });
  });
});
