import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { HistoryArchive } from '../../activities/ports/history-archive.ts';
import type { ReplayedDecision } from '../../domain/evidence/replay-change.ts';
import { createS3Client } from '../../infra/aws/aws-clients.ts';
import { createS3HistoryArchive } from '../../infra/aws/s3-history-archive.ts';
import { closedRuns } from '../../infra/temporal/closed-runs.ts';
import { installedBuild } from '../../worker/installed-build.ts';
import { jsonLines, runHere } from '../support/command-line.ts';
import { JSON_ANSWERS } from '../support/json-answers.ts';
import { runChange } from '../support/live-change.ts';
import { type LiveEnvironment, startLiveEnvironment } from '../support/live-environment.ts';
import { publishedLog } from '../support/publish-log.ts';

/** An auditor's day, on real servers: two changes have happened, one went live, one went back. */
const GOOD = 'chg-00000000000a';
const BAD = 'chg-00000000000b';
let env: LiveEnvironment;
let home: string;
let dir: string;
let archive: HistoryArchive;

beforeAll(async () => {
  // In its own process: it archives histories beside its work.
  env = await startLiveEnvironment({ name: 'audited', processes: ['orchestrator'] });
  expect(await runChange(env, GOOD)).toBe('committed');
  expect(await runChange(env, BAD, { label: 'web', to: env.services.broken })).toBe('rolled-back');
  home = await publishedLog(env);
  await forgetRuns();
  dir = join(env.dir, 'evidence');
});

/** Temporal, once the histories are archived, is made to purge both runs as its retention would. */
async function forgetRuns(): Promise<void> {
  archive = createS3HistoryArchive({
    s3: createS3Client(env.prepared.workers.orchestrator.aws),
    bucket: env.prepared.installation.aws.bucket,
    environment: env.name,
  });
  const kept = async () => (await archive.changes()).isSupersetOf(new Set([GOOD, BAD]));
  await vi.waitUntil(kept, { timeout: 20_000, interval: 200 });
  for (const workflowId of [GOOD, BAD]) {
    await env.client.workflowService.deleteWorkflowExecution({
      namespace: env.name,
      workflowExecution: { workflowId },
    });
    const isGone = async () => (await closedRuns(env.client, workflowId)) === 'forgotten';
    await vi.waitUntil(isGone, { timeout: 60_000, interval: 100 });
  }
}

afterAll(async () => {
  await env?.stop();
});

const here = (...args: string[]) => runHere(home, ['audit', ...args], { folder: env.dir });

/** The one answer of a command, which must be what docs/cli.md says. */
async function answer<T>(command: string, ...args: string[]): Promise<T> {
  const ran = await here(...args, '--json');
  const [line] = jsonLines(ran);
  JSON_ANSWERS[`audit ${command}`]?.parse(line);
  return line as T;
}

test('the export is verified offline, with nothing but its folder', async () => {
  const exported = await answer<{ size: number; changes: string[]; missing: unknown[] }>(
    'export',
    'export',
    '--out',
    'evidence',
  );
  expect(exported).toMatchObject({ changes: [GOOD, BAD], missing: [] });
  const nowhere = {
    env: { RESILIENCE_HOME: '/nonexistent' },
    connect: () => Promise.reject(new Error('no network')),
  };
  const ran = await runHere(
    '/nonexistent',
    ['audit', 'verify', dir, '--pins', join(dir, 'pins.json')],
    nowhere,
  );
  expect(ran.stdout).toMatch(
    /^VERIFIED .*: audited, \d+ entries .*, 2 changes with their bodies, cosigned /m,
  );
  expect(ran).toMatchObject({ status: 0, stderr: '' });
  expect(await answer('verify', 'verify', 'evidence')).toMatchObject({
    ok: true,
    size: exported.size,
    fates: { honoured: exported.size },
    effects: { unjudged: 0 },
  });
});

test('a folder that is not empty is not written into', async () => {
  expect(await here('export', '--out', 'evidence')).toMatchObject({ status: 5 });
});

test('one changed byte in a file of any kind is caught', async () => {
  const files = readdirSync(dir, { recursive: true, withFileTypes: true }).filter((one) => one.isFile());
  expect(files.length).toBeGreaterThan(12);
  const places = new Set(files.map(({ parentPath }) => parentPath));
  for (const place of places) {
    const file = files.find(({ parentPath }) => parentPath === place);
    const path = join(place, file?.name ?? '');
    const bytes = readFileSync(path);
    const changed = Buffer.from(bytes);
    const at = Math.floor(bytes.length / 2);
    changed[at] = (changed[at] ?? 0) ^ 1;
    writeFileSync(path, changed);
    const ran = await here('verify', 'evidence');
    writeFileSync(path, bytes);
    expect(ran.status, path).toBe(11);
    expect(ran.stdout).toContain('FAILED');
  }
  expect(await here('verify', 'evidence')).toMatchObject({ status: 0 });
});

test('an archived history stays what it is', async () => {
  const before = await archive.get(GOOD);
  await archive.put(GOOD, [{ runId: 'another', history: {} }]);
  expect(await archive.get(GOOD)).toEqual(before);
  expect(before).toHaveLength(1);
  expect(await archive.get('chg-unknown')).toBeNull();
});

describe.each([GOOD, BAD])('change %s', (changeId) => {
  test('is proven in one file, which is verified in a moment', async () => {
    const file = `${changeId}.proof.json`;
    expect(await answer('prove', 'prove', changeId)).toMatchObject({ changeId, file });
    const startedMs = performance.now();
    const ran = await here('verify', file);
    expect(performance.now() - startedMs).toBeLessThan(1000);
    expect(ran).toMatchObject({ status: 0 });
    expect(ran.stdout).toContain(`change ${changeId} in audited`);
    expect(await answer('verify FILE', 'verify', file)).toMatchObject({ ok: true, changeId });
    const text = readFileSync(join(env.dir, file), 'utf8');
    writeFileSync(join(env.dir, file), text.replace('"reason":"', '"reason":"x'));
    expect(await here('verify', file)).toMatchObject({ status: 11 });
  });

  test('is decided again as it was, from the environment and from the export', async () => {
    type Answer = { decisions: ReplayedDecision[]; histories: { result: string }[] };
    for (const from of [[], ['--from', 'evidence']]) {
      const { decisions, histories } = await answer<Answer>('replay', 'replay', changeId, ...from);
      expect(decisions.filter(({ result }) => result !== 'same')).toEqual([]);
      const kinds = [
        'schema',
        'causality',
        'plan',
        'risk',
        'invariants',
        'quorum',
        'approval',
        'bundle',
        'verdict',
      ];
      expect(new Set(decisions.map(({ decision }) => decision))).toEqual(
        new Set(changeId === GOOD ? [...kinds, 'commit'] : kinds),
      );
      expect(histories.map(({ result }) => result)).toEqual(['same']);
      const { madeBy } = decisions.find(({ decision }) => decision === 'plan') ?? {};
      expect(madeBy).toEqual({ ...installedBuild(), run: expect.objectContaining({ workflowId: changeId }) });
      const unsaid = decisions.filter((one) => one.madeBy === null).map(({ decision }) => decision);
      expect(unsaid).toEqual(['schema']);
    }
    const ran = await here('replay', changeId, '--from', 'evidence');
    expect(ran).toMatchObject({ status: 0 });
  });

  test('is told as a story', async () => {
    const { stdout } = await here('timeline', '--change', changeId);
    expect(stdout).toContain('asked for by alice');
    expect(stdout).toContain('approve by bob');
    expect(stdout).toContain(changeId === GOOD ? 'committed, allowed by bob' : 'back from stage 50%');
    expect(await answer('timeline', 'timeline', '--change', changeId)).toMatchObject({ author: 'alice' });
  });
});

test('the timeline is filtered by resource and by who had a say, and says what was live', async () => {
  const of = async (...args: string[]) =>
    jsonLines(await here('timeline', ...args, '--json')).map(
      (line) => (line as { changeId: string }).changeId,
    );
  expect(await of()).toEqual([GOOD, BAD]);
  expect(await of('--resource', 'dns/audited.test/web/A')).toEqual([BAD]);
  expect(await of('--actor', 'bob')).toEqual([GOOD, BAD]);
  expect(await of('--actor', 'carol')).toEqual([]);
  const at = new Date(Date.now() + 60_000).toISOString();
  const then = await answer<{ live: unknown[] }>('timeline --at', 'timeline', '--at', at);
  expect(then.live).toMatchObject([
    { resource: 'dns/audited.test/api/A', changeId: GOOD, author: 'alice', approvedBy: ['bob'] },
  ]);
  expect(await answer('timeline --at', 'timeline', '--at', '2020-01-01')).toMatchObject({
    size: 0,
    live: [],
  });
});

test('an export of one change has the bodies of that one, and verifies', async () => {
  expect(await answer('export', 'export', '--out', 'one', '--change', BAD)).toMatchObject({ changes: [BAD] });
  expect(await answer('verify', 'verify', 'one')).toMatchObject({ ok: true, changes: 1 });
  expect(await here('export', '--out', 'none', '--change', 'chg-unknown')).toMatchObject({ status: 3 });
});
