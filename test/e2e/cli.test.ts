import { mkdirSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Command } from 'commander';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import type { Assessment } from '../../client/assess.ts';
import { processCli } from '../../client/cli/cli.ts';
import { createProgram } from '../../client/cli/run.ts';
import type { Finding } from '../../client/doctor/finding.ts';
import type { Draft } from '../../client/draft.ts';
import { freePort } from '../../infra/dev/free-port.ts';
import { resilienceHome } from '../../infra/dev/install.ts';
import type { ChangeStatus } from '../../workflows/contract.ts';
import { type CanaryServices, startCanaryServices } from '../support/canary-services.ts';
import { CHECKOUT, jsonLines, launch, type Ran, runHere } from '../support/command-line.ts';
import { documentedCommands } from '../support/documented-commands.ts';
import { errorAnswer, JSON_ANSWERS } from '../support/json-answers.ts';

/** One stack, started and stopped by the command line itself; three people act on it, in the order of a first day. */
const folder = mkdtempSync(join(tmpdir(), 'resilience-cli-'));
const home = join(folder, 'home');
const nowhere = join(folder, 'nowhere');
let services: CanaryServices;
/** Documented JSON commands that some test has held to their document. */
const shown = new Set<string>();

beforeAll(async () => {
  mkdirSync(home, { recursive: true });
  // The pinned servers are not installed once more for this home.
  symlinkSync(join(resilienceHome(), 'tools'), join(home, 'tools'));
  services = await startCanaryServices(await freePort());
  const started = await launch(home, ['dev', '--detach', '--json']);
  expect(started, started.stdout).toMatchObject({ status: 0, stderr: '' });
  answerOf('dev --detach', started);
}, 120_000);

afterAll(async () => {
  await launch(home, ['dev', 'stop']);
  await services.stop();
  rmSync(folder, { recursive: true, force: true });
});

/** Every line must be what docs/cli.md says of `command`. */
function answerOf<T>(command: string, ran: Ran): T[] {
  shown.add(command);
  const lines = jsonLines(ran);
  expect(lines.length, `${command} printed nothing: ${ran.stderr}`).toBeGreaterThan(0);
  for (const line of lines) JSON_ANSWERS[command]?.parse(line);
  return lines as T[];
}

/** An example with the port of this run's services, and short watches. */
function example(name: string, stages = '[10, 100]'): string {
  const text = readFileSync(join(CHECKOUT, 'examples', `${name}.yaml`), 'utf8')
    .replace('port: 8080', `port: ${services.port}`)
    .replace('bakeSeconds: 2', 'bakeSeconds: 0')
    .replace('stages: [1, 10, 50, 100]', `stages: ${stages}`);
  const file = join(folder, `${name}.yaml`);
  writeFileSync(file, text);
  return file;
}

/** A draft of one record, with its author's edits. */
function edited(draft: Draft | undefined, values: string[]): string {
  const operations = draft?.spec.operations.map((one) => ({ ...one, body: { ttl: 1, values } }));
  const metadata = { ...draft?.metadata, reason: 'Try another address' };
  const file = join(folder, 'edited.yaml');
  writeFileSync(file, JSON.stringify({ ...draft, metadata, spec: { ...draft?.spec, operations } }));
  return file;
}

const here = (...args: string[]) => runHere(home, args);

async function submit(file: string): Promise<string> {
  const ran = await here('submit', file, '--as', 'alice', '--json');
  return answerOf<{ changeId: string }>('submit', ran)[0]?.changeId ?? '';
}

async function statusOf(changeId: string): Promise<ChangeStatus | undefined> {
  return answerOf<ChangeStatus>('status CHANGE', await here('status', changeId, '--json'))[0];
}

async function until(changeId: string, reached: (status: ChangeStatus) => boolean): Promise<ChangeStatus> {
  return vi.waitUntil(
    async () => {
      const status = await statusOf(changeId);
      return status && reached(status) ? status : undefined;
    },
    { timeout: 30_000, interval: 100 },
  );
}

const waits = ({ phase, waitingFor }: ChangeStatus) => phase === 'approval' && waitingFor !== null;

async function approve(changeId: string): Promise<void> {
  await until(changeId, waits);
  for (const person of ['bob', 'carol']) {
    answerOf('approve --yes', await here('approve', changeId, '--yes', '--as', person, '--json'));
  }
}

/** The entries of a change as `type fate`. */
async function entriesOf(changeId: string): Promise<string[]> {
  const lines = answerOf<{ statement: { type: string }; fate: string }>(
    'history',
    await here('history', changeId, '--json'),
  );
  return lines.map(({ statement, fate }) =>
    fate === 'honoured' ? statement.type : `${statement.type} ${fate}`,
  );
}

describe('before anything is changed', () => {
  test('it says who has a key and that the stack runs', async () => {
    const keys = await launch(home, ['keys', 'list']);
    expect(keys.status).toBe(0);
    expect(keys.stdout).toMatch(/^alice +sha256:[0-9a-f]{64} +author, approver\nbob .*\ncarol .*operator\n$/);
    const [{ findings } = { findings: [] }] = answerOf<{ findings: Finding[] }>(
      'doctor',
      await here('doctor', '--json'),
    );
    expect(findings.filter(({ state }) => state !== 'well')).toEqual([]);
    expect(new Set(findings.map(({ check }) => check)).size).toBe(9);
    answerOf('keys list', await here('keys', 'list', '--json'));
    answerOf('keys create', await here('keys', 'create', 'dora@example.com', '--json'));
    rmSync(join(home, 'dev', 'keys', 'dora@example.com.pem'));
    const enrolled = await here('factor', 'enrol', '--as', 'alice', '--json');
    answerOf('factor enrol', enrolled);
    answerOf('dev status', await here('dev', 'status', '--json'));
    answerOf('schema', {
      ...(await here('schema')),
      stdout: JSON.stringify(JSON.parse((await here('schema')).stdout)),
    });
  });

  test.each([
    ['good-change', 0],
    ['bad-change', 0],
    ['refused-change', 3],
  ])('it plans examples/%s.yaml', async (name, status) => {
    const file = `examples/${name}.yaml`;
    const ran = await here('plan', file);
    expect(ran.status).toBe(status);
    await expect(ran.stdout).toMatchFileSnapshot(`golden/${name}.plan.txt`);
    answerOf('plan', await here('plan', file, '--json'));
  });
});

test('a good change goes live: its author watches, two people approve at once', async () => {
  const watched = launch(home, ['submit', example('good-change'), '--as', 'alice', '--watch', '--json']);
  const changeId = await vi.waitUntil(
    async () => {
      const [status] = answerOf<{ changes: { changeId: string }[] }>(
        'status',
        await here('status', '--json'),
      );
      return status?.changes[0]?.changeId;
    },
    { timeout: 30_000, interval: 100 },
  );
  const waiting = await until(changeId, waits);
  expect(waiting.waitingFor).toEqual({
    what: '2 more approvals',
    who: 'bob (payments), carol (reliability)',
  });

  const own = await here('approve', changeId, '--yes', '--as', 'alice', '--json');
  expect(own.status).toBe(4);
  expect(errorAnswer.parse(jsonLines(own)[0]).error).toMatchObject({
    code: 'NOT_PERMITTED',
    violations: [{ rule: 'permission' }],
  });

  const people = await Promise.all(
    ['bob', 'carol'].map((person) =>
      launch(home, ['approve', changeId, '--yes', '--json'], { RESILIENCE_AS: person }),
    ),
  );
  for (const ran of people) {
    expect(ran).toMatchObject({ status: 0 });
    answerOf('approve --yes', ran);
  }

  const ran = await watched;
  expect(ran.status).toBe(0);
  const seen = answerOf<ChangeStatus>('submit --watch', ran).slice(1);
  expect(seen.at(-1)).toMatchObject({ phase: 'committed', waitingFor: null, held: null });
  expect(seen.at(-1)?.stages.map(({ name, state }) => `${name} ${state}`)).toEqual([
    '10% passed',
    '100% passed',
    'final passed',
  ]);
  expect(await entriesOf(changeId)).toEqual(
    expect.arrayContaining([
      'request',
      'plan',
      'vote',
      'acceptance',
      'intent',
      'outcome',
      'stage-verdict',
      'commit',
    ]),
  );
  answerOf('watch', await here('watch', changeId, '--json'));

  const record = 'dns/example.com/api/A';
  expect(answerOf('get', await here('get', record, '--json'))).toMatchObject([{ changeId, author: 'alice' }]);
  expect(answerOf('log RESOURCE', await here('log', record, '--json'))).toMatchObject([{ changeId }]);
  expect(answerOf('ls', await here('ls', 'dns/', '--json'))).toMatchObject([{ versions: [{ changeId }] }]);
  expect(answerOf('diff', await here('diff', record, record, '--json'))).toMatchObject([
    { differences: [{ edits: [] }] },
  ]);
  const tree = answerOf('tree', await here('tree', record, '--json'));
  expect(tree).toMatchObject([{ nodes: [{ resource: record, dependents: [] }] }]);
  expect(await here('get', record, '--explain')).toMatchObject({ status: 2 });
  answerOf('blame', await here('blame', record, '--json'));
  const [draft] = answerOf<Draft>('draft', await here('draft', record, '--json'));
  expect(draft?.spec.operations).toEqual([{ set: record, body: { ttl: 1, values: ['127.0.0.2'] } }]);
  const plan = await here('plan', edited(draft, ['127.0.0.3']), '--json');
  const [preview] = answerOf<{ violations: { code: string }[] }>('plan', plan);
  expect(preview?.violations.filter(({ code }) => code === 'STALE_BASE')).toEqual([]);
  const check = (...asked: string[]) => here('permissions', 'check', ...asked);
  const allowed = await check('submit', record, '--as', 'alice', '--json');
  expect(answerOf('permissions check', allowed)).toMatchObject([{ policies: ['authors-submit'] }]);
  const denied = await check('approve', record, '--as', 'bob', '--context', 'author=bob');
  expect(denied).toMatchObject({ status: 4, stdout: expect.stringContaining('nobody-decides-on-their-own') });
  const guide = readFileSync(join(CHECKOUT, 'docs/guide/permissions.md'), 'utf8');
  expect(guide).toContain((await check('submit', record, '--as', 'alice')).stdout);
  expect(guide).toContain(denied.stdout);
  expect(await check('approve', record, '--as', 'bob', '--context', 'risk=odd')).toMatchObject({ status: 2 });
  const policy = join(CHECKOUT, 'examples/documents/8-permissions.yaml');
  answerOf('permissions test', await here('permissions', 'test', policy, '--json'));
  expect(await here('get', 'dns/example.com/apj/A')).toMatchObject({ status: 3 });

  const verbose = await here('status', changeId, '--verbose');
  expect(verbose.stdout).toContain('committed  demo, by alice');
  for (const phase of [
    'submitted',
    'schema',
    'causal',
    'plan',
    'quorum',
    'approval',
    'stages',
    'verify',
    'commit',
  ]) {
    expect(verbose.stdout).toMatch(new RegExp(`\\d  ${phase}$`, 'm'));
  }
  // Asked of a live change, the same request has nothing left to do.
  expect((await here('plan', example('good-change'))).stdout).toContain('nothing-to-change');
});

test('a change is paused, continued, and aborted while it is live: production goes back', async () => {
  const file = example('good-change');
  writeFileSync(file, readFileSync(file, 'utf8').replace('[127.0.0.2]', '[127.0.0.1]'));
  const changeId = await submit(file);
  await until(changeId, waits);
  answerOf('pause', await here('pause', changeId, '--as', 'bob', '--reason', 'lunch', '--json'));
  const paused = await until(
    changeId,
    (status) => waits(status) && status.waitingFor?.what !== '2 more approvals',
  );
  expect(paused.waitingFor?.what).toBe('2 more approvals; bob has paused it: lunch');
  answerOf('continue', await here('continue', changeId, '--as', 'bob', '--reason', 'back', '--json'));
  await approve(changeId);
  await until(changeId, ({ stages }) => stages.some(({ state }) => state === 'baking'));
  answerOf('abort', await here('abort', changeId, '--as', 'bob', '--reason', 'incident 812', '--json'));

  const watched = await here('watch', changeId);
  expect(watched.status).toBe(7);
  expect(watched.stdout).toContain('Aborted by bob: incident 812');
  expect(await here('status', changeId)).toMatchObject({ stdout: expect.stringContaining('rolled-back') });
  expect(await here('abort', changeId, '--as', 'bob', '--reason', 'again', '--json')).toMatchObject({
    status: 5,
  });
  const plan = await here('plan', file, '--json');
  expect(plan.stdout, 'the address before the change is live').toContain('"values":["127.0.0.2"]');
});

test('an operator freezes the environment, sees it effective, and lets it go on step by step', async () => {
  expect(await here('automation', 'status')).toMatchObject({ status: 0, stdout: 'demo is active.\n' });
  expect(await here('automation', 'freeze', '--as', 'bob', '--reason', 'not mine to do')).toMatchObject({
    status: 4,
    stderr: expect.stringContaining('bob does not have the role operator'),
  });
  const frozen = await here('automation', 'freeze', '--as', 'carol', '--reason', 'incident 812');
  expect(frozen).toMatchObject({ status: 0, stderr: '' });
  expect(frozen.stdout).toMatch(/^The environment is frozen: recorded at entry \d+, .* after \d+/);
  expect(frozen.stdout).toMatch(/^Effective in zone example\.com after .*: fence \d+\.$/m);
  answerOf('automation status', await here('automation', 'status', '--json'));
  expect((await here('automation', 'status')).stdout).toContain('effective in zone example.com: fence');
  const [assessment] = answerOf<Assessment>('assess', await here('assess', '--json'));
  const record = 'dns/example.com/api/A';
  expect(assessment).toMatchObject({
    automation: { state: 'frozen', scopes: [{ operator: 'carol', reason: 'incident 812' }] },
    ...{ engineAway: null, changes: [], anomalies: [], drift: [], next: { step: 'resume' } },
    resources: [
      { resource: record, changes: [{ state: 'rolled-back' }, { state: 'committed', author: 'alice' }] },
    ],
  });
  expect(assessment?.resources[0]?.changes[1]?.approvedBy).toEqual(['bob', 'carol']);
  expect((await here('assess', '--resource', record)).stdout).toContain(`Last changes to ${record}`);

  const gradually = ['--gradual', '--az', 'us-east-1b', '--watch-seconds', '0', '--reason', 'it is over'];
  const [resumed] = answerOf<{ order: string[] }>(
    'automation resume',
    await here('automation', 'resume', '--as', 'carol', ...gradually, '--json'),
  );
  expect(resumed?.order[0]).toBe('us-east-1b');
  const isActive = async () => (await here('automation', 'status')).stdout === 'demo is active.\n';
  await vi.waitUntil(isActive, { timeout: 20_000, interval: 200 });
  expect((await here('automation', 'status', '--verbose')).stdout).toContain('released 3 of 3: us-east-1b, ');

  const scoped = await here(
    'automation',
    'freeze',
    '--as',
    'carol',
    '--kind',
    'config',
    '--reason',
    'a',
    '--json',
  );
  answerOf('automation freeze', scoped);
  expect(await here('automation', 'resume', '--as', 'carol', '--reason', 'b')).toMatchObject({
    status: 3,
    stderr: expect.stringContaining('the environment is not frozen; frozen: kind config'),
  });
  await here('automation', 'resume', '--as', 'carol', '--kind', 'config', '--reason', 'b');
  const refused = await here('automation', 'freeze', '--hard', '--as', 'carol', '--reason', 'c', '--json');
  expect(refused).toMatchObject({ status: 2, stderr: expect.stringContaining('a hard freeze needs --yes') });
});

test('a rejected change ends with its reason', async () => {
  const file = example('bad-change');
  const changeId = await submit(file);
  await until(changeId, waits);
  const reason = 'wait for Monday';
  answerOf('reject', await here('reject', changeId, '--as', 'carol', '--reason', reason, '--json'));
  const watched = await here('watch', changeId);
  expect(watched).toMatchObject({ status: 7 });
  expect(watched.stdout).toContain(reason);
  expect((await entriesOf(changeId)).at(-1)).toBe('end');
  expect((await here('history', changeId)).stdout).toContain(`reject by carol ("${reason}") accepted`);
  const late = await here('approve', changeId, '--yes', '--as', 'bob', '--json');
  expect(late.status).toBe(5);
  expect(errorAnswer.parse(jsonLines(late)[0]).error.code).toBe('ALREADY_ENDED');
});

test('a bad change goes back by itself, and its watcher learns it by exit status 8', async () => {
  const changeId = await submit(example('bad-change'));
  const watched = launch(home, ['watch', changeId]);
  await approve(changeId);
  const ran = await watched;
  expect(ran.status).toBe(8);
  expect(ran.stdout).toMatch(/rolled back; the records are as before/);
  expect((await statusOf(changeId))?.phase).toBe('rolled-back');
});

test('two people break glass, and a third closes the review', async () => {
  const apply = (...more: string[]) =>
    here(
      ...[
        'override',
        'apply',
        '--config',
        'examples/break-glass.yaml',
        '--approver',
        'bob',
        '--approver',
        'carol',
      ],
      ...['--reason', 'quorum lost, the api is down', '--yes', '--code-from-dev', '--json', ...more],
    );
  const refused = await apply('--overrides', 'quorum,witness');
  expect(refused.status).toBe(3);
  expect(errorAnswer.parse(jsonLines(refused)[0]).error.violations.map(({ rule }) => rule)).toContain(
    'guard-canary',
  );
  expect(await apply('--overrides', 'everything')).toMatchObject({ status: 2 });
  const done = await apply('--overrides', 'quorum,witness,canary');
  const [{ changeId = '' } = {}] = answerOf<{ changeId: string }>('override apply --yes', done);
  const [listed] = answerOf<{ changes: { changeId: string; state: string }[] }>(
    'status',
    await here('status', '--json'),
  );
  expect(listed?.changes.find((one) => one.changeId === changeId)?.state).toBe('in-review');
  expect((await statusOf(changeId))?.waitingFor?.what).toBe('its review');
  expect(answerOf('get', await here('get', 'dns/example.com/api/A', '--json'))).toMatchObject([{ changeId }]);
  answerOf('override reconcile', await here('override', 'reconcile', '--json'));
  const review = (who: string, reason = 'seen and mended') =>
    here('override', 'review', changeId, '--close', '--reason', reason, '--as', who, '--json');
  expect(await review('alice', 'ok')).toMatchObject({ status: 2 });
  expect(await review('bob')).toMatchObject({ status: 4 });
  answerOf('override review', await review('alice'));
  expect(await review('alice')).toMatchObject({ status: 5 });
  expect((await statusOf(changeId))?.waitingFor).toBeNull();
});

test('the log tells all of it, and every entry counts but the refused ones', async () => {
  const lines = answerOf<{ index: number; fate: string }>('log', await here('log', '--json'));
  expect(lines.map(({ index }) => index)).toEqual(lines.map((_, position) => position));
  expect(lines.map(({ fate }) => fate)).not.toContain('inert');
  const tail = jsonLines(await here('log', '--since', String(lines.length - 1), '--json'));
  expect(tail).toEqual(lines.slice(-1));
});

test('record, engine and zones agree, also after a recovery', async () => {
  answerOf('reconcile', await here('reconcile', '--json'));
  expect(await here('reconcile')).toMatchObject({
    status: 0,
    stdout: expect.stringMatching(/^Everything agrees/),
  });
  const recover = ['recover', '--reason', 'to show it', '--as'];
  expect((await here(...recover, 'alice', '--json')).status).toBe(4);
  answerOf('recover', await here(...recover, 'carol', '--json'));
  expect((await here(...recover, 'carol')).stdout).toMatch(
    /^Recovery recorded at entry \d+\..*\n {2}example\.com +fence \d+\n/,
  );
});

test('the store is sound, and a snapshot is taken on demand', async () => {
  answerOf('snapshot create', await here('snapshot', 'create', '--json'));
  expect((await here('snapshot', 'create')).stdout).toMatch(
    /^Entry \d+ names the state of \d+ entries, sha256:/,
  );
  answerOf('snapshot list', await here('snapshot', 'list', '--json'));
  const verified = await here('snapshot', 'list', '--verify');
  expect(verified).toMatchObject({ status: 0, stdout: expect.stringMatching(/^(same {2}.*\n){2}$/) });
  answerOf('store check', await here('store', 'check', '--json'));
  expect(await here('store', 'check')).toMatchObject({ status: 0, stdout: expect.stringMatching(/^SOUND/) });
});

describe('what the documents promise', () => {
  const commands = leaves(createProgram(processCli()));

  test.each(commands.map(({ path }) => [path.join(' ')]))(
    '%s --help shows an example that works',
    async (name) => {
      const ran = await here(...name.split(' '), '--help');
      expect(ran.status).toBe(0);
      const examples = ran.stdout
        .split(/^Examples?:$/m)[1]
        ?.split('\n')
        .filter((line) => line.startsWith('  resilience-ctl'));
      expect(examples?.length).toBeGreaterThan(0);
      for (const line of examples ?? []) {
        const words = [...line.replace(/ > .*/, '').matchAll(/("[^"]*"|\S+)/g)].map(([word]) =>
          word.replaceAll('"', ''),
        );
        await expectUnderstood(words);
      }
    },
  );

  test('every command that a document, an example or a message names is understood', async () => {
    const scripts = Object.keys(
      (JSON.parse(readFileSync(join(CHECKOUT, 'package.json'), 'utf8')) as { scripts: object }).scripts,
    );
    const named = documentedCommands();
    expect(named.length).toBeGreaterThan(30);
    for (const { source, words } of named) {
      if (words[0] === 'npm') expect(scripts, source).toContain(words.at(-1));
      else await expectUnderstood(words, source);
    }
  });

  test('every command has a documented JSON answer', () => {
    const documented = documentedAnswers();
    expect(Object.keys(JSON_ANSWERS).sort()).toEqual([...documented].sort());
    for (const { path } of commands) {
      expect(
        documented.some((one) => one === path.join(' ') || one.startsWith(`${path.join(' ')} `)),
        path.join(' '),
      ).toBe(true);
    }
  });
});

/** Against a home that is empty a command that is understood says that nothing runs; `dev` that something does. */
async function expectUnderstood([, ...args]: string[], source = 'help'): Promise<void> {
  // It would start servers of its own.
  if (args[0] === 'drill') {
    expect(await runHere(nowhere, [...args, '--help'])).toMatchObject({ status: 0 });
    return;
  }
  const starts = args.join(' ').replace(' --detach', '') === 'dev';
  const ran = await runHere(starts ? home : nowhere, args);
  // What an auditor does offline needs files that are not there.
  const offline = args[0] === 'audit' && (args[1] === 'verify' || args.includes('--from'));
  const expected = starts ? 5 : args[0] === 'schema' ? 0 : offline ? 3 : 9;
  expect(ran, `${args.join(' ')}, named in ${source}`).toMatchObject({ status: expected });
}

/** Commands that only hold others. */
const GROUPS = [
  'automation',
  'drill',
  'factor',
  'override',
  'keys',
  'audit',
  'snapshot',
  'store',
  'permissions',
  'trust',
];

function leaves(command: Command, path: string[] = []): { path: string[] }[] {
  const own = command.parent === null || GROUPS.includes(command.name()) ? [] : [{ path }];
  return [...own, ...command.commands.flatMap((one) => leaves(one, [...path, one.name()]))];
}

/** The first column of the table under "JSON" in docs/cli.md. */
function documentedAnswers(): string[] {
  const [, section = ''] = readFileSync(join(CHECKOUT, 'docs/cli.md'), 'utf8').split('## JSON');
  const rows = section.split('\n').filter((line) => line.startsWith('| `'));
  return rows.flatMap((row) =>
    [...(row.split(' | ')[0] ?? '').matchAll(/`([^`]+)`/g)].map(([, name = '']) => name),
  );
}

test('the stack is stopped, says so, and every documented answer was seen', async () => {
  answerOf('dev stop', await here('dev', 'stop', '--json'));
  const again = await here('dev', 'status', '--json');
  expect(again.status).toBe(9);
  expect(errorAnswer.parse(jsonLines(again)[0]).error.next).toContain('resilience-ctl dev');
  // In the foreground it prints what `--detach` prints; a test would have to send it a signal.
  // Those of `audit` are shown by audit.test.ts, where checkpoints are published.
  // Those of `trust` by trust.test.ts.
  const unseen = Object.keys(JSON_ANSWERS).filter(
    (name) => !shown.has(name) && !/^(audit|trust) /.test(name),
  );
  // The way back needs a second version, and layers are of documents: both are tested in store.test.ts.
  expect(unseen.sort()).toEqual(['dev', 'drill break-glass', 'get --explain', 'restore', 'revert']);
});
