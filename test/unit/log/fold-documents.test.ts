import { describe, expect, test } from 'vitest';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import type { Move, Predicates, Rollout } from '../../../domain/evidence/statements.ts';
import { createFold, type Fold } from '../../../domain/log/fold.ts';
import type { EntryFate, LogState } from '../../../domain/log/state.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import {
  API,
  CHANGE,
  ENVIRONMENT,
  entryOf,
  type PlainType,
  sampleMove,
  signedTrust,
} from '../../support/sample-log.ts';

const trust = signedTrust();
const verify = verifyEd25519;
const PAYMENTS = 'config/payments/timeouts';
const SCHEMA = 'schema/timeouts';

const ONE_PERCENT: Rollout = { stage: '1%', percent: 1, zones: [] };
const HALF: Rollout = { stage: '50%', percent: 50, zones: [] };
const WITHDRAWN: Rollout = { stage: '1%', percent: 0, zones: [] };

/** One change of documents and what its entries say. */
interface Change {
  changeId: string;
  moves: Move[];
}

function versionOf(resource: string, version: string, move: Partial<Move> = {}): Move {
  return sampleMove({
    resource,
    to: digestOf(`${resource} ${version}`),
    version,
    versionDigest: digestOf(`statement of ${resource} ${version}`),
    clock: 3,
    ...move,
  });
}

const BATCH: Change = {
  changeId: CHANGE,
  moves: [versionOf(PAYMENTS, '1.0.0', { dependsOn: [`${SCHEMA}@^1`] }), versionOf(SCHEMA, '1.0.0')],
};

class Scene {
  readonly fold: Fold = createFold({ environment: ENVIRONMENT, trust, verify });

  get state(): LogState {
    return this.fold.state;
  }

  async say<T extends PlainType>(
    type: T,
    about: Partial<Predicates[T]>,
    holder?: string,
  ): Promise<EntryFate> {
    return this.fold.apply(await entryOf(type, about, holder));
  }

  /** Up to its plan, or its first intent. */
  async open({ changeId, moves }: Change, until: 'planned' | 'intended' = 'intended'): Promise<void> {
    const planDigest = digestOf(`plan of ${changeId}`);
    const resources = moves.map(({ resource }) => resource);
    await this.say('request', { changeId, nonce: changeId, resources });
    await this.say('plan', { changeId, planDigest, resources, zone: null });
    if (until === 'planned') return;
    const intent = await this.say('intent', { changeId, planDigest, zone: null, stage: '1%' });
    expect(intent).toMatchObject({ fate: 'honoured' });
  }

  commit({ changeId, moves }: Change, rollout: Rollout | null = null): Promise<EntryFate> {
    return this.say('commit', {
      changeId,
      planDigest: digestOf(`plan of ${changeId}`),
      zone: null,
      moves,
      rollout,
    });
  }

  async made(change: Change): Promise<void> {
    await this.open(change);
    expect(await this.commit(change)).toMatchObject({ fate: 'honoured' });
  }
}

async function opened(): Promise<Scene> {
  const scene = new Scene();
  await scene.open(BATCH);
  return scene;
}

describe('a commit', () => {
  test('makes versions live, with what they replaced and what they are after', async () => {
    const scene = await opened();
    expect(await scene.commit(BATCH)).toEqual({ fate: 'honoured', index: 3 });
    const next = versionOf(PAYMENTS, '1.1.0', {
      from: digestOf(`${PAYMENTS} 1.0.0`),
      vector: { prod: 1, staging: 4 },
    });
    await scene.made({ changeId: 'chg-2', moves: [next] });
    expect(scene.state.live[PAYMENTS]).toEqual({
      digest: next.to,
      version: '1.1.0',
      versionDigest: next.versionDigest,
      parent: digestOf(`${PAYMENTS} 1.0.0`),
      clock: 3,
      vector: { prod: 2, staging: 4 },
      dependsOn: [],
      changeId: 'chg-2',
      index: 7,
      canary: null,
    });
    expect(scene.state.live[SCHEMA]).toMatchObject({ vector: { prod: 1 }, parent: null, index: 3 });
    expect(scene.state.clock).toEqual({ prod: 2, staging: 4 });
    await scene.made({ changeId: 'chg-3', moves: [versionOf('switch/trading', '1.0.0')] });
    expect(scene.state.clock).toEqual({ prod: 3, staging: 4 });
  });

  test('counts among the recent ones without a zone, and leaves no fence', async () => {
    const scene = await opened();
    expect(scene.state.fenceChain).toEqual({});
    await scene.commit(BATCH);
    expect(scene.state.recentCommits).toMatchObject([{ zone: null, resources: [PAYMENTS, SCHEMA] }]);
  });

  test('of DNS records counts in the clock too', async () => {
    const scene = new Scene();
    await scene.say('request', {});
    await scene.say('plan', {});
    expect(await scene.say('commit', {})).toMatchObject({ fate: 'honoured' });
    expect(scene.state.clock).toEqual({ prod: 1 });
    expect(scene.state.live[API]).toMatchObject({ version: null, vector: { prod: 1 } });
  });

  test('counts once: the retry is a duplicate, an exposure after it is void', async () => {
    const scene = await opened();
    await scene.commit(BATCH);
    expect(await scene.commit(BATCH)).toMatchObject({ fate: 'duplicate', firstIndex: 3 });
    expect(await scene.commit(BATCH, HALF)).toMatchObject({ fate: 'void', code: 'ALREADY_ENDED' });
  });
});

describe('an exposure', () => {
  test('hangs the whole batch beside what is live, and leaves the change open', async () => {
    const scene = new Scene();
    await scene.made({ changeId: 'chg-0', moves: [versionOf(PAYMENTS, '0.9.0')] });
    const from = digestOf(`${PAYMENTS} 0.9.0`);
    const batch = {
      ...BATCH,
      moves: BATCH.moves.map((one) => (one.resource === PAYMENTS ? { ...one, from } : one)),
    };
    await scene.open(batch);
    expect(await scene.commit(batch, ONE_PERCENT)).toEqual({ fate: 'honoured', index: 7 });
    const arm = { percent: 1, zones: [], changeId: CHANGE, index: 7, version: '1.0.0' };
    expect(scene.state.live).toMatchObject({
      [PAYMENTS]: {
        digest: from,
        version: '0.9.0',
        canary: { ...arm, digest: digestOf(`${PAYMENTS} 1.0.0`) },
      },
      [SCHEMA]: { digest: null, version: null, canary: { ...arm, digest: digestOf(`${SCHEMA} 1.0.0`) } },
    });
    expect(scene.state.changes[CHANGE]?.exposures).toMatchObject([{ index: 7, rollout: ONE_PERCENT }]);
    expect(scene.state.clock).toEqual({ prod: 1 });
  });

  test('gives way to a later one of the same change, and to the commit', async () => {
    const scene = await opened();
    await scene.commit(BATCH, ONE_PERCENT);
    await scene.commit(BATCH, { stage: 'us-east-1a', percent: 0, zones: ['us-east-1a'] });
    expect(scene.state.live[SCHEMA]?.canary).toMatchObject({ percent: 0, zones: ['us-east-1a'], index: 4 });
    expect(await scene.commit(BATCH)).toMatchObject({ fate: 'honoured' });
    expect(scene.state.live[SCHEMA]).toMatchObject({ version: '1.0.0', canary: null });
  });

  test('counts once for each stage, and its withdrawal beside it', async () => {
    const scene = await opened();
    const fates = [
      await scene.commit(BATCH, ONE_PERCENT),
      await scene.commit(BATCH, { ...ONE_PERCENT, percent: 2 }),
      await scene.commit(BATCH, HALF),
      await scene.commit(BATCH, WITHDRAWN),
      await scene.commit(BATCH, WITHDRAWN),
    ];
    expect(fates.map(({ fate }) => fate)).toEqual([
      'honoured',
      'duplicate',
      'honoured',
      'honoured',
      'duplicate',
    ]);
  });

  test('needs the reservation, which comes with an intent', async () => {
    const scene = new Scene();
    await scene.open(BATCH, 'planned');
    expect(await scene.commit(BATCH, ONE_PERCENT)).toMatchObject({ fate: 'void', code: 'RESERVED' });
    expect(await scene.commit(BATCH)).toMatchObject({ fate: 'void', code: 'RESERVED' });
  });

  test('is not for DNS records', async () => {
    const scene = new Scene();
    await scene.say('request', {});
    await scene.say('plan', {});
    await scene.say('intent', {});
    expect(await scene.say('commit', { rollout: ONE_PERCENT })).toMatchObject({ fate: 'inert' });
  });

  test('of a removal gives its consumers nothing', async () => {
    const scene = new Scene();
    await scene.made({ changeId: 'chg-0', moves: [versionOf(PAYMENTS, '1.0.0')] });
    const removal = sampleMove({
      resource: PAYMENTS,
      clock: 3,
      from: digestOf(`${PAYMENTS} 1.0.0`),
      to: null,
    });
    const change = { changeId: 'chg-2', moves: [removal] };
    await scene.open(change);
    await scene.commit(change, HALF);
    expect(scene.state.live[PAYMENTS]).toMatchObject({
      version: '1.0.0',
      canary: { digest: null, version: null },
    });
  });
});

describe('a withdrawal', () => {
  test('leaves the live versions as if nothing had been exposed', async () => {
    const scene = new Scene();
    await scene.made({ changeId: 'chg-0', moves: [versionOf(PAYMENTS, '0.9.0')] });
    const moves = BATCH.moves.map((one) => ({
      ...one,
      from: scene.state.live[one.resource]?.digest ?? null,
    }));
    const before = structuredClone(scene.state.live);
    await scene.open({ ...BATCH, moves });
    await scene.commit({ ...BATCH, moves }, ONE_PERCENT);
    await scene.commit({ ...BATCH, moves }, HALF);
    expect(await scene.commit({ ...BATCH, moves }, WITHDRAWN)).toMatchObject({ fate: 'honoured' });
    expect(scene.state.live).toEqual(before);
  });

  test('is for good: what was still on its way is void', async () => {
    const scene = await opened();
    await scene.commit(BATCH, WITHDRAWN);
    expect(await scene.commit(BATCH, ONE_PERCENT)).toMatchObject({ fate: 'void', code: 'ALREADY_ENDED' });
    expect(await scene.commit(BATCH)).toMatchObject({ fate: 'void', code: 'ALREADY_ENDED' });
  });

  test('is what the end of an exposed change waits for', async () => {
    const scene = await opened();
    const end = () => scene.say('end', { status: 'rolled-back' });
    await scene.commit(BATCH, ONE_PERCENT);
    expect(await end()).toMatchObject({ fate: 'void', code: 'ROLLBACK_INCOMPLETE' });
    await scene.commit(BATCH, WITHDRAWN);
    expect(await end()).toMatchObject({ fate: 'honoured' });
    expect(scene.state.reservations).toEqual({});
  });

  test('an intent that exposed nothing needs none', async () => {
    expect(await (await opened()).say('end', {})).toMatchObject({ fate: 'honoured' });
  });
});

describe('a freeze', () => {
  const FROZEN = { fate: 'void', code: 'FROZEN' };
  const byZone = (zone: string): Rollout => ({ stage: zone, percent: 0, zones: [zone] });

  test('of the environment stops exposures and commits, and no way back', async () => {
    const scene = await opened();
    await scene.commit(BATCH, ONE_PERCENT);
    await scene.say('freeze', {});
    expect(await scene.commit(BATCH, HALF)).toMatchObject(FROZEN);
    expect(await scene.commit(BATCH)).toMatchObject(FROZEN);
    expect(await scene.commit(BATCH, WITHDRAWN)).toMatchObject({ fate: 'honoured' });
  });

  test('of one availability zone stops what is not confined to others', async () => {
    const scene = await opened();
    await scene.say('freeze', { scope: { az: 'us-east-1a' } });
    expect(await scene.commit(BATCH, ONE_PERCENT)).toMatchObject(FROZEN);
    expect(await scene.commit(BATCH, { ...byZone('us-east-1b'), percent: 100 })).toMatchObject(FROZEN);
    expect(await scene.commit(BATCH)).toMatchObject(FROZEN);
    expect(await scene.commit(BATCH, byZone('us-east-1a'))).toMatchObject(FROZEN);
    expect(await scene.commit(BATCH, byZone('us-east-1b'))).toMatchObject({ fate: 'honoured' });
  });
});

describe('preconditions at the index', () => {
  test('a clock that goes back counts for nothing, and nothing of it is live', async () => {
    const scene = new Scene();
    await scene.made({ changeId: 'chg-0', moves: [versionOf(PAYMENTS, '1.0.0')] });
    const from = scene.state.live[PAYMENTS]?.digest ?? null;
    const next = (clock: number) => ({
      changeId: CHANGE,
      moves: [versionOf(PAYMENTS, '1.1.0', { from, clock })],
    });
    await scene.open(next(2));
    const fate = { fate: 'inert', reason: `its clock goes back: ${PAYMENTS} is live with 3, and it says 2` };
    expect(await scene.commit(next(2), HALF)).toMatchObject(fate);
    expect(await scene.commit(next(2))).toMatchObject(fate);
    expect(scene.state.live[PAYMENTS]).toMatchObject({ version: '1.0.0', canary: null });
    expect(await scene.commit(next(4))).toMatchObject({ fate: 'honoured' });
  });

  const only = (changeId: string, move: Move): Change => ({ changeId, moves: [move] });
  const MISSING = { fate: 'void', code: 'DEPENDENCY_MISSING' };

  test.each<[string, Change]>([
    ['of another base', only('chg-2', versionOf(PAYMENTS, '2.0.0', { from: digestOf('old') }))],
    ['of a base that is gone', only('chg-2', versionOf('config/new/x', '2.0.0', { from: digestOf('old') }))],
  ])('an exposure and a commit %s are stale', async (_, change) => {
    const scene = new Scene();
    await scene.made(BATCH);
    await scene.open(change);
    expect(await scene.commit(change, HALF)).toMatchObject({ fate: 'void', code: 'STALE_BASE' });
    expect(await scene.commit(change)).toMatchObject({ fate: 'void', code: 'STALE_BASE' });
  });

  test('a batch moves all of its plan or nothing', async () => {
    const scene = await opened();
    const half = { ...BATCH, moves: BATCH.moves.slice(0, 1) };
    for (const rollout of [ONE_PERCENT, WITHDRAWN, null]) {
      expect(await scene.commit(half, rollout)).toMatchObject({ fate: 'inert' });
    }
  });

  test('nobody has seen commits that do not exist', async () => {
    const scene = new Scene();
    const change = only(CHANGE, versionOf(PAYMENTS, '1.0.0', { vector: { prod: 1 } }));
    await scene.open(change);
    expect(await scene.commit(change)).toMatchObject({ fate: 'inert' });
  });

  test('a dependency must be live in a version that will do', async () => {
    const scene = new Scene();
    await scene.made(only('chg-0', versionOf(SCHEMA, '1.4.0')));
    const user = (changeId: string, range: string) =>
      only(changeId, versionOf(PAYMENTS, '1.0.0', { dependsOn: [`${SCHEMA}@${range}`] }));
    await scene.open(user('chg-2', '^2'));
    expect(await scene.commit(user('chg-2', '^2'), HALF)).toMatchObject(MISSING);
    expect(await scene.commit(user('chg-2', 'rubbish'))).toMatchObject(MISSING);
    expect(await scene.commit(user('chg-2', '^1.4'))).toMatchObject({ fate: 'honoured' });
  });

  test('a canary arm is not live yet', async () => {
    const scene = new Scene();
    const schema = only(CHANGE, versionOf(SCHEMA, '1.0.0'));
    await scene.open(schema);
    await scene.commit(schema, HALF);
    const user = only('chg-2', versionOf(PAYMENTS, '1.0.0', { dependsOn: [SCHEMA] }));
    await scene.open(user);
    expect(await scene.commit(user)).toMatchObject(MISSING);
  });

  test('what live resources need neither goes nor leaves their range, however it came there', async () => {
    const scene = new Scene();
    await scene.made(BATCH);
    const from = digestOf(`${SCHEMA} 1.0.0`);
    const next = (changeId: string, move: Partial<Move>) =>
      only(changeId, versionOf(SCHEMA, move.version ?? '1.0.0', { from, ...move }));
    const gone = next('chg-2', { to: null, version: null, versionDigest: null });
    await scene.open(gone);
    expect(await scene.commit(gone)).toMatchObject({ ...MISSING, reason: expect.stringContaining(PAYMENTS) });
    expect(await scene.commit(next('chg-2', { version: '2.0.0' }), HALF)).toMatchObject(MISSING);
    // The same from a snapshot: what the fold keeps beside the state is made anew.
    const again = createFold({ environment: ENVIRONMENT, trust, verify, from: scene.state });
    const planDigest = digestOf('plan of chg-2');
    const entry = { changeId: 'chg-2', planDigest, zone: null, moves: gone.moves };
    expect(again.apply(await entryOf('commit', entry))).toMatchObject(MISSING);
    expect(await scene.commit(next('chg-2', { version: '1.1.0' }))).toMatchObject({ fate: 'honoured' });
  });

  test('two changes that close a circle together: the second is void', async () => {
    const scene = new Scene();
    const [a, b] = ['config/a/x', 'config/b/x'];
    await scene.made({ changeId: 'chg-0', moves: [versionOf(a, '1.0.0'), versionOf(b, '1.0.0')] });
    const edge = (changeId: string, from: string, to: string) =>
      only(changeId, versionOf(from, '1.1.0', { from: digestOf(`${from} 1.0.0`), dependsOn: [`${to}@^1`] }));
    const [first, second] = [edge('chg-1', a, b), edge('chg-2', b, a)];
    await scene.open(first);
    await scene.open(second);
    expect(await scene.commit(first)).toMatchObject({ fate: 'honoured' });
    expect(await scene.commit(second)).toMatchObject({
      fate: 'void',
      code: 'CYCLE',
      reason: expect.stringContaining(`${b} → ${a} → ${b}`),
    });
  });
});

test('a version statement is a body: as an entry it is inert', async () => {
  expect(await new Scene().say('version', {})).toMatchObject({ fate: 'inert' });
});
