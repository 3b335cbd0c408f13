import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import { parseTrustDocument, type TrustDocument } from '../../domain/evidence/trust.ts';
import { CHECKOUT, jsonLines, type Ran, runHere } from '../support/command-line.ts';
import { documentedCommands } from '../support/documented-commands.ts';
import { JSON_ANSWERS } from '../support/json-answers.ts';
import { canaryRequest, runChange } from '../support/live-change.ts';
import { type LiveEnvironment, startLiveEnvironment } from '../support/live-environment.ts';
import { publishedLog } from '../support/publish-log.ts';

/** The guide's walk, on real servers whose roles all started with version 1. */
const GUIDE = 'docs/guide/rotate-trust.md';
let env: LiveEnvironment;
let home: string;

beforeAll(async () => {
  env = await startLiveEnvironment({ name: 'governed' });
  home = await publishedLog(env);
});

afterAll(async () => {
  await env?.stop();
});

const here = (...args: string[]) => runHere(home, args, { folder: env.dir });
const fileHere = (name: string) => join(env.dir, name);

async function answer<T>(...args: string[]): Promise<T> {
  const ran = await here(...args, '--json');
  expect(ran, args.join(' ')).toMatchObject({ status: 0 });
  const [line] = jsonLines(ran);
  JSON_ANSWERS[args.slice(0, 2).join(' ')]?.parse(line);
  return line as T;
}

/** What a person does in an editor. */
function writeNext(document: TrustDocument, change: Partial<TrustDocument>): TrustDocument {
  const next = parseTrustDocument({ ...document, version: document.version + 1, ...change });
  writeFileSync(fileHere('next.json'), JSON.stringify(next, null, 2));
  return next;
}

function expectDone(ran: Ran, words: readonly string[]): void {
  expect(ran, words.join(' ')).toMatchObject({ status: 0 });
}

test('the guide enrols a person, whom every role knows from the next entry on', async () => {
  const walk = documentedCommands()
    .filter(({ source, words }) => source === GUIDE && words.length > 3)
    .map(({ words: [, ...args] }) => args)
    .filter(([group]) => group === 'keys' || group === 'trust');
  expect(walk.map((args) => args.slice(0, 2).join(' '))).toEqual([
    'keys create',
    'trust show',
    'trust propose',
    'trust sign',
    'trust sign',
    'trust apply',
  ]);
  const document = await answer<TrustDocument>('trust', 'show');
  const [create = [], , propose = [], ...others] = walk;
  const { keyId, publicKey } = await answer<{ keyId: string; publicKey: string }>(...create);
  const dave = {
    subject: 'dave',
    roles: ['author' as const],
    teams: ['payments'],
    secondFactors: [],
    keys: [{ keyId, publicKey }],
  };
  await expect(
    env.controlPlane.submit('chg-000000000000', canaryRequest(env), env.person('dave')),
  ).rejects.toMatchObject({
    code: 'SIGNATURE_INVALID',
  });

  const next = writeNext(document, { people: [...document.people, dave] });
  const proposed = await here(...propose);
  expectDone(proposed, propose);
  const guide = readFileSync(join(CHECKOUT, GUIDE), 'utf8');
  for (const line of ['  + person dave\n', '  + key of person dave: sha256:']) {
    expect(proposed.stdout).toContain(line);
    expect(guide).toContain(line);
  }
  for (const args of others) expectDone(await here(...args), args);

  expect(await answer('trust', 'show')).toEqual(next);
  expect(await answer('trust', 'show', '--version', '1')).toEqual(document);
  const { index } = await env.controlPlane.submit('chg-000000000001', canaryRequest(env), env.person('dave'));
  expect(index).toBeGreaterThan(0);
  await env.approve('chg-000000000001');
  expect((await env.ended('chg-000000000001')).status).toBe('committed');
});

test('a proposal that too few have signed is refused, and it says who is missing', async () => {
  const document = await answer<TrustDocument>('trust', 'show');
  writeNext(document, { people: document.people.filter(({ subject }) => subject !== 'dave') });
  await answer('trust', 'propose', 'next.json', '--out', 'retire.json');
  // It may hold signatures by now.
  const again = await here('trust', 'propose', 'next.json', '--out', 'retire.json');
  expect(again).toMatchObject({ status: 2, stderr: expect.stringContaining('there is one already') });
  expect(await here('trust', 'apply', 'retire.json')).toMatchObject({ status: 4 });
  const signed = await answer('trust', 'sign', 'retire.json', '--as', 'dora');
  expect(signed).toMatchObject({ signed: ['dora'], missing: ['erin', 'finn'] });
  const refused = await here('trust', 'apply', 'retire.json');
  expect(refused).toMatchObject({ status: 4, stderr: expect.stringContaining('1 of 2 needed root holders') });
  expect(refused.stderr).toContain('erin, finn');
  expect(await answer('trust', 'show')).toEqual(document);
});

test('a retired key signs nothing more, and what it signed before stays proven', async () => {
  await answer('trust', 'sign', 'retire.json', '--as', 'finn');
  const applied = await answer<{ version: number }>('trust', 'apply', 'retire.json');
  expect(applied).toMatchObject({ version: 3 });
  await expect(
    env.controlPlane.submit('chg-000000000002', canaryRequest(env), env.person('dave')),
  ).rejects.toMatchObject({
    code: 'SIGNATURE_INVALID',
  });
  expect(await here('trust', 'apply', 'retire.json')).toMatchObject({ status: 5 });
  expect(await runChange(env, 'chg-000000000003', { to: env.services.broken })).toBe('rolled-back');
});

test('a document that could not take its place is refused before anybody signs', async () => {
  const document = await answer<TrustDocument>('trust', 'show');
  const propose = (change: Partial<TrustDocument>) => {
    writeFileSync(fileHere('next.json'), JSON.stringify({ ...document, ...change }));
    return here('trust', 'propose', 'next.json');
  };
  expect(await propose({})).toMatchObject({
    status: 5,
    stderr: expect.stringContaining('the next one is 4'),
  });
  const root = { ...document.root, expiresAt: '2020-01-01T00:00:00.000Z' };
  expect(await propose({ version: 4, root })).toMatchObject({ status: 6 });
  expect(await propose({ version: 4, environment: 'staging' })).toMatchObject({ status: 3 });
});

test('an auditor follows the versions from the pinned one, offline', async () => {
  home = await publishedLog(env);
  await answer('audit', 'export', '--out', 'evidence');
  expect(await answer('audit', 'verify', 'evidence')).toMatchObject({ ok: true });
  await answer('audit', 'prove', 'chg-000000000001', '--out', 'proof.json');
  expect(await here('audit', 'verify', 'proof.json')).toMatchObject({ status: 0 });
  const log = await here('log');
  expect(log.stdout).toContain(`trust document, version 3`);
  expect(digestOf(await answer('trust', 'show', '--version', '2'))).toMatch(/^sha256:/);
});
