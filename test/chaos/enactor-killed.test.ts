import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Failpoint, firedTimes } from '../support/failpoints.ts';
import { type CanaryRequest, expectSettled, runChange } from '../support/live-change.ts';
import { type LiveEnvironment, startLiveEnvironments } from '../support/live-environment.ts';

const MAIN = fileURLToPath(new URL('../support/failing-worker.ts', import.meta.url));

/** Where a kill hurts: the write not sent, sent but not recorded, recorded but not reported. */
const MOMENTS = {
  'before the write of': { port: 'dns', method: 'applyBatch', when: 'before' },
  'after the write of': { port: 'dns', method: 'applyBatch', when: 'after' },
  'after the outcome of': { port: 'log', method: 'append', when: 'after' },
  'before the entry of': { port: 'log', method: 'append', when: 'before' },
  'after the entry of': { port: 'log', method: 'append', when: 'after' },
} as const satisfies Record<string, Pick<Failpoint, 'port' | 'method' | 'when'>>;

type Moment = keyof typeof MOMENTS;
type Step = '50%' | '100%' | 'final' | 'rollback' | 'commit';

/** Every moment at the first, a middle and the last stage; three kills a change, in every order. */
const SCENARIOS: { name: string; kills: readonly [Moment, Step][]; bad?: boolean }[] = [
  {
    name: 'enactor-a',
    kills: [
      ['before the write of', '50%'],
      ['after the write of', '100%'],
      ['after the outcome of', 'final'],
    ],
  },
  {
    name: 'enactor-b',
    kills: [
      ['after the write of', '50%'],
      ['after the outcome of', '100%'],
      ['before the write of', 'final'],
    ],
  },
  {
    name: 'enactor-c',
    kills: [
      ['after the outcome of', '50%'],
      ['before the write of', '100%'],
      ['after the write of', 'final'],
    ],
  },
  {
    name: 'enactor-d',
    bad: true,
    kills: [
      ['before the write of', 'rollback'],
      ['after the write of', 'rollback'],
      ['after the outcome of', 'rollback'],
    ],
  },
  {
    name: 'enactor-e',
    kills: [
      ['before the entry of', 'commit'],
      ['after the entry of', 'commit'],
    ],
  },
];

function failpoint(dir: string, [moment, step]: [Moment, Step]): Failpoint {
  const { port, method, when } = MOMENTS[moment];
  const direction = step === 'rollback' ? 'rollback' : 'forward';
  const entry =
    step === 'commit'
      ? ['resilience-ctl.dev/commit/v1']
      : [
          'resilience-ctl.dev/outcome/v1',
          `"direction":"${direction}"`,
          ...(step === 'rollback' ? [] : [`"stage":"${step}"`]),
        ];
  const batch = step === 'rollback' ? 'killed rollback,' : `killed ${step}, intent`;
  return {
    ...{ port, method, when, action: 'kill' },
    about: port === 'dns' ? [`"comment":"${batch}`] : entry,
    marker: join(dir, 'markers', `${moment} ${step}`),
  };
}

describe('the enactor is killed', () => {
  let environments: LiveEnvironment[];
  beforeAll(async () => {
    environments = await startLiveEnvironments(
      SCENARIOS.map(({ name, kills }) => ({
        name,
        processes: ['enactor'],
        main: MAIN,
        env: (_, dir) => ({ FAILPOINTS: JSON.stringify(kills.map((kill) => failpoint(dir, kill))) }),
      })),
    );
  });
  afterAll(() => Promise.all(environments.map((env) => env.stop())));

  test.concurrent.each(
    SCENARIOS.map(
      ({ kills }, position) => [kills.map((kill) => kill.join(' ')).join(', '), position] as const,
    ),
  )('%s', async (_names, position) => {
    const { env, scenario } = { env: environments[position], scenario: SCENARIOS[position] };
    if (!env || !scenario) throw new Error('not started');
    const request: CanaryRequest = scenario.bad ? { to: env.services.broken } : {};
    const end = scenario.bad ? 'rolled-back' : 'committed';
    expect(await runChange(env, 'killed', request)).toBe(end);
    for (const kill of scenario.kills)
      expect(firedTimes(failpoint(env.dir, kill).marker), kill.join(' ')).toBe(1);
    await expectSettled(env, 'killed', end);
  });
});
