import { describe, expect, it } from 'vitest';
import { type AssessInput, assess } from '../../../client/assess.ts';
import type { ChangeStory } from '../../../client/audit/timeline.ts';
import type { AutomationStatus, ScopeStatus } from '../../../client/brakes.ts';
import { assessmentText } from '../../../client/cli/assess-text.ts';
import { plain } from '../../../client/cli/style.ts';
import { liveVersion } from '../../support/dns-plans.ts';
import { aStatus } from './a-status.ts';

const AT = '2026-03-01T12:00:00.000Z';
const NOW_MS = Date.parse('2026-03-01T12:01:00.000Z');
const RECORD = 'dns/example.com/api/A';
const CONFIG = 'config/payments/timeouts';

const frozen = (parts: Partial<ScopeStatus> = {}): ScopeStatus => ({
  ...{ scope: null, state: 'frozen', index: 20, operator: 'carol', reason: 'incident 812', at: AT },
  ...{ hard: false, rollBack: false, holds: [], gradual: null },
  zones: [{ zone: 'example.com', fence: '21', effective: true }],
  ...parts,
});
const automation = (...scopes: ScopeStatus[]): AutomationStatus => ({
  ...{ environment: 'prod', unreadable: null, scopes },
  state: scopes.find(({ scope }) => scope === null)?.state ?? 'active',
});
const story = (changeId: string, resource: string, index: number): ChangeStory => ({
  ...{ changeId, author: 'alice', resources: [resource], requestedAt: AT, requestIndex: index - 5 },
  ...{ planDigest: null, votes: [], steps: [] },
  decisions: [{ approver: 'bob', decision: 'approve', accepted: true, at: AT, index: index - 1 }],
  ended: { status: 'committed', at: AT, index },
});
const input = (parts: Partial<AssessInput> = {}): AssessInput => ({
  ...{ environment: 'prod', nowMs: NOW_MS, resource: null, engineAway: null },
  state: { size: 30, live: {} },
  automation: automation(),
  ...{ statuses: [], stories: [], moves: [], drift: [] },
  ...parts,
});

const [, baking] = aStatus().stages;
const failed = aStatus({
  stages: [
    {
      name: '50%',
      percent: 50,
      state: 'failed',
      intentIndex: 12,
      verdict: { verdict: 'fail', reasons: ['9 errors'] },
    },
  ],
});
const drifted = {
  ...{ rule: 'changed-out-of-band', subject: RECORD },
  ...{ message: 'Somebody edited it elsewhere.', remedy: 'Submit a change.' },
};

describe('an assessment', () => {
  it('says of an open change what may be live, why it waits and who can unblock it', () => {
    const held = aStatus({ held: { why: 'no data', next: 'Continue, or abort.' }, changeId: 'chg-2' });
    const waiting = aStatus({
      waitingFor: { what: '1 more approval', who: 'bob' },
      changeId: 'chg-3',
      // Not ordered yet: it waits for its turn.
      stages: [{ name: '1%', percent: 1, state: 'applying' }],
    });
    const { changes } = assess(input({ statuses: [aStatus(), held, waiting] }));
    expect(changes.map(({ changeId, stage, waits }) => [changeId, stage, waits])).toEqual([
      ['chg-1', '50%', null],
      ['chg-2', '50%', { why: 'no data', who: 'Continue, or abort.' }],
      ['chg-3', null, { why: '1 more approval', who: 'bob' }],
    ]);
  });

  it('says which freeze holds a change that does not say so itself', () => {
    const { changes } = assess(
      input({ statuses: [aStatus()], automation: automation(frozen({ holds: ['chg-1'] })) }),
    );
    expect(changes[0]?.waits).toEqual({
      why: 'frozen since entry 20 by carol: incident 812',
      who: 'an operator: automation resume',
    });
  });

  it('counts the newest verdict on what is live, and no older one', () => {
    const verdict = { verdict: 'inconclusive' as const, reasons: ['too few samples'] };
    const unsure = aStatus({ stages: [{ name: '1%', percent: 1, state: 'inconclusive', verdict }] });
    const recovered = aStatus({
      stages: [
        { name: '1%', percent: 1, state: 'inconclusive', verdict },
        { name: '50%', percent: 50, state: 'passed', verdict: { verdict: 'pass', reasons: [] } },
      ],
    });
    expect(assess(input({ statuses: [unsure] })).anomalies).toEqual([
      { changeId: 'chg-1', stage: '1%', ...verdict },
    ]);
    expect(assess(input({ statuses: [recovered] })).anomalies).toEqual([]);
  });

  it('lists what part of the consumers have', () => {
    const digest = null;
    const canary = {
      ...{ digest, version: '1.1.0', versionDigest: null, changeId: 'chg-1', index: 7 },
      ...{ percent: 50, zones: [] },
    };
    const live = { [CONFIG]: { ...liveVersion({ digest }), canary }, [RECORD]: liveVersion({ digest }) };
    expect(assess(input({ state: { size: 9, live } })).exposures).toEqual([
      { resource: CONFIG, changeId: 'chg-1', version: '1.1.0', percent: 50, zones: [], index: 7 },
    ]);
  });

  it('names the last changes to what is affected, newest first, with their way back', () => {
    const { resources } = assess(
      input({
        statuses: [aStatus()],
        stories: [story('chg-a', RECORD, 8), story('chg-b', CONFIG, 12), story('chg-c', RECORD, 18)],
        moves: [
          { resource: RECORD, changeId: 'chg-a', index: 8 },
          { resource: CONFIG, changeId: 'chg-b', index: 12 },
          { resource: RECORD, changeId: 'chg-c', index: 18 },
        ],
      }),
    );
    const last = { author: 'alice', approvedBy: ['bob'], state: 'committed', at: AT };
    expect(resources).toEqual([
      {
        resource: RECORD,
        changes: [
          { changeId: 'chg-c', ...last, index: 18, wayBack: `resilience-ctl revert ${RECORD} --to entry:8` },
          { changeId: 'chg-a', ...last, index: 8, wayBack: null },
        ],
      },
    ]);
  });

  it('of a quiet environment names what changed last', () => {
    const moves = [RECORD, CONFIG, RECORD].map((resource, index) => ({ resource, changeId: 'chg-a', index }));
    const { resources } = assess(input({ moves }));
    expect(resources.map(({ resource }) => resource)).toEqual([RECORD, CONFIG]);
  });

  it('of one resource leaves out the others', () => {
    const other = aStatus({ changeId: 'chg-2', resources: [CONFIG] });
    const zone = { ...drifted, subject: 'example.com' };
    const found = assess(
      input({ resource: RECORD, statuses: [aStatus(), other], drift: [zone, { ...zone, subject: CONFIG }] }),
    );
    expect(found.changes.map(({ changeId }) => changeId)).toEqual(['chg-1']);
    expect(found.drift).toEqual([zone]);
    expect(found.resources.map(({ resource }) => resource)).toEqual([RECORD]);
  });
});

describe('the next step', () => {
  const back = 'resilience-ctl abort chg-1 --reason TEXT';
  it.each<[string, Partial<AssessInput>, string, string | null]>([
    ['of a quiet environment is nothing', {}, 'none', null],
    ['is a freeze when a verdict is bad', { statuses: [failed] }, 'freeze', 'automation freeze'],
    [
      'is a freeze when a record is not as it was committed',
      { drift: [drifted] },
      'freeze',
      'automation freeze',
    ],
    [
      'is to wait until the freeze is effective',
      { automation: automation(frozen({ zones: [{ zone: 'example.com', fence: '9', effective: false }] })) },
      'freeze',
      'automation status',
    ],
    [
      'is the way back of what is bad',
      { statuses: [failed], automation: automation(frozen()) },
      'apply',
      back,
    ],
    [
      'is to freeze less hard first where the way back is refused too',
      { statuses: [failed], automation: automation(frozen({ hard: true })) },
      'apply',
      'automation freeze',
    ],
    [
      'is a plan for what drifted',
      { drift: [drifted], automation: automation(frozen()) },
      'plan',
      'plan FILE',
    ],
    ['is to resume when nothing is bad', { automation: automation(frozen()) }, 'resume', 'resume --gradual'],
    [
      'is to resume the scope that is frozen',
      { automation: automation(frozen({ scope: { zone: 'example.com' } })) },
      'resume',
      'resume --zone example.com',
    ],
    [
      'is to bring the engine back before anything is resumed',
      { automation: automation(frozen()), engineAway: 'Temporal does not answer.' },
      'validate',
      'doctor',
    ],
    [
      'is to watch a resumption',
      { automation: automation(frozen({ state: 'resuming' })) },
      'validate',
      'status',
    ],
    [
      'is to bring the log back when nobody can tell what is frozen',
      { automation: { ...automation(), state: 'frozen', unreadable: 'The log is down.' } },
      'freeze',
      'doctor',
    ],
  ])('%s', (_, parts, step, command) => {
    const { next } = assess(input(parts));
    expect(next.step).toBe(step);
    if (command === null) expect(next.command).toBeNull();
    else expect(next.command).toContain(command);
  });

  it('reminds of what may be live although nothing was judged, and of how it goes back', () => {
    const { next } = assess(input({ statuses: [aStatus()], automation: automation(frozen()) }));
    expect(next).toMatchObject({ step: 'resume', why: expect.stringContaining(back) });
    expect(next.why).toContain('chg-1, which may be live at 50%');
  });

  it('reminds of the newest commit, whose verdicts were good, and of its way back', () => {
    const moves = [8, 18].map((index) => ({ resource: RECORD, changeId: `chg-${index}`, index }));
    const stories = [story('chg-8', RECORD, 8), story('chg-18', RECORD, 18)];
    const { next } = assess(input({ moves, stories, automation: automation(frozen()) }));
    expect(next.why).toContain(`If chg-18 was the cause after all`);
    expect(next.why).toContain(`resilience-ctl revert ${RECORD} --to entry:8`);
  });
});

it('is one page of text', () => {
  const found = assess(
    input({
      statuses: [failed, aStatus({ changeId: 'chg-2', stages: [baking ?? []].flat() })],
      automation: automation(frozen({ holds: ['chg-1', 'chg-2'] })),
      engineAway: 'Temporal does not answer.',
      drift: [drifted],
    }),
  );
  const text = assessmentText(found, NOW_MS, plain);
  expect(text.split('\n').length).toBeLessThan(40);
  for (const said of [
    'prod is frozen',
    'The engine is away; this is what the log knows. Temporal does not answer.',
    'Open changes (2)',
    'waits for frozen since entry 20 by carol: incident 812',
    'fail  chg-1 at 50%: 9 errors',
    `changed-out-of-band  ${RECORD}: Somebody edited it elsewhere.`,
    'Next: apply',
    '  resilience-ctl abort chg-1 --reason TEXT',
  ]) {
    expect(text).toContain(said);
  }
});
