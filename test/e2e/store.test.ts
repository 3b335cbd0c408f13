import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { parse, stringify } from 'yaml';
import { installationFile } from '../../client/open-installation.ts';
import { Fleet } from '../../examples/demo/consumers.ts';
import { type ChangeStatus, VOTER_ZONES } from '../../workflows/contract.ts';
import { jsonLines, type Ran } from '../support/command-line.ts';
import { createDesk, inApproval, refusal } from '../support/desk.ts';
import { JSON_ANSWERS } from '../support/json-answers.ts';
import { BAKE_SECONDS, exampleRequest } from '../support/live-documents.ts';
import { type LiveEnvironment, startLiveEnvironment } from '../support/live-environment.ts';

/** A document of each kind, its history and its way back, by the command line alone, in the order of one day. */

const PAYMENTS = 'config/payments/timeouts';
const SWITCH = 'switch/payments';
const ROLLOUT = { stages: [50, 100], bakeSeconds: BAKE_SECONDS, minimumSamples: 5 };

let env: LiveEnvironment;
let fleet: Fleet | undefined;
let desk: ReturnType<typeof createDesk>;

beforeAll(async () => {
  env = await startLiveEnvironment({ name: 'e2e-store' });
  const home = join(env.dir, 'home');
  mkdirSync(dirname(installationFile(home)), { recursive: true });
  writeFileSync(installationFile(home), JSON.stringify(env.prepared.installation));
  desk = createDesk(home, env.dir);
});
afterAll(async () => {
  await fleet?.stop();
  await env?.stop();
});

const here = (...args: string[]) => desk.here(...args);

function answerOf<T>(command: string, ran: Ran): T {
  expect(ran, `${command}: ${ran.stdout}${ran.stderr}`).toMatchObject({ status: 0 });
  const [line] = jsonLines(ran);
  JSON_ANSWERS[command]?.parse(line);
  return line as T;
}

async function submit(file: string): Promise<string> {
  return answerOf<{ changeId: string }>('submit', await here('submit', file, '--as', 'alice', '--json'))
    .changeId;
}

/** Approves as often as is asked for, and watches to the end. */
async function approved(changeId: string): Promise<Ran> {
  const { approvalsNeeded } = await desk.until(changeId, inApproval);
  for (const person of ['bob', 'carol'].slice(0, approvalsNeeded)) {
    answerOf('approve --yes', await here('approve', changeId, '--yes', '--as', person, '--json'));
  }
  return here('watch', changeId);
}

async function goesLive(changeId: string): Promise<void> {
  const ran = await approved(changeId);
  expect(ran, ran.stdout + ran.stderr).toMatchObject({ status: 0 });
}

function exampleFile(name: string, rollout: object = {}): string {
  const request = exampleRequest(env, name);
  return desk.file(
    stringify({ ...request, spec: { ...request.spec, rollout: { ...request.spec.rollout, ...rollout } } }),
  );
}

/** What `draft` wrote, with its author's edits. */
function edited(file: string, reason: string, value: object): string {
  const { metadata, spec } = parse(readFileSync(file, 'utf8')) as {
    metadata: object;
    spec: { operations: { body: { value: object } }[] };
  };
  for (const { body } of spec.operations) Object.assign(body.value, value);
  const envelope = { apiVersion: 'resilience-ctl/v1', kind: 'ChangeRequest' };
  writeFileSync(
    file,
    stringify({ ...envelope, metadata: { ...metadata, reason }, spec: { ...spec, rollout: ROLLOUT } }),
  );
  return file;
}

/** What `revert` and `restore` wrote, with the rollout of this test. */
function withRollout(file: string): string {
  const request = parse(readFileSync(file, 'utf8')) as { spec: object };
  return desk.file(stringify({ ...request, spec: { ...request.spec, rollout: ROLLOUT } }));
}

interface Version {
  version: string;
  at: string;
  body: { value?: { readMs: number }; engaged?: boolean };
}
const get = async (resource: string) => answerOf<Version>('get', await here('get', resource, '--json'));

describe('before any service runs', () => {
  test('a schema goes live, and the first configs, which nobody reads yet, as their author says', async () => {
    await goesLive(await submit(exampleFile('1-schema')));
    const file = exampleFile('2-configs', { consumers: 'none' });
    const plan = await here('plan', file);
    expect(plan.stdout).toContain('passes if nobody reports: its author says that no service reads it yet');
    const changeId = await submit(file);
    await goesLive(changeId);
    expect(await get(PAYMENTS)).toMatchObject({ version: '1.0.0', body: { value: { readMs: 2000 } } });
    const status = await here('status', changeId, '--verbose');
    expect(status.stdout).toContain('no consumer has reported');
  });
});

describe('with consumers', () => {
  beforeAll(async () => {
    fleet = await Fleet.start({
      consumerFile: env.prepared.consumerFile,
      dir: join(env.dir, 'fleet'),
      instances: 6,
      zones: VOTER_ZONES,
      isBroken: (client) => client.get(PAYMENTS)?.value.readMs === 1,
      pollIntervalMs: 300,
      reportIntervalMs: 300,
    });
  });

  test('a switch and a change of a config go live; a bad one goes back by itself', async () => {
    await goesLive(await submit(exampleFile('3-switch')));
    await goesLive(await submit(exampleFile('4-change-config')));
    expect(await get(PAYMENTS)).toMatchObject({ version: '1.1.0', body: { value: { readMs: 1200 } } });
    const bad = await approved(await submit(exampleFile('bad-config')));
    expect(bad.status, bad.stdout).toBe(8);
    expect(await get(PAYMENTS)).toMatchObject({ version: '1.1.0' });
  });

  test('revert makes an old version live again: signed and submitted at once, or written to be edited', async () => {
    await goesLive(await submit(exampleFile('5-engage-switch')));
    expect((await get(SWITCH)).body.engaged).toBe(true);
    const reverted = await here('revert', SWITCH, '--to', '1.0.0', '--submit', '--as', 'alice', '--json');
    await goesLive(answerOf<{ changeId: string }>('revert', reverted).changeId);
    expect(await get(SWITCH)).toMatchObject({ version: '1.2.0', body: { engaged: false } });

    const file = join(env.dir, 'revert.yaml');
    expect(await here('revert', PAYMENTS, '--to', '1.0.0', '--out', file)).toMatchObject({ status: 0 });
    const changeId = await submit(withRollout(file));
    await goesLive(changeId);
    expect(await get(PAYMENTS)).toMatchObject({ version: '1.2.0', body: { value: { readMs: 2000 } } });
    expect(jsonLines(await here('log', PAYMENTS, '--json'))).toMatchObject([
      { version: '1.2.0', changeId },
      { version: '1.1.0' },
      { version: '1.0.0' },
    ]);
  });

  test('restore makes a part of the environment what it was at a time', async () => {
    const [, changed] = jsonLines(await here('log', PAYMENTS, '--json')) as Version[];
    const file = join(env.dir, 'restore.yaml');
    const ran = await here('restore', 'config/payments/', '--at', changed?.at ?? '', '--out', file);
    expect(ran).toMatchObject({ status: 0 });
    await goesLive(await submit(withRollout(file)));
    expect(await get(PAYMENTS)).toMatchObject({ version: '1.3.0', body: { value: { readMs: 1200 } } });
    const again = await here('restore', 'config/', '--at', changed?.at ?? '');
    expect(again).toMatchObject({
      status: 0,
      stdout: '',
      stderr: expect.stringContaining('Nothing differs'),
    });
    answerOf('get --explain', await here('get', PAYMENTS, '--explain', '--json'));
  });
});

test('two people draft the same config; who comes second is shown both sides, and overwrites nothing', async () => {
  const [hers, his] = [join(env.dir, 'hers.yaml'), join(env.dir, 'his.yaml')];
  for (const file of [hers, his]) {
    expect(await here('draft', PAYMENTS, '--out', file)).toMatchObject({ status: 0 });
  }
  const unedited = await here('submit', hers, '--as', 'alice', '--json');
  expect(refusal(unedited, 3, 'SCHEMA_INVALID').violations).toMatchObject([{ path: 'metadata.reason' }]);

  const first = await submit(edited(hers, 'Give up sooner', { readMs: 1100 }));
  await goesLive(first);
  const live = await get(PAYMENTS);
  expect(live).toMatchObject({ version: '1.4.0', body: { value: { readMs: 1100, retries: 2 } } });

  const second = edited(his, 'Try more often and sooner', { readMs: 1000, retries: 3 });
  const sides = [
    `Change ${first} made ${PAYMENTS} 1.4.0`,
    'This change: /value/retries 2 → 3; /value/readMs 1200 → 1000.',
    `${first}: /value/readMs 1200 → 1100.`,
    'They clash at /value/readMs.',
  ];
  const plan = await here('plan', second);
  expect(plan.status, plan.stdout).toBe(5);
  for (const said of sides) expect(plan.stdout).toContain(said);

  const changeId = await submit(second);
  const watched = await here('watch', changeId);
  expect(watched.status, watched.stdout).toBe(5);
  const { phase, violations } = answerOf<ChangeStatus>(
    'status CHANGE',
    await here('status', changeId, '--json'),
  );
  expect(phase).toBe('rejected');
  expect(violations).toMatchObject([{ code: 'STALE_BASE', rule: 'concurrent-edit' }]);
  for (const said of sides) expect(violations[0]?.message).toContain(said);
  expect(violations[0]?.remedy).toContain(`resilience-ctl draft ${PAYMENTS}`);
  expect(await get(PAYMENTS)).toEqual(live);
  answerOf('draft', await here('draft', PAYMENTS, '--json'));
});

test('a snapshot is taken on demand, is what its prefix makes, and the store is sound', async () => {
  const taken = answerOf<{ size: number; index: number }>(
    'snapshot create',
    await here('snapshot', 'create', '--json'),
  );
  expect(taken.index).toBeGreaterThanOrEqual(taken.size);
  const listed = await here('snapshot', 'list', '--verify', '--json');
  expect(listed.status).toBe(0);
  expect(jsonLines(listed)).toMatchObject([{ size: taken.size, index: taken.index, result: 'same' }]);
  const report = answerOf('store check', await here('store', 'check', '--json'));
  expect(report).toMatchObject({ findings: [], ignored: [] });
});
