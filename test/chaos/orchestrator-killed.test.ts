import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { OpenedPorts } from '../../worker/role-ports.ts';
import type { Phase } from '../../workflows/contract.ts';
import { type Failpoint, firedTimes } from '../support/failpoints.ts';
import { type CanaryRequest, canaryRequest, expectSettled, runChange } from '../support/live-change.ts';
import {
  type LiveEnvironment,
  type LiveEnvironmentOptions,
  startLiveEnvironments,
} from '../support/live-environment.ts';

const MAIN = fileURLToPath(new URL('../support/failing-worker.ts', import.meta.url));

/** Each append of a change by the orchestrator, by what only it says. */
const APPENDS: Record<string, readonly string[]> = {
  plan: ['resilience-ctl.dev/plan/v1'],
  votes: ['resilience-ctl.dev/vote/v1'],
  acceptance: ['resilience-ctl.dev/acceptance/v1'],
  'first intent': ['resilience-ctl.dev/intent/v1', '"stage":"50%"'],
  'verdict and next intent': ['resilience-ctl.dev/intent/v1', '"stage":"100%"'],
  'last intent': ['resilience-ctl.dev/intent/v1', '"stage":"final"'],
};
const BAD_ENDS: Record<string, readonly string[]> = {
  'failing verdict': ['resilience-ctl.dev/stage-verdict/v1', '"verdict":"fail"'],
  end: ['resilience-ctl.dev/end/v1'],
};

interface Scenario {
  name: string;
  appends: [name: string, about: readonly string[]][];
  when: 'before' | 'after';
  bad?: boolean;
}

const good = Object.entries(APPENDS);
const bad = Object.entries(BAD_ENDS);
/** Side by side, because each kill costs the time in which the engine notices it. */
const SCENARIOS: Scenario[] = [
  { name: 'orchestrator-a', when: 'before', appends: good.slice(0, 3) },
  { name: 'orchestrator-b', when: 'after', appends: good.slice(0, 3) },
  { name: 'orchestrator-c', when: 'before', appends: good.slice(3) },
  { name: 'orchestrator-d', when: 'after', appends: good.slice(3) },
  { name: 'orchestrator-e', when: 'before', appends: bad, bad: true },
  { name: 'orchestrator-f', when: 'after', appends: bad, bad: true },
];

const failpoint = (
  dir: string,
  when: Failpoint['when'],
  [name, about]: Scenario['appends'][number],
): Failpoint => ({
  ...{ port: 'log', method: 'append', when, about, action: 'kill' },
  marker: join(dir, 'markers', name.replaceAll(' ', '-')),
});

describe('the orchestrator is killed', () => {
  let environments: LiveEnvironment[];
  const votersMayAnswer = Promise.withResolvers<void>();

  beforeAll(async () => {
    environments = await startLiveEnvironments([
      ...SCENARIOS.map(
        ({ name, when, appends }): LiveEnvironmentOptions => ({
          name,
          processes: ['orchestrator'],
          main: MAIN,
          env: (_, dir) => ({ FAILPOINTS: JSON.stringify(appends.map((one) => failpoint(dir, when, one))) }),
        }),
      ),
      {
        name: 'orchestrator-phases',
        processes: ['orchestrator'],
        wrap: (role, ports) =>
          role.startsWith('voter.') ? afterGate(ports, votersMayAnswer.promise) : ports,
      },
    ]);
  });
  afterAll(() => Promise.all(environments.map((env) => env.stop())));

  test.concurrent.each(
    SCENARIOS.map(
      (one, position) => [one.when, one.appends.map(([name]) => name).join(', '), position] as const,
    ),
  )('%s each of these appends: %s', async (when, _names, position) => {
    const { env, scenario } = { env: environments[position], scenario: SCENARIOS[position] };
    if (!env || !scenario) throw new Error('not started');
    const request: CanaryRequest = scenario.bad ? { to: env.services.broken } : {};
    const end = scenario.bad ? 'rolled-back' : 'committed';
    expect(await runChange(env, 'killed', request)).toBe(end);
    for (const one of scenario.appends) {
      expect(firedTimes(failpoint(env.dir, when, one).marker), one[0]).toBe(1);
    }
    await expectSettled(env, 'killed', end);
  });

  test.concurrent('after the request, during the vote, the approval and a bake', async () => {
    const env = environments.at(-1);
    if (!env) throw new Error('not started');
    const killed = () => env.killAndRestart('orchestrator');
    const phaseIs = (phase: Phase) => env.until('killed', (status) => status.phase === phase);

    const request = canaryRequest(env, { bakeSeconds: 1 });
    const [restarted] = [killed(), await env.controlPlane.submit('killed', request, env.person('alice'))];
    await restarted;
    await phaseIs('quorum');
    const again = killed();
    votersMayAnswer.resolve();
    await again;
    await phaseIs('approval');
    await killed();
    await env.approve('killed');
    await env.until('killed', ({ stages }) => stages.some(({ state }) => state === 'baking'));
    await killed();
    expect((await env.ended('killed')).status).toBe('committed');
    await expectSettled(env, 'killed', 'committed');
  });
});

function afterGate(ports: OpenedPorts, gate: Promise<void>): OpenedPorts {
  return { ...ports, log: { ...ports.log, sync: (options) => gate.then(() => ports.log.sync(options)) } };
}
