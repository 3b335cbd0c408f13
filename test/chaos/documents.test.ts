import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type Failpoint, firedTimes } from '../support/failpoints.ts';
import { honoured } from '../support/live-change.ts';
import { exampleRequest, runDocuments } from '../support/live-documents.ts';
import { type LiveEnvironment, startLiveEnvironment } from '../support/live-environment.ts';

const MAIN = fileURLToPath(new URL('../support/failing-worker.ts', import.meta.url));
const EXPOSURE = ['resilience-ctl.dev/commit/v1', '"stage":"all"'];
const OUTCOME = ['resilience-ctl.dev/outcome/v1', '"direction":"forward"'];
const COMMIT = ['resilience-ctl.dev/commit/v1', '"rollout":null'];

/** Where a kill hurts: the entry not sent, sent but its answer lost. */
const KILLS = [
  { when: 'before', what: 'exposure', about: EXPOSURE },
  { when: 'after', what: 'exposure', about: EXPOSURE },
  { when: 'after', what: 'outcome', about: OUTCOME },
  { when: 'after', what: 'commit', about: COMMIT },
] as const;

function failpoints(dir: string): Failpoint[] {
  return KILLS.map(({ when, what, about }) => ({
    ...{ port: 'log', method: 'append', action: 'kill', when, about },
    marker: join(dir, 'markers', `${when} ${what}`),
  }));
}

describe('the enactor of documents is killed', () => {
  let env: LiveEnvironment;
  beforeAll(async () => {
    env = await startLiveEnvironment({
      name: 'documents-killed',
      processes: ['enactor'],
      main: MAIN,
      env: (_, dir) => ({ FAILPOINTS: JSON.stringify(failpoints(dir)) }),
    });
  });
  afterAll(() => env?.stop());

  test('around its entries: each counts once', async () => {
    expect(await runDocuments(env, 'killed', exampleRequest(env, '1-schema'))).toMatchObject({
      status: 'committed',
    });
    for (const { marker } of failpoints(env.dir)) expect(firedTimes(marker), marker).toBe(1);
    const history = await env.controlPlane.history('killed');
    expect(honoured(history, 'commit').map(({ rollout }) => rollout?.stage ?? 'everybody')).toEqual([
      'all',
      'everybody',
    ]);
    expect(honoured(history, 'intent')).toHaveLength(1);
    expect(honoured(history, 'outcome').map(({ result }) => result)).toEqual(['applied']);
    const { live, reservations } = await env.log.sync();
    expect(live['schema/timeouts']).toMatchObject({ version: '1.0.0', changeId: 'killed', canary: null });
    expect(reservations).toEqual({});
  });
});
