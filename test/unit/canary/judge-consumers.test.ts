import { describe, expect, it } from 'vitest';
import { type Arm, armFor } from '../../../domain/canary/consumer-arm.ts';
import type { ConsumerReport } from '../../../domain/canary/consumer-report.ts';
import { type ConsumerStage, judgeConsumers } from '../../../domain/canary/judge-consumers.ts';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';

const RESOURCE = 'config/payments/timeouts';
const OTHER = 'config/orders/timeouts';
const targets = {
  [RESOURCE]: { stable: digestOf('1.0.0'), canary: digestOf('1.1.0') },
  [OTHER]: { stable: digestOf('other 1.0.0'), canary: digestOf('other 1.1.0') },
};
const SINCE = '2026-01-01T10:00:00.000Z';
const STAGE: ConsumerStage = {
  changeId: 'chg-1',
  stage: '50%',
  percent: 50,
  zones: [],
  since: SINCE,
  minimumSamples: 100,
  targets,
};

describe('a stage of which the plan says that nobody reads it', () => {
  const unread: ConsumerStage = { ...STAGE, percent: 100, nobodyReads: true };

  it('passes when nobody reports', () => {
    expect(judgeConsumers([], unread)).toMatchObject({
      verdict: 'pass',
      reasons: [expect.stringContaining('as the plan says')],
    });
    expect(judgeConsumers([], { ...unread, nobodyReads: false }).verdict).toBe('inconclusive');
  });

  it('is judged like any other by the first report', () => {
    expect(judgeConsumers([report('canary', { samples: 3, errors: 0 })], unread).verdict).toBe(
      'inconclusive',
    );
    expect(judgeConsumers([report('canary', { samples: 200, errors: 90 })], unread).verdict).toBe('fail');
    expect(judgeConsumers([report('canary', { samples: 200, errors: 0 })], unread).verdict).toBe('pass');
  });

  it('is not judged by what was reported before it was live', () => {
    const early = report('canary', { from: at(-20), to: at(-10) });
    expect(judgeConsumers([early], unread).verdict).toBe('pass');
  });
});

function at(seconds: number): string {
  return new Date(Date.parse(SINCE) + seconds * 1000).toISOString();
}

/** The n-th instance that a stage puts on an arm. */
function instanceOn(arm: Arm, n = 0, stage: ConsumerStage = STAGE): string {
  for (let i = 0; ; i += 1) {
    const instanceId = `pod-${i}`;
    if (armFor({ instanceId, zone: 'a' }, stage) === arm && n-- === 0) return instanceId;
  }
}

function report(arm: Arm, change: Partial<ConsumerReport> = {}): ConsumerReport {
  return {
    environment: 'prod',
    changeId: 'chg-1',
    instanceId: instanceOn(arm),
    zone: 'a',
    resource: RESOURCE,
    arm,
    digest: targets[RESOURCE]?.[arm] ?? null,
    samples: 100,
    errors: 0,
    latencyP50Ms: 5,
    latencyP99Ms: 20,
    from: at(0),
    to: at(5),
    ...change,
  };
}

const bothArms = [report('stable'), report('canary')];

describe('the verdict', () => {
  it('is a pass for two arms that do alike', () => {
    const { verdict, reasons, arms } = judgeConsumers(bothArms, STAGE);
    expect(verdict).toBe('pass');
    expect(reasons.at(-1)).toContain('canary: 0 of 100 requests failed');
    expect(arms.canary).toEqual({
      samples: 100,
      errors: 0,
      resolvedSamples: 0,
      resolvedErrors: 0,
      latencyP50Ms: 5,
      latencyP99Ms: 20,
    });
  });

  it('is a fail for a canary that fails more', () => {
    expect(judgeConsumers([report('stable'), report('canary', { errors: 30 })], STAGE).verdict).toBe('fail');
  });

  it('is inconclusive without reports, and says what is missing', () => {
    const { verdict, reasons } = judgeConsumers([], STAGE);
    expect(verdict).toBe('inconclusive');
    expect(reasons).toEqual([
      'the stable arm has 0 requests of 100 needed',
      'the canary arm has 0 requests of 100 needed',
    ]);
  });

  it.each<[string, Partial<ConsumerReport>]>([
    ['seen before the stage', { from: at(-1) }],
    ['about another change', { changeId: 'chg-2' }],
    ['about a resource that the change does not touch', { resource: 'config/x/y' }],
    ['about one of the prototype', { resource: 'constructor' }],
    ['about another version', { digest: digestOf('1.2.0') }],
    ['about no version', { digest: null }],
    ['about the version of the other arm', { digest: digestOf('1.0.0') }],
  ])('does not count what is %s', (_, change) => {
    const judged = judgeConsumers([report('stable'), report('canary', change)], STAGE);
    expect(judged).toMatchObject({ verdict: 'inconclusive', arms: { canary: { samples: 0 } } });
  });
});

describe('one instance', () => {
  it('counts once in a window, for all resources of a batch and however often it says so', () => {
    const again = report('canary', { from: at(2), to: at(7), errors: 100 });
    const ofOther = report('canary', { resource: OTHER, digest: digestOf('other 1.1.0') });
    const { arms } = judgeConsumers([...bothArms, ...bothArms, ofOther, again], STAGE);
    expect(arms.canary).toMatchObject({ samples: 100, errors: 0 });
  });

  it('counts again in the next window, and beside another instance', () => {
    const next = report('canary', { from: at(5), to: at(10), errors: 2 });
    const another = report('canary', { instanceId: instanceOn('canary', 1), errors: 3, latencyP99Ms: 90 });
    const { arms } = judgeConsumers([next, ...bothArms, another], STAGE);
    expect(arms.canary).toMatchObject({ samples: 300, errors: 5, latencyP99Ms: 90 });
  });
});

describe('a consumer with a version that it should not have', () => {
  const more = bothArms.map((one) => ({ ...one, instanceId: instanceOn(one.arm, 1) }));

  it.each<[string, ConsumerReport]>([
    ['neither of the two', report('canary', { digest: digestOf('0.9.0') })],
    ['the canary, out of its share', { ...report('canary'), instanceId: instanceOn('stable') }],
  ])('is named and turns a pass into a hold: %s', (_, stray) => {
    const { verdict, reasons, arms } = judgeConsumers([...more, stray], STAGE);
    expect(verdict).toBe('inconclusive');
    expect(reasons[0]).toBe(
      `consumer ${stray.instanceId} should not have ${stray.digest} as the canary version of ${RESOURCE}`,
    );
    expect(arms.canary.samples).toBe(100);
  });

  it('does not turn a fail into a hold, and its own errors do not count', () => {
    const failing = [more[0], { ...report('canary'), instanceId: instanceOn('canary', 1), errors: 50 }];
    const stray = report('canary', { digest: digestOf('0.9.0'), errors: 100 });
    const judged = judgeConsumers([...failing.filter((one) => one !== undefined), stray], STAGE);
    expect(judged).toMatchObject({ verdict: 'fail', arms: { canary: { errors: 50 } } });
  });

  it('is not believed in its other reports either', () => {
    const stray = report('canary', { digest: digestOf('0.9.0') });
    const other = report('canary', { from: at(5), to: at(10), errors: 100 });
    expect(judgeConsumers([...more, stray, other], STAGE).arms.canary).toMatchObject({
      samples: 100,
      errors: 0,
    });
  });

  it('is nobody who speaks of what the change does not touch', () => {
    const elsewhere = ['config/x/y', 'constructor'].map((resource) => report('canary', { resource }));
    expect(judgeConsumers([...more, ...elsewhere], STAGE).verdict).toBe('pass');
  });

  it('is named once, and only a few are', () => {
    const strays = Array.from({ length: 6 }, (_, i) =>
      report('canary', { instanceId: `stray-${i}`, digest: null }),
    );
    const { reasons } = judgeConsumers([...more, ...strays, ...strays], STAGE);
    expect(reasons.filter((reason) => reason.startsWith('consumer'))).toHaveLength(3);
    expect(reasons[3]).toBe('3 more consumers have a version that they should not have');
  });
});

it('leaves out whoever has not moved to the canary yet, and says how many', () => {
  const late = { ...report('stable'), instanceId: instanceOn('canary', 1), errors: 100 };
  const { verdict, reasons, arms } = judgeConsumers([...bothArms, late], STAGE);
  expect(verdict).toBe('pass');
  expect(arms.stable).toMatchObject({ samples: 100, errors: 0 });
  expect(reasons.at(-1)).toBe('left out, because they had not moved to the canary yet: 1 consumers');
});

it('knows the arms of a rollout by zones', () => {
  const byZone = { ...STAGE, zones: ['a'] };
  const inB = report('stable', { instanceId: 'pod-b', zone: 'b' });
  expect(judgeConsumers([report('canary'), inB], byZone).verdict).toBe('pass');
  expect(judgeConsumers([report('canary'), inB], { ...byZone, zones: ['b'] }).verdict).toBe('inconclusive');
});

describe('at 100 %', () => {
  const everybody = { ...STAGE, percent: 100 };
  const earlier = (change: Partial<ConsumerReport>) =>
    report('stable', { from: at(-9), to: at(-4), ...change });

  it('compares with what the stable arm said in earlier stages', () => {
    const ill = earlier({ errors: 9 });
    const { verdict, arms } = judgeConsumers([ill, report('canary', { errors: 9 })], everybody);
    expect(verdict).toBe('pass');
    expect(arms.stable.errors).toBe(9);
  });

  it('compares with an arm without errors where there were none', () => {
    expect(judgeConsumers([report('canary')], everybody).verdict).toBe('pass');
    expect(judgeConsumers([report('canary', { errors: 9 })], everybody).verdict).toBe('fail');
    expect(
      judgeConsumers([earlier({ samples: 99 }), report('canary', { errors: 9 })], everybody).verdict,
    ).toBe('fail');
    expect(judgeConsumers([], everybody).verdict).toBe('inconclusive');
  });
});
