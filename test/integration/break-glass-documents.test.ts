import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test, vi } from 'vitest';
import { bodyFile } from '../../domain/evidence/export-layout.ts';
import { Fleet } from '../../examples/demo/consumers.ts';
import { VOTER_ZONES } from '../../workflows/contract.ts';
import { jsonLines, runHere } from '../support/command-line.ts';
import { JSON_ANSWERS } from '../support/json-answers.ts';
import { approveAll, exampleRequest, runDocuments } from '../support/live-documents.ts';
import { type LiveEnvironment, type Role, startLiveEnvironment } from '../support/live-environment.ts';
import { publishedLog } from '../support/publish-log.ts';

/** The voters are gone, and a config must move all the same: on real servers, from the command line, seen by the SDK. */
const PAYMENTS = 'config/payments/timeouts';
const VOTERS = VOTER_ZONES.map((zone): Role => `voter.${zone}`);
const WAITS = 'chg-00000000000b';
const AFTER = 'chg-00000000000c';
const INSTANCES = 6;
let env: LiveEnvironment;
let fleet: Fleet;
let home: string;

beforeAll(async () => {
  env = await startLiveEnvironment({ name: 'glass-documents', factorVerifier: true });
  fleet = await Fleet.start({
    consumerFile: env.prepared.consumerFile,
    dir: join(env.dir, 'fleet'),
    instances: INSTANCES,
    zones: VOTER_ZONES,
    isBroken: () => false,
    pollIntervalMs: 300,
    reportIntervalMs: 300,
  });
  expect(await runDocuments(env, 'chg-00000000000a', exampleRequest(env, '1-schema'))).toMatchObject({
    status: 'committed',
  });
  home = await publishedLog(env);
});
afterAll(async () => {
  await fleet?.stop();
  await env?.stop();
});

const here = (...args: string[]) => runHere(home, [...args, '--json'], { folder: env.dir });

async function answer<T>(command: string, ...args: string[]): Promise<T> {
  const ran = await here(...args);
  expect(ran, ran.stdout + ran.stderr).toMatchObject({ status: 0 });
  const [line] = jsonLines(ran);
  JSON_ANSWERS[command]?.parse(line);
  return line as T;
}

function overriding(value: object, overrides: string): string[] {
  const file = join(env.dir, 'slower-timeouts.json');
  const request = {
    apiVersion: 'resilience-ctl/v1',
    kind: 'ChangeRequest',
    metadata: { environment: env.name, reason: 'Payments times out', emergency: true },
    spec: { operations: [{ set: PAYMENTS, body: { schema: 'schema/timeouts@^1', value } }] },
  };
  writeFileSync(file, JSON.stringify(request));
  return [
    ...['override', 'apply', '--config', file, '--approver', 'bob', '--approver', 'carol'],
    ...['--reason', 'quorum lost, payments times out', '--yes', '--code-from-dev', '--overrides', overrides],
  ];
}

const seenByAll = (version: string) =>
  vi.waitUntil(() => fleet.having(PAYMENTS, version) === INSTANCES, { timeout: 10_000 });

let glass: { changeId: string; index: number };

test('without voters two people make a config live, and every consumer has it', async () => {
  for (const voter of VOTERS) await env.stopRole(voter);
  await env.controlPlane.submit(WAITS, exampleRequest(env, '3-switch'), env.person('alice'));
  await env.until(WAITS, ({ phase }) => phase === 'quorum');

  const first = overriding({ readMs: 1000, writeMs: 1000, retries: 1 }, 'quorum,witness,canary');
  expect(await answer('override apply --yes', ...first)).toMatchObject({ applied: true, fence: null });
  await seenByAll('1.0.0');
  const again = overriding({ readMs: 2500, writeMs: 1000, retries: 1 }, 'quorum,witness');
  expect(await here(...again)).toMatchObject({ status: 6, stdout: expect.stringContaining('guard-canary') });
  const second = overriding({ readMs: 2500, writeMs: 1000, retries: 1 }, 'quorum,witness,canary');
  glass = await answer('override apply --yes', ...second);
  await seenByAll('1.1.0');
  expect((await env.log.sync()).live[PAYMENTS]).toMatchObject({
    changeId: glass.changeId,
    index: glass.index,
    version: '1.1.0',
    canary: null,
  });
});

test('whoever asks sees the move, who allowed it, and that its review is open', async () => {
  const { changeId, index } = glass;
  expect(await answer('status ID', 'status', changeId)).toMatchObject({
    phase: 'committed',
    approvals: [{ approver: 'bob' }, { approver: 'carol' }],
    waitingFor: { what: 'its review' },
  });
  expect(await answer('get', 'get', PAYMENTS)).toMatchObject({ changeId, version: '1.1.0' });
  expect(JSON.stringify(await answer('blame', 'blame', PAYMENTS))).toContain(changeId);
  expect(JSON.stringify(jsonLines(await here('audit', 'timeline', '--change', changeId)))).toContain(
    `"index":${index}`,
  );
  expect(
    await here('override', 'review', changeId, '--close', '--reason', 'it was me', '--as', 'bob'),
  ).toMatchObject({ status: 4 });
});

test('an auditor who has the export and nothing else finds it proven', async () => {
  await publishedLog(env);
  expect(await answer('audit export', 'audit', 'export', '--out', 'evidence')).toMatchObject({
    changes: expect.arrayContaining([glass.changeId]),
    missing: [],
  });
  expect(await answer('audit replay', 'audit', 'replay', glass.changeId, '--from', 'evidence')).toMatchObject(
    { decisions: [{ decision: 'commit', about: 'break-glass', result: 'same' }] },
  );
  expect(await here('audit', 'prove', glass.changeId)).toMatchObject({ status: 4 });
  const digest = (await env.log.sync()).live[PAYMENTS]?.digest;
  if (!digest) throw new Error('it is not live');
  expect(existsSync(join(env.dir, 'evidence', bodyFile(digest)))).toBe(true);
  const verified = await runHere('/nonexistent', ['audit', 'verify', join(env.dir, 'evidence')], {
    env: { RESILIENCE_HOME: '/nonexistent' },
    connect: () => Promise.reject(new Error('no network')),
  });
  expect(verified, verified.stdout).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^VERIFIED /m),
  });
});

test('with the voters back ordinary changes go on from what the two made live', async () => {
  for (const voter of VOTERS) await env.start(voter);
  await approveAll(env, WAITS);
  expect(await env.ended(WAITS)).toMatchObject({ status: 'committed' });
  const before = (await env.log.sync()).live[PAYMENTS]?.digest;
  expect(await runDocuments(env, AFTER, exampleRequest(env, '4-change-config'))).toMatchObject({
    status: 'committed',
  });
  await seenByAll('1.2.0');
  expect((await env.log.sync()).live[PAYMENTS]).toMatchObject({ parent: before, changeId: AFTER });
  await answer(
    'override review',
    'override',
    'review',
    glass.changeId,
    '--close',
    '--reason',
    'seen and kept',
    '--as',
    'alice',
  );
  expect(await here('reconcile')).toMatchObject({ status: 0 });
  expect(await here('store', 'check')).toMatchObject({ status: 0 });
});
