import { describe, expect, it } from 'vitest';
import { groupDigest } from '../../../domain/kinds/dns.ts';
import type { LogState } from '../../../domain/log/state.ts';
import { whyUnexplained } from '../../../domain/reconcile/explain-fence.ts';
import {
  type Finding,
  judgeEnvironment,
  type RunState,
  type ZoneReading,
} from '../../../domain/reconcile/judge-environment.ts';
import { record } from '../../support/dns-plans.ts';
import { createMemoryWorld } from '../../support/memory-world.ts';
import { API, AT, CHANGE, envelopeOf, type PlainType, sampleMove, ZONE } from '../../support/sample-log.ts';

const LATER_MS = Date.parse(AT) + 3_600_000;
const ADDRESS = record('api', 'A', ['192.0.2.1']);

type Step = [type: PlainType, change?: object];

const REQUESTED: Step[] = [['trust'], ['request']];
/** The intent is entry 3. */
const INTENDED: Step[] = [...REQUESTED, ['plan'], ['intent']];
const OUTCOME: Step = ['outcome', { intentIndex: 3, fence: '3' }];
const COMMIT: Step = ['commit', { moves: [sampleMove({ to: groupDigest([ADDRESS]) })] }];

async function stateOf(steps: readonly Step[]): Promise<LogState> {
  const world = createMemoryWorld(ZONE);
  for (const [type, change] of steps) {
    const said = type === 'trust' ? { document: world.trust } : change;
    await world.append(await envelopeOf(type, said));
  }
  return world.log.lastKnown();
}

function reading(fence: string | null, recordSets = [ADDRESS]): ZoneReading {
  return { zone: ZONE, state: { zone: ZONE, fence, recordSets, opaque: [] } };
}

async function found(
  steps: readonly Step[],
  input: { run?: RunState; zone?: ZoneReading; nowMs?: number },
): Promise<Finding[]> {
  const { run, zone, nowMs = LATER_MS } = input;
  return judgeEnvironment({
    state: await stateOf(steps),
    runs: run === undefined ? {} : { [CHANGE]: run },
    zones: zone === undefined ? [] : [zone],
    nowMs,
  });
}

const named = (findings: readonly Finding[]) =>
  findings.map(({ rule, subject, action }) => [rule, subject, action]);

describe('the run of an open change', () => {
  it('that runs is no finding, nor one that was not asked for', async () => {
    expect(await found(INTENDED, { run: 'running' })).toEqual([]);
    expect(await found(INTENDED, {})).toEqual([]);
  });

  it.each(['completed', 'failed', 'terminated', 'timed-out', 'cancelled'] as const)(
    'that is %s is started again at once',
    async (run) => {
      const findings = await found(INTENDED, { run, nowMs: Date.parse(AT) });
      expect(named(findings)).toEqual([['lost-run', CHANGE, 'restart']]);
      expect(findings[0]?.message).toContain(`stage 1% of intent 3 may be live in ${ZONE}`);
    },
  );

  it('that nobody started has a minute to start by itself, unless the engine was lost since', async () => {
    const minute = Date.parse(AT) + 60_000;
    expect(await found(REQUESTED, { run: 'unknown', nowMs: minute - 1 })).toEqual([]);
    const findings = await found(REQUESTED, { run: 'unknown', nowMs: minute });
    expect(named(findings)).toEqual([['lost-run', CHANGE, 'restart']]);
    expect(findings[0]?.message).toContain('It begins again');
    const recovered = await found([...REQUESTED, ['recovery']], { run: 'unknown', nowMs: Date.parse(AT) });
    expect(named(recovered)).toEqual([['lost-run', CHANGE, 'restart']]);
  });

  it('that something else took the id of is started again', async () => {
    expect(named(await found(REQUESTED, { run: 'foreign' }))).toEqual([['foreign-run', CHANGE, 'restart']]);
  });

  it('says which canary of documents is left', async () => {
    const documents = { resources: ['config/payments'], zone: null };
    const findings = await found(
      [
        ['trust'],
        ['request', { resources: ['config/payments'] }],
        ['plan', documents],
        ['intent', { zone: null }],
        [
          'commit',
          {
            zone: null,
            rollout: { stage: '10%', percent: 10, zones: [] },
            moves: [sampleMove({ resource: 'config/payments', version: '1.0.0' })],
          },
        ],
      ],
      { run: 'terminated' },
    );
    expect(findings.map(({ message }) => message)).toEqual([
      expect.stringContaining('its canary of config/payments is exposed at 10%'),
    ]);
  });
});

describe('an intent without an outcome', () => {
  it('is settled once its fence, or a newer one, is live', async () => {
    const findings = await found(INTENDED, { run: 'running', zone: reading('3') });
    expect(named(findings)).toEqual([['missing-outcome', CHANGE, 'settle']]);
    expect(findings[0]?.zone).toBe(ZONE);
  });

  it('is left alone while it may be in flight, and in its first minute', async () => {
    expect(await found(INTENDED, { run: 'running', zone: reading(null) })).toEqual([]);
    const fresh = { run: 'running', zone: reading('3'), nowMs: Date.parse(AT) + 59_999 } as const;
    expect(await found(INTENDED, fresh)).toEqual([]);
    expect(await found(INTENDED, { ...fresh, nowMs: fresh.nowMs + 1 })).toHaveLength(1);
  });

  it('is not one that has its outcome', async () => {
    expect(await found([...INTENDED, OUTCOME], { run: 'running', zone: reading('3') })).toEqual([]);
  });
});

describe('a live fence', () => {
  const RAISED: Step[] = [
    ['trust'],
    ['recovery'],
    ['fence', { expectedFence: '0.r7', cause: { type: 'recovery', index: 1 } }],
  ];
  it.each<[string, Step[], string | null]>([
    ['none where none was ever written', REQUESTED, null],
    ['of an intent under way', INTENDED, '3'],
    ['none while the first intent is under way', INTENDED, null],
    ['of a rollback under way', INTENDED, '3.r3'],
    ['of a rollback in a zone that had no fence', INTENDED, '0.r3'],
    ['that an outcome found', [...INTENDED, OUTCOME], '3'],
    ['of a change that has ended', [...INTENDED, OUTCOME, COMMIT], '3'],
    ['that was raised', RAISED, '2'],
    ['that is about to be raised', RAISED, '0.r7'],
  ])('is explained: %s', async (_, steps, fence) => {
    expect(whyUnexplained(ZONE, fence, await stateOf(steps))).toBeNull();
  });

  it.each<[string, Step[], string | null, RegExp]>([
    ['of an entry that is no intent', INTENDED, '2', /no entry explains its fence 2/],
    ['of an entry that does not exist', [...INTENDED, OUTCOME, COMMIT], '99', /the log left 3/],
    ['older than what an outcome found', [...INTENDED, OUTCOME, COMMIT], '1', /no entry explains/],
    ['of a rollback that nobody ordered', [...INTENDED, OUTCOME, COMMIT], '3.r3', /no entry explains/],
    ['of a rollback on a fence that nobody wrote', INTENDED, '2.r3', /no entry explains/],
    ['that is gone', [...INTENDED, OUTCOME], null, /its fence is gone; the log left 3/],
    ['that is gone after it was raised', RAISED, null, /its fence is gone/],
    ['that no program writes', INTENDED, 'v=spf1', /not one that this product writes/],
  ])('is not explained: %s', async (_, steps, fence, why) => {
    const state = await stateOf(steps);
    expect(whyUnexplained(ZONE, fence, state)).toMatch(why);
    const findings = judgeEnvironment({ state, runs: {}, zones: [reading(fence)], nowMs: LATER_MS });
    expect(named(findings)).toEqual([['unexplained-fence', ZONE, 'hold']]);
  });

  it('of another zone’s intent is not explained', async () => {
    expect(whyUnexplained('example.org', '3', await stateOf(INTENDED))).toMatch(/no entry explains/);
  });
});

describe('live records', () => {
  const COMMITTED = [...INTENDED, OUTCOME, COMMIT];
  const edited = record('api', 'A', ['203.0.113.9']);

  it('as the log committed them are no finding', async () => {
    expect(await found(COMMITTED, { zone: reading('3') })).toEqual([]);
  });

  it.each([
    ['edited', [edited]],
    ['deleted', []],
  ])('that somebody %s are told, with the change that committed them, and not put back', async (_, sets) => {
    const findings = await found(COMMITTED, { zone: reading('3', sets) });
    expect(named(findings)).toEqual([['changed-out-of-band', API, 'hold']]);
    expect(findings[0]?.message).toContain(`as change ${CHANGE} committed it at entry 5`);
  });

  it('are told beside a fence that nobody explains', async () => {
    expect(named(await found(COMMITTED, { zone: reading('4', [edited]) }))).toEqual([
      ['unexplained-fence', ZONE, 'hold'],
      ['changed-out-of-band', API, 'hold'],
    ]);
  });

  it('that a change under way may be writing are its own to judge', async () => {
    const next = { changeId: 'chg-2' };
    const steps: Step[] = [...COMMITTED, ['request', next], ['plan', next]];
    steps.push(['intent', { ...next, expectedFence: '3' }]);
    expect(await found(steps, { zone: reading('3', [edited]) })).toEqual([]);
  });

  it('that could not be read are said to be unread', async () => {
    const zone: ZoneReading = { zone: ZONE, state: null, why: 'Route 53 did not answer.' };
    const findings = await found(COMMITTED, { zone });
    expect(named(findings)).toEqual([['unread-zone', ZONE, 'hold']]);
    expect(findings[0]?.message).toContain('Route 53 did not answer.');
  });
});
