import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { errorText } from '../../../client/cli/error-text.ts';
import { logLineText } from '../../../client/cli/log-text.ts';
import { planText } from '../../../client/cli/plan-text.ts';
import { createRedraw } from '../../../client/cli/redraw.ts';
import { bar, eventsSince, statusText } from '../../../client/cli/status-text.ts';
import { plain, styleFor } from '../../../client/cli/style.ts';
import { duration, localTime } from '../../../client/cli/time-text.ts';
import { DomainError } from '../../../domain/errors.ts';
import { bystanders, plannedScene, record, set, zoneOf } from '../../support/dns-plans.ts';
import { aStatus } from './a-status.ts';

const BAKING_MS = Date.parse('2026-03-01T12:00:15.000Z');

let timeZone: string | undefined;
beforeAll(() => {
  timeZone = process.env.TZ;
  process.env.TZ = 'Asia/Kolkata';
});
afterAll(() => {
  if (timeZone === undefined) delete process.env.TZ;
  else process.env.TZ = timeZone;
});

describe('times', () => {
  it('are local and exact', () => {
    expect(localTime('2026-03-01T12:00:00.123Z')).toBe('2026-03-01 17:30:00.123 +05:30');
    expect(localTime('whenever')).toBe('whenever');
  });

  it.each([
    [-5, '0 ms'],
    [0, '0 ms'],
    [999, '999 ms'],
    [1000, '1 s'],
    [4249, '4.2 s'],
    [59_949, '59.9 s'],
    [59_950, '1 m 00 s'],
    [185_000, '3 m 05 s'],
    [3_599_999, '1 h 00 m'],
    [7_200_000, '2 h 00 m'],
  ])('of %i ms read as %s', (ms, text) => {
    expect(duration(ms)).toBe(text);
  });
});

describe('a bar', () => {
  it.each([
    [0, '░░░░░░░░'],
    [0.01, '▏░░░░░░░'],
    [0.5, '████░░░░'],
    [1, '████████'],
    [7, '████████'],
    [-1, '░░░░░░░░'],
  ])('of %d', (share, text) => {
    expect(bar(share, 8)).toBe(text);
  });
});

describe('a plan', () => {
  const zone = zoneOf([record('api', 'A', ['192.0.2.1']), ...bystanders(12)]);

  it('reads like a diff, with its stages, its way back, its risk and what it needs', () => {
    const operations = [set('api', 'A', ['192.0.2.2'], 30)];
    const plan = plannedScene({ zone, operations, rollout: { stages: [10, 100], bakeSeconds: 90 } });
    expect(
      planText(plan, { approvals: 2, secondFactor: false, votes: 2, voters: 3 }, plain),
    ).toMatchInlineSnapshot(`
      "Plan  zone example.com, environment prod

        ~ dns/example.com/api/A
            ~ ttl 60 → 30
            - 192.0.2.1
            + 192.0.2.2
            base sha256:f64b97dc4ac9e0fac0808538fab6cb367d58b51722f7d6023a3bffe20b0c280b

      Stages
        10%     canary 10 (192.0.2.2)  stable 90 (192.0.2.1)  watched for 1 m 30 s or more, ≥ 30 samples an arm
        100%    canary 100 (192.0.2.2)  stable 0 (192.0.2.1)  watched for 1 m 30 s or more, ≥ 30 samples an arm
        final   as declared  then read back
      Back    in one batch, from any stage: - api.example.com A 192.0.2.2 (ttl 30)  + api.example.com A 192.0.2.1 (ttl 60)
      Risk    10/100, standard
                +10  moves dns/example.com/api/A to other targets, by weight
      Needs   2 of 3 votes, and approval by 2 people who are not the author
      "
    `);
  });

  it('marks what is new, what goes, and what has drifted', () => {
    const plan = plannedScene({ zone, operations: [set('new', 'A', ['192.0.2.7'])] });
    const [resource] = plan.resources;
    if (!resource) throw new Error('The plan has no resource.');
    const drifted = {
      ...resource,
      before: resource.after,
      after: [],
      committedDigest: `sha256:${'b'.repeat(64)}` as const,
    };
    const text = planText({ ...plan, resources: [resource, drifted] }, null, plain);
    expect(text).toContain('+ dns/example.com/new/A\n      + 192.0.2.7 (ttl 60)\n      base does not exist');
    expect(text).toContain('- dns/example.com/new/A\n      - 192.0.2.7 (ttl 60)');
    expect(text).toContain(`drift: the log last committed sha256:${'b'.repeat(64)}`);
  });
});

describe('a status', () => {
  it('says where it stands, how far the bake is, and what it waits for', () => {
    const status = aStatus({
      held: { why: 'too little traffic', next: 'send some, then continue' },
      waitingFor: { what: '1 more approval', who: 'carol' },
    });
    expect(statusText(status, { nowMs: BAKING_MS, style: plain, verbose: true })).toMatchInlineSnapshot(`
      "chg-1  stages  demo, by alice
        because
        dns/example.com/api/A
        risk       10/100, standard
        votes      voter.us-east-1a yes  voter.us-east-1b no-answer
        approvals  1 of 1  bob approve 2026-03-01 17:30:00.000 +05:30
        1%     ▎░░░░░░░░░░░░░░░░░░░░░░░   1 %  passed
                   as good as before
        50%    ████████████░░░░░░░░░░░░  50 %  baking  ████████████░░░░░░░░░░░░ 5 s left
        final  ░░░░░░░░░░░░░░░░░░░░░░░░ 100 %  pending
        held       too little traffic
        next       send some, then continue
        waits for  1 more approval
        unblocked  by carol
        plan       sha256:aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa
                   +10  moves the API
        2026-03-01 17:29:00.000 +05:30  submitted
        2026-03-01 17:30:05.000 +05:30  stages
        undo       stage 50%, authorised by entry 12
      "
    `);
  });

  it('is short for who watches: no times, no evidence of what passed, nothing twice', () => {
    const why = 'the evidence at 50% is inconclusive';
    const status = aStatus({
      held: { why, next: 'Continue.' },
      waitingFor: { what: why, who: 'an operator' },
    });
    const text = statusText(status, { nowMs: BAKING_MS, style: plain });
    expect(text).toContain('approvals  1 of 1  bob approve\n');
    expect(text).not.toContain('as good as before');
    expect(text.split(why)).toHaveLength(2);
    expect(text).toContain('unblocked  by an operator');
    expect(eventsSince(null, status).join('\n').split(why)).toHaveLength(2);
  });

  it('is told in events: everything at first, then only what is new', () => {
    const first = aStatus();
    expect(eventsSince(null, first)).toMatchInlineSnapshot(`
      [
        "2026-03-01 17:29:00.000 +05:30  submitted",
        "2026-03-01 17:30:00.000 +05:30  approve by bob",
        "2026-03-01 17:30:05.000 +05:30  stages",
        "vote  voter.us-east-1a yes",
        "vote  voter.us-east-1b no-answer",
        "stage 1%  passed: as good as before",
        "stage 50%  baking",
      ]
    `);
    expect(eventsSince(first, first)).toEqual([]);
    const [one, two, last] = first.stages;
    if (!one || !two || !last) throw new Error('There are three stages.');
    const next = aStatus({
      stages: [
        one,
        { ...two, state: 'failed', verdict: { verdict: 'fail', reasons: ['more errors'] } },
        last,
      ],
      timeline: [...first.timeline, { phase: 'rolling-back', at: '2026-03-01T12:00:21.000Z' }],
      waitingFor: { what: 'the rollback', who: 'nobody' },
    });
    expect(eventsSince(first, next)).toEqual([
      'stage 50%  failed: more errors',
      '2026-03-01 17:30:21.000 +05:30  rolling-back',
      'waits for the rollback; unblocked by nobody',
    ]);
  });
});

describe('an error', () => {
  it('says what failed, where, and what to do next', () => {
    const error = new DomainError('SCHEMA_INVALID', 'a.yaml is not a valid change request.', {
      file: 'a.yaml',
      next: 'Correct it.',
      violations: [
        {
          code: 'SCHEMA_INVALID',
          rule: 'ttl-range',
          path: 'spec.operations[0].body.ttl',
          message: 'The TTL is too long.',
          remedy: 'Shorten it.',
          ...{ position: { line: 4, column: 9 } },
        },
      ],
    });
    expect(errorText(error, plain)).toBe(
      'error a.yaml is not a valid change request. [SCHEMA_INVALID]\n' +
        '  ✗ a.yaml:4:9  ttl-range  The TTL is too long.\n' +
        '      → Shorten it.\n' +
        'next  Correct it.\n',
    );
  });

  it('gives advice once', () => {
    const next = 'Ask somebody else.';
    const violations = [
      { code: 'NOT_PERMITTED' as const, rule: 'not-the-author', message: 'No.', remedy: next },
    ];
    const error = new DomainError('NOT_PERMITTED', 'Your approval was refused.', { next, violations });
    expect(errorText(error, plain).split(next)).toHaveLength(2);
  });
});

describe('a log line', () => {
  it('says when an entry does not count, and why', () => {
    const line = {
      index: 7,
      at: null,
      changeId: null,
      signer: 'claims alice',
      fate: 'inert',
      fateReason: 'no key of the trust document signed it',
      summary: 'not readable',
      statement: null,
    } as const;
    expect(logLineText(line, plain)).toMatch(/^ {5}7 {2}- .*\(claims alice\) {2}inert: no key of the trust/);
  });
});

describe('a terminal', () => {
  it('has colour only if it is one and nobody minds', () => {
    expect(styleFor({ isTTY: true }, {})('red', 'x')).toBe('\u001b[31mx\u001b[39m');
    expect(styleFor({ isTTY: true }, { NO_COLOR: '1' })('red', 'x')).toBe('x');
    expect(styleFor({ isTTY: true }, { TERM: 'dumb' })('red', 'x')).toBe('x');
    expect(styleFor({}, {})('red', 'x')).toBe('x');
  });

  it('is drawn over, line for line, however long the lines are', () => {
    const written: string[] = [];
    const draw = createRedraw({ write: (text) => written.push(text), columns: 5 });
    draw('one\ntoo long\n', false);
    draw('two\n', false);
    draw('all of it\n', true);
    expect(written).toEqual(['one\ntoo …\n', '\u001b[2A\r\u001b[Jtwo\n', '\u001b[1A\r\u001b[Jall of it\n']);
  });
});
