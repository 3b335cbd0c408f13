import { once } from 'node:events';
import { copyFileSync, cpSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { GetObjectCommand, PutObjectCommand } from '@aws-sdk/client-s3';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { LogLine } from '../../client/log-line.ts';
import type { LocatedViolation } from '../../client/request-file.ts';
import type { ErrorCode } from '../../domain/errors.ts';
import { canonicalText, type Digest, digestHex } from '../../domain/evidence/canonical-json.ts';
import { signStatement } from '../../domain/evidence/statement-codec.ts';
import { logObjectName } from '../../domain/log/log-object.ts';
import { readPersonSigner } from '../../infra/keys/person-keys.ts';
import type { ChangeStatus } from '../../workflows/contract.ts';
import { BAD_APPROVALS, inMinutes } from '../support/bad-approvals.ts';
import { BAD_REQUESTS, NEEDED, RULES_FOR_FORGED_PLANS, rulesInSources } from '../support/bad-requests.ts';
import { CHECKOUT, jsonLines, runHere } from '../support/command-line.ts';
import { ADVICE, createDesk, inApproval, refusal, requestText } from '../support/desk.ts';
import { type HostileEnvironment, startHostileEnvironment } from '../support/hostile-environment.ts';

/** Whatever people, disks and networks hand in: a clear error, the right exit status, nothing changed, nothing lost. */
let env: HostileEnvironment;
let desk: ReturnType<typeof createDesk>;
/** A critical change that waits for two approvals for as long as this file runs. */
let waiting: { changeId: string; planDigest: Digest };
/** A change that is live. */
let made: string;

const here = (...args: string[]) => desk.here(...args);

beforeAll(async () => {
  env = await startHostileEnvironment();
  desk = createDesk(env.home, env.dir);
  const dependent = { set: NEEDED.dependent, body: { ttl: 0, values: ['127.0.0.1'] } };
  made = await desk.submit({ operations: [dependent], dependsOn: [NEEDED.needed] });
  await desk.until(made, inApproval);
  expect(await here('approve', made, '--yes', '--as', 'bob')).toMatchObject({ status: 0 });
  await desk.until(made, ({ phase }) => phase === 'committed');
  const changeId = await desk.submit({ operations: [{ remove: 'dns/example.com/@/TXT' }] });
  const { planDigest } = await desk.until(changeId, inApproval);
  if (planDigest === null) throw new Error('no plan');
  waiting = { changeId, planDigest };
  await here('keys', 'create', 'mallory');
}, 120_000);

afterAll(() => env?.stop());

/** What production reads, and what the log says of it. The fence moves with every write, also back. */
async function production(): Promise<string> {
  const zones = await Promise.all(['example.com', 'small.test'].map((zone) => env.dns.readZone(zone)));
  return canonicalText({
    zones: zones.map(({ recordSets, opaque }) => ({ recordSets, opaque })),
    live: (await env.log.sync()).live,
  });
}

let before: string;
beforeEach(async () => {
  before = await production();
});
afterEach(async () => {
  expect(await production(), 'production as before').toBe(before);
});

const logSize = async () => (await env.log.sync()).size;
const VALID = requestText({
  operations: [{ set: 'dns/example.com/new/A', body: { ttl: 0, values: ['127.0.0.1'] } }],
});

describe('a file that is no request', () => {
  test.each<[string, string, ErrorCode, string, string]>([
    ['broken YAML', VALID.replace('spec:', 'spec: ]'), 'REQUEST_UNREADABLE', 'yaml-', ':6:7'],
    ['a key twice', `${VALID}kind: ChangeRequest\n`, 'REQUEST_UNREADABLE', 'yaml-duplicate-key', ':13:1'],
    ['an unknown field', VALID.replace('reason:', 'raeson:'), 'SCHEMA_INVALID', 'unknown-field', ':5:3'],
    ['an unknown kind', VALID.replace('ChangeRequest', 'Wish'), 'SCHEMA_INVALID', 'invalid-value', ':2:1'],
    ['an empty file', '', 'SCHEMA_INVALID', 'invalid-type', ':1:1'],
  ])('%s', async (_name, text, code, rule, place) => {
    const file = desk.file(text);
    for (const command of [['plan'], ['submit', '--as', 'alice']]) {
      const error = refusal(await here(...command, file, '--json'), 3, code);
      expect(error.violations.map((one) => one.rule)).toContainEqual(expect.stringContaining(rule));
      const said = await here(...command, file);
      expect(said.stderr).toContain(`${file}${place}`);
      expect(said.stderr).toContain('→ ');
    }
    // Its faults are the author's, whether or not anything runs.
    refusal(await runHere(join(env.dir, 'nowhere'), ['plan', file, '--json']), 3, code);
  });

  test.each([
    ['more than the payload limit', 'x'.repeat(256 * 1024 + 1), 'TOO_LARGE'],
    ['no text', Buffer.from([0xff, 0xfe, 0x00]).toString('latin1'), 'REQUEST_UNREADABLE'],
  ] as const)('%s', async (_name, text, code) => {
    const file = join(env.dir, 'request.yaml');
    writeFileSync(file, text, 'latin1');
    const size = await logSize();
    refusal(await here('submit', file, '--as', 'alice', '--json'), 3, code);
    refusal(await here('plan', join(env.dir, 'missing.yaml'), '--json'), 3, 'REQUEST_UNREADABLE');
    expect(await logSize()).toBe(size);
  });

  test('more operations than one batch may have', async () => {
    const operations = Array.from({ length: 501 }, (_, index) => ({
      set: `dns/example.com/new-${index}/A`,
      body: { ttl: 0, values: ['127.0.0.1'] },
    }));
    const error = refusal(
      await here('submit', desk.file({ operations }), '--as', 'alice', '--json'),
      3,
      'SCHEMA_INVALID',
    );
    expect(error.violations[0]).toMatchObject({ rule: 'too-big', path: 'spec.operations' });
  });
});

describe('a request that breaks a rule', () => {
  test('every rule that judges a request has one here', () => {
    const shown = [...Object.keys(BAD_REQUESTS), ...RULES_FOR_FORGED_PLANS];
    expect(rulesInSources().filter((rule) => !shown.includes(rule))).toEqual([]);
    const forged = readFileSync(join(CHECKOUT, 'test/unit/judge-plan.test.ts'), 'utf8');
    for (const rule of RULES_FOR_FORGED_PLANS) expect(forged).toContain(`'${rule}'`);
  });

  test.each(Object.entries(BAD_REQUESTS))('%s', async (rule, request) => {
    const size = await logSize();
    const file = desk.file(request);
    const ran = await here('plan', file, '--json');
    const answer = jsonLines(ran)[0] as {
      violations?: LocatedViolation[];
      error?: { violations: LocatedViolation[] };
    };
    const violations = answer.violations ?? answer.error?.violations ?? [];
    const found = violations.find((one) => one.rule === rule);
    expect(found, ran.stdout).toMatchObject({ remedy: expect.stringMatching(ADVICE) });
    expect(found?.position, 'its place in the file').toBeDefined();
    expect([3, 5]).toContain(ran.status);
    const said = await here('plan', file);
    expect(said.stdout + said.stderr).toContain(
      `${file}:${found?.position?.line}:${found?.position?.column}`,
    );
    expect(await logSize()).toBe(size);
  });

  test.each([
    ['a zone of somebody else', 'dns/example.org/api/A', 'NOT_FOUND'],
    ['an unknown kind of resource', 'dsn/example.com/api/A', 'SCHEMA_INVALID'],
    ['a record type that nobody governs', 'dns/example.com/api/NS', 'SCHEMA_INVALID'],
    ['the fence itself', 'dns/example.com/_resilience-ctl/TXT', 'SCHEMA_INVALID'],
  ] as const)('%s', async (_name, resource, code) => {
    const file = desk.file({ operations: [{ set: resource, body: { ttl: 0, values: ['127.0.0.1'] } }] });
    const ran = await here('plan', file, '--json');
    expect(ran.status).toBe(3);
    const answer = jsonLines(ran)[0] as {
      violations?: LocatedViolation[];
      error?: { violations: LocatedViolation[] };
    };
    expect(answer.violations ?? answer.error?.violations).toContainEqual(
      expect.objectContaining({
        code,
        remedy: expect.stringMatching(ADVICE),
        position: { line: 8, column: expect.any(Number) },
      }),
    );
  });

  test('submitted all the same, it is recorded, refused with every reason, and its author’s exit status says so', async () => {
    const operations = ['record-syntax', 'cname-alone', 'weightable-type'].flatMap(
      (rule) => BAD_REQUESTS[rule]?.operations ?? [],
    );
    const ran = await here('submit', desk.file({ operations }), '--as', 'alice', '--watch', '--json');
    expect(ran.status).toBe(3);
    const last = jsonLines(ran).at(-1) as ChangeStatus;
    expect(last.phase).toBe('rejected');
    expect(last.violations.map(({ rule }) => rule)).toEqual(
      expect.arrayContaining(['record-syntax', 'cname-alone', 'weightable-type']),
    );
    const recorded = jsonLines(await here('history', last.changeId, '--json')) as {
      statement: { type: string };
      fate: string;
    }[];
    expect(recorded.map(({ statement, fate }) => `${statement.type} ${fate}`)).toEqual([
      'request honoured',
      'end honoured',
    ]);
  });
});

describe('a person who may not', () => {
  const file = () => desk.file(VALID);

  test.each<[string, string[], number, ErrorCode]>([
    ['has a key that nobody enrolled', ['--as', 'mallory'], 4, 'SIGNATURE_INVALID'],
    ['is no author', ['--as', 'carol'], 4, 'NOT_PERMITTED'],
    ['has no key here', ['--as', 'dave'], 3, 'NOT_FOUND'],
    ['has a name that is a path', ['--as', '../root'], 3, 'SCHEMA_INVALID'],
  ])('%s', async (_name, as, status, code) => {
    const size = await logSize();
    refusal(await here('submit', file(), ...as, '--json'), status, code);
    expect(await logSize()).toBe(size);
  });

  test('signs with somebody else’s key', async () => {
    const keysDir = join(env.dir, 'forged-keys');
    cpSync(join(env.dir, 'keys'), keysDir, { recursive: true });
    copyFileSync(keyOf('mallory'), join(keysDir, 'alice.pem'));
    const forger = env.homeWith('forger', (installation) => ({ ...installation, keysDir }));
    const size = await logSize();
    refusal(await runHere(forger, ['submit', file(), '--as', 'alice', '--json']), 4, 'SIGNATURE_INVALID');
    expect(await logSize()).toBe(size);
  });

  test('approves twice, with two keys', async () => {
    const { changeId } = waiting;
    const approve = ['approve', changeId, '--yes', '--as', 'bob', '--json'];
    expect(await here(...approve)).toMatchObject({ status: 0 });
    const keysDir = join(env.dir, 'other-keys');
    cpSync(join(env.dir, 'keys'), keysDir, { recursive: true });
    copyFileSync(env.bobsOtherKey, join(keysDir, 'bob.pem'));
    const other = env.homeWith('other', (installation) => ({ ...installation, keysDir }));
    const error = refusal(await runHere(other, approve), 4, 'NOT_PERMITTED');
    expect(error.violations).toMatchObject([{ rule: 'one-person-one-decision' }]);
    const { approvals } = await desk.until(changeId, inApproval);
    expect(approvals.map(({ approver }) => approver)).toEqual(['bob']);
  });

  test('approves what has ended', async () => {
    refusal(await here('approve', made, '--yes', '--as', 'bob', '--json'), 5, 'ALREADY_ENDED');
    refusal(await here('abort', made, '--as', 'bob', '--reason', 'too late', '--json'), 5, 'ALREADY_ENDED');
    refusal(await here('approve', 'chg-nobody', '--yes', '--as', 'bob', '--json'), 3, 'NOT_FOUND');
  });
});

const keyOf = (subject: string) => join(env.dir, 'keys', `${subject}.pem`);

describe('an approval that does not count', () => {
  test.each(Object.entries(BAD_APPROVALS))(
    '%s',
    async (name, { rule, code, says, key = 'carol', entry = 'refused: ' }) => {
      const { changeId, planDigest } = waiting;
      const nonce = `nonce-${name.replaceAll(' ', '-')}`;
      const usedNonce = (await env.log.sync()).changes[changeId]?.acceptances[0]?.nonce ?? '';
      const approval = await signStatement(readPersonSigner(keyOf(key)), 'approval', {
        changeId,
        planDigest,
        environment: 'demo',
        approver: 'carol',
        decision: 'approve',
        nonce,
        issuedAt: inMinutes(0),
        expiresAt: inMinutes(5),
        ...says?.({ otherChange: made, usedNonce }),
      });
      const answer = await env.engine.decide(changeId, { approval }, nonce);
      expect(answer).toMatchObject({ accepted: false, index: entry === null ? null : expect.any(Number) });
      expect(answer.reasons).toContainEqual(
        expect.objectContaining({ rule, code, remedy: expect.stringMatching(ADVICE) }),
      );
      const recorded = jsonLines(await here('history', changeId, '--json')) as {
        index: number;
        summary: string;
      }[];
      const line = recorded.find(({ index }) => index === answer.index);
      if (entry !== null) expect(line?.summary).toContain(entry);
      expect((await desk.until(changeId, inApproval)).approvals).toHaveLength(1);
    },
  );
});

describe('a log and a store that somebody wrote into', () => {
  test('forged, unsigned and unreadable entries are shown, counted for nothing, and stop nobody', async () => {
    const size = await logSize();
    const lived = jsonLines(await here('history', made, '--json')) as LogLine[];
    const commit = lived.flatMap(({ statement }) =>
      statement?.type === 'commit' ? [statement.predicate] : [],
    )[0];
    if (commit === undefined) throw new Error('no commit');
    const forged = await signStatement(readPersonSigner(keyOf('mallory')), 'commit', {
      ...commit,
      changeId: waiting.changeId,
      planDigest: waiting.planDigest,
    });
    const bob = readPersonSigner(keyOf('bob')).keyId;
    const unsigned = { ...forged, signatures: [{ keyid: bob, sig: Buffer.alloc(64).toString('base64') }] };
    const fates = await env.log.append([forged, unsigned]);
    expect(fates.map(({ fate }) => fate)).toEqual(['inert', 'inert']);
    const { state, previous } = env.log.position();
    const Key = logObjectName('demo', state.size, previous);
    await env.admin.send(
      new PutObjectCommand({ Bucket: env.bucket, Key, Body: 'rubbish', IfNoneMatch: '*' }),
    );

    const lines = jsonLines(await here('log', '--since', String(size), '--json')) as {
      fate: string;
      signer: string;
    }[];
    expect(lines.map(({ fate }) => fate)).toEqual(['inert', 'inert', 'inert']);
    expect(lines[1]?.signer).toBe('claims bob');
    expect((await here('log', '--since', String(size))).stdout).toContain('inert: ');
    expect((await desk.until(waiting.changeId, inApproval)).approvals).toHaveLength(1);
    expect(await logSize()).toBe(size + 3);
  });

  test('a plan edited after the votes is approved by nobody and applied by nobody', async () => {
    const { changeId, planDigest } = waiting;
    const place = { Bucket: env.bucket, Key: `bodies/demo/sha256/${digestHex(planDigest)}` };
    const original =
      (await (await env.admin.send(new GetObjectCommand(place))).Body?.transformToString()) ?? '';
    await env.admin.send(
      new PutObjectCommand({ ...place, Body: original.replace('"standard"', '"critical"').concat(' ') }),
    );
    refusal(await here('approve', changeId, '--yes', '--as', 'carol', '--json'), 11, 'DIGEST_MISMATCH');

    // An approval of the plan that was voted on: the enactor reads the edited one, and stops.
    const approval = await signStatement(readPersonSigner(keyOf('carol')), 'approval', {
      ...{
        changeId,
        planDigest,
        environment: 'demo',
        approver: 'carol',
        decision: 'approve',
        nonce: 'carol-saw-it',
      },
      ...{ issuedAt: inMinutes(0), expiresAt: inMinutes(5) },
    });
    expect(await env.engine.decide(changeId, { approval }, 'carol-saw-it')).toMatchObject({ accepted: true });
    const { held } = await desk.until(changeId, (status) => status.held !== null);
    expect(held?.why).toContain('has the digest');
    expect(held?.next).toMatch(ADVICE);
    expect(await production()).toBe(before);

    await env.admin.send(new PutObjectCommand({ ...place, Body: original }));
    expect(await here('abort', changeId, '--as', 'bob', '--reason', 'edited')).toMatchObject({ status: 0 });
    await desk.until(changeId, ({ phase }) => phase === 'rolled-back' || phase === 'rejected');
  });
});

describe('a world that is away', () => {
  test('a store that throttles is named', async () => {
    const busy = createServer((_request, response) => {
      response.writeHead(503, { 'content-type': 'application/xml' });
      response.end('<Error><Code>SlowDown</Code><Message>Please reduce your request rate.</Message></Error>');
    });
    busy.listen(0, '127.0.0.1');
    await once(busy, 'listening');
    const endpoint = `http://127.0.0.1:${(busy.address() as AddressInfo).port}`;
    const home = env.homeWith('throttled', (one) => ({ ...one, aws: { ...one.aws, endpoint } }));
    const size = await logSize();
    refusal(await runHere(home, ['status', '--json']), 9, 'THROTTLED');
    refusal(await runHere(home, ['submit', desk.file(VALID), '--as', 'alice', '--json']), 9, 'THROTTLED');
    busy.close();
    expect(await logSize()).toBe(size);
  });

  test('without Temporal a change is recorded and started later; the log still answers', async () => {
    await env.servers.killTemporal();
    const error = refusal(
      await here('submit', desk.file(VALID), '--as', 'alice', '--json'),
      9,
      'ENGINE_UNAVAILABLE',
    );
    const changeId = /chg-[0-9a-f]{12}/.exec(error.message)?.[0] ?? '';
    expect(error.next).toContain(`resilience-ctl submit --resume ${changeId}`);
    const [status] = jsonLines(await here('status', changeId, '--json')) as ChangeStatus[];
    expect(status).toMatchObject({ phase: 'submitted', author: 'alice' });
    expect(status?.waitingFor?.who).toContain('Temporal');
    expect((await here('history', changeId)).stdout).toContain('request by alice');
    await env.servers.restartTemporal();
    expect(await here('submit', '--resume', changeId)).toMatchObject({ status: 0 });
    await desk.until(changeId, inApproval);
    expect(await here('abort', changeId, '--as', 'alice', '--reason', 'seen')).toMatchObject({ status: 0 });
    await desk.until(changeId, ({ phase }) => phase === 'rejected');
  });

  test('without AWS every command says so, and afterwards the log is what it was', async () => {
    const lines = (await here('log', '--json')).stdout;
    await env.servers.killAws();
    const { changeId } = waiting;
    for (const command of [
      ['plan', desk.file(VALID)],
      ['submit', desk.file(VALID), '--as', 'alice'],
      ['status'],
      ['history', changeId],
      ['log'],
    ]) {
      refusal(await here(...command, '--json'), 9, 'STORE_UNAVAILABLE');
    }
    await env.servers.restartAws();
    expect((await here('log', '--json')).stdout).toBe(lines);
  });
});
