import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { type FaultProxy, type FaultRule, startFaultProxy } from '../../infra/dev/fault-proxy.ts';
import { type Failpoint, firedTimes, withFailpoints } from '../support/failpoints.ts';
import { canaryRequest, expectSettled, honoured, runChange } from '../support/live-change.ts';
import { type LiveEnvironment, startLiveEnvironment } from '../support/live-environment.ts';

/** Route 53's writes are its only calls with a body. */
const ROUTE53_WRITE: FaultRule = { service: 'route53', headers: { 'Content-Type': 'xml' } };

function outcomeFails(dir: string): Failpoint {
  return {
    ...{ port: 'log', method: 'append', when: 'before', action: 'throw' },
    about: ['resilience-ctl.dev/outcome/v1', '"changeId":"first"'],
    // One activity's tries; then the change holds for some seconds.
    times: 4,
    marker: join(dir, 'markers', 'outcome'),
  };
}

describe('with faults between the roles and AWS', () => {
  const stateDir = mkdtempSync(join(tmpdir(), 'resilience-proxies-'));
  let http: FaultProxy;
  let tcp: FaultProxy;
  let env: LiveEnvironment;
  let direct: LiveEnvironment;
  beforeAll(async () => {
    const upstream = inject('stack').aws.endpoint;
    [http, tcp] = await Promise.all([
      startFaultProxy({ upstream, stateDir }),
      startFaultProxy({ upstream, stateDir, protocol: 'tcp' }),
    ]);
    // S3's PUTs go through TCP, which alone can lose their answers: the orchestrator's. The enactor's zones, HTTP.
    [env, direct] = await Promise.all([
      startLiveEnvironment({
        name: 'lost-answers',
        configure: (config) => ({
          ...config,
          aws: { ...config.aws, endpoint: (config.role === 'orchestrator' ? tcp : http).endpoint },
        }),
      }),
      startLiveEnvironment({
        name: 'lost-outcome',
        wrap: (role, ports, dir) =>
          role === 'enactor' ? withFailpoints(ports, [outcomeFails(dir)], async () => {}) : ports,
      }),
    ]);
  });
  afterAll(async () => {
    await Promise.all([env.stop(), direct.stop()]);
    await Promise.all([http.stop(), tcp.stop()]);
    rmSync(stateDir, { recursive: true, force: true });
  });

  test.concurrent('what landed is applied once although its answers were lost', async () => {
    await http.setRules([{ ...ROUTE53_WRITE, times: 2, response: { abort_frac: 0 } }]);
    await tcp.setRules([{ payload: '^PUT /\\S+/log/', times: 4, cut_reply: { after_bytes: 1 } }]);
    expect(await runChange(env, 'lost')).toBe('committed');
    expect((await http.fired()).map((one) => one.action)).toEqual(['response:abort', 'response:abort']);
    expect(await tcp.fired()).toHaveLength(4);
    const { history } = await expectSettled(env, 'lost', 'committed');
    expect(honoured(history, 'intent')).toHaveLength(3);
    expect(history.filter(({ fate }) => fate !== 'honoured')).toEqual([]);

    await tcp.setRules([]);
    await http.setRules([
      { ...ROUTE53_WRITE, times: 2, error: { code: 'Throttling' } },
      { service: 'kms', times: 6, error: { code: 'ThrottlingException' } },
      { service: 's3', times: 6, error: { code: 'SlowDown' } },
    ]);
    expect(await runChange(env, 'throttled', { to: env.services.stable })).toBe('committed');
    const fired = await http.fired();
    for (const service of ['route53', 'kms', 's3']) {
      expect(
        fired.some((one) => one.service === service),
        service,
      ).toBe(true);
    }
    await expectSettled(env, 'throttled', 'committed');
  });

  test.concurrent('the outcome that could not be recorded is recorded by whoever comes next', async () => {
    await direct.controlPlane.submit('first', canaryRequest(direct), direct.person('alice'));
    await direct.approve('first');
    await direct.until('first', ({ held }) => held !== null);
    expect(firedTimes(outcomeFails(direct.dir).marker)).toBe(4);
    expect(honoured(await direct.controlPlane.history('first'), 'outcome')).toEqual([]);

    expect(await runChange(direct, 'next', { label: 'web' })).toBe('committed');
    const [settled] = honoured(await direct.controlPlane.history('first'), 'outcome');
    expect(settled).toMatchObject({ stage: '50%', result: 'applied' });
    expect(settled?.reason).toContain('on behalf of');

    expect((await direct.ended('first')).status).toBe('committed');
    await expectSettled(direct, 'first', 'committed');
    await expectSettled(direct, 'next', 'committed');
  });
});
