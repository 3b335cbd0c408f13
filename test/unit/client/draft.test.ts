import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { beforeEach, describe, expect, onTestFinished, test } from 'vitest';
import { parse } from 'yaml';
import type { LogEntry } from '../../../activities/ports/change-log.ts';
import type { Connected } from '../../../client/compose.ts';
import { createStore } from '../../../client/direct-store.ts';
import { installationFile } from '../../../client/open-installation.ts';
import { parseRequestText } from '../../../client/request-file.ts';
import { clocksOf } from '../../../client/submit-change.ts';
import { DomainError } from '../../../domain/errors.ts';
import { type Digest, digestOf, digestOfBytes } from '../../../domain/evidence/canonical-json.ts';
import { readBody } from '../../../domain/kinds/document-bodies.ts';
import { encodeEntry } from '../../../domain/log/entry.ts';
import { createFold, type Fold } from '../../../domain/log/fold.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import { jsonLines, runHere } from '../../support/command-line.ts';
import { DocumentHistory } from '../../support/document-history.ts';
import { errorAnswer, JSON_ANSWERS } from '../../support/json-answers.ts';
import { ENVIRONMENT, signedTrust } from '../../support/sample-log.ts';
import { killSwitch, TIMEOUTS, TRADING, timeouts } from '../../support/sdk-scene.ts';

const REASON = 'metadata:\n  environment: prod\n  reason: ""';

let home: string;
let fold: Fold;
let entries: LogEntry[];
let bodies: Map<Digest, Uint8Array>;
let history: DocumentHistory;
/** What happens after the clocks were read, and before what is live. */
let meanwhile: () => Promise<unknown>;

beforeEach(async () => {
  home = mkdtempSync(join(tmpdir(), 'resilience-draft-'));
  onTestFinished(() => rmSync(home, { recursive: true }));
  mkdirSync(dirname(installationFile(home)));
  const installation = {
    apiVersion: 'resilience-ctl/installation/v1',
    environment: ENVIRONMENT,
    temporal: { address: 'nowhere', namespace: 'none' },
    aws: { region: 'nowhere', bucket: 'none' },
    ...{ trustFile: 'none', trustDigest: 'none', keysDir: 'none' },
  };
  writeFileSync(installationFile(home), JSON.stringify(installation));

  fold = createFold({ environment: ENVIRONMENT, trust: signedTrust(), verify: verifyEd25519 });
  entries = [];
  bodies = new Map();
  meanwhile = async () => {};
  history = new DocumentHistory({
    environment: ENVIRONMENT,
    append: async (envelopes) =>
      envelopes.map((envelope) => {
        const bytes = encodeEntry(envelope);
        const fate = fold.apply(bytes);
        entries.push({ index: fate.index, bytes, fate, judge: fold.judge });
        return fate;
      }),
    putBody: async (bytes) => bodies.set(digestOfBytes(bytes), bytes),
  });
  await history.make('chg-1', { [TIMEOUTS]: timeouts({ readMs: 100 }), [TRADING]: killSwitch() });
  await history.make('chg-2', { [TIMEOUTS]: timeouts({ readMs: 200 }) });
});

async function connect(): Promise<Connected> {
  const store = createStore({
    environment: ENVIRONMENT,
    checkpoint: async () => null,
    log: {
      sync: async () => fold.state,
      async *entries() {
        yield* entries;
      },
    },
    bodies: {
      async get(digest) {
        const bytes = bodies.get(digest);
        if (!bytes) throw new DomainError('NOT_FOUND', `There is no body ${digest}.`);
        return bytes;
      },
    },
    readPlan: () => Promise.reject(new Error('no plan is asked for')),
  });
  const controlPlane = {
    environment: ENVIRONMENT,
    clocks: async () => {
      const clocks = clocksOf(fold.state);
      await meanwhile();
      return clocks;
    },
  };
  return { controlPlane, store, close: async () => {} } as Partial<Connected> as Connected;
}

const draft = (...args: string[]) => runHere(home, ['draft', ...args], { connect, folder: home });

const digestOfTimeouts = (readMs: number) => digestOf(readBody('config', timeouts({ readMs })));

describe('draft', () => {
  test('writes what is live, its digest as the base, and the clocks of that state', async () => {
    const { status, stdout, stderr } = await draft(TRADING, TIMEOUTS, TRADING);
    expect({ status, stderr }).toEqual({ status: 0, stderr: '' });
    expect(parse(stdout)).toEqual({
      apiVersion: 'resilience-ctl/v1',
      kind: 'ChangeRequest',
      metadata: { environment: ENVIRONMENT, reason: '' },
      spec: {
        operations: [
          { set: TRADING, body: readBody('switch', killSwitch()) },
          { set: TIMEOUTS, body: readBody('config', timeouts({ readMs: 200 })) },
        ],
        base: {
          [TRADING]: digestOf(readBody('switch', killSwitch())),
          [TIMEOUTS]: digestOfTimeouts(200),
        },
        clock: clocksOf(fold.state).clock,
        vector: { [ENVIRONMENT]: 2 },
      },
    });
  });

  test('answers with JSON, the same', async () => {
    const [answer] = jsonLines(await draft(TIMEOUTS, '--json'));
    JSON_ANSWERS.draft?.parse(answer);
    expect(answer).toEqual(parse((await draft(TIMEOUTS)).stdout));
  });

  test('is refused until its reason is written, at its place, and then is a request', async () => {
    const { stdout } = await draft(TIMEOUTS);
    expect(() => parseRequestText(stdout, 'draft.yaml')).toThrow(
      expect.objectContaining({
        code: 'SCHEMA_INVALID',
        details: expect.objectContaining({
          violations: [
            expect.objectContaining({
              path: 'metadata.reason',
              message: expect.stringContaining('Say why, in at least 8 characters'),
            }),
          ],
        }),
      }),
    );
    expect(stdout).toContain(`${REASON} # why, in at least 8 characters\n`);
    const written = stdout.replace(REASON, REASON.replace('""', 'Give up sooner'));
    expect(parseRequestText(written, 'draft.yaml').request.spec).toMatchObject({
      base: { [TIMEOUTS]: digestOfTimeouts(200) },
      vector: { [ENVIRONMENT]: 2 },
    });
  });

  test('claims to have seen nothing that it does not show', async () => {
    meanwhile = () => history.make('chg-3', { [TIMEOUTS]: timeouts({ readMs: 300 }) });
    const [answer] = jsonLines(await draft(TIMEOUTS, '--json'));
    expect(answer).toMatchObject({
      spec: {
        operations: [{ body: { value: { readMs: 200 } } }],
        base: { [TIMEOUTS]: digestOfTimeouts(200) },
        vector: { [ENVIRONMENT]: 2 },
      },
    });
  });

  test('goes into a file, and never over one', async () => {
    expect(await draft(TIMEOUTS, '--out', 'change.yaml')).toEqual({ status: 0, stdout: '', stderr: '' });
    const written = readFileSync(join(home, 'change.yaml'), 'utf8');
    expect(written).toContain('resilience-ctl submit change.yaml');
    const again = await draft(TRADING, '--out', 'change.yaml');
    expect(again).toMatchObject({
      status: 2,
      stdout: '',
      stderr: expect.stringContaining('cannot write change.yaml: there is one already; name another file'),
    });
    expect(readFileSync(join(home, 'change.yaml'), 'utf8')).toBe(written);
    expect(await draft(TIMEOUTS, '--out', 'no/such/folder.yaml')).toMatchObject({
      status: 2,
      stderr: expect.stringContaining('cannot write no/such/folder.yaml: ENOENT'),
    });
  });
});

test('what no draft can be made of is refused with every reason, and what to do', async () => {
  await history.make('chg-3', { [TRADING]: null });
  const ran = await draft(TIMEOUTS, TRADING, 'config/payments/timeout', 'dns/example.com/api/A', '--json');
  expect(ran.status).toBe(3);
  const { error } = errorAnswer.parse(jsonLines(ran)[0]);
  expect(error.code).toBe('NOT_FOUND');
  expect(error.violations.map(({ rule, message, remedy }) => `${rule}: ${message} ${remedy}`)).toEqual([
    `is-live: ${TRADING} was removed by change chg-3 at entry ${entries.length - 1}. ` +
      `See \`resilience-ctl log ${TRADING}\`; \`revert\` with --to entry:3 writes the request that brings it back.`,
    `not-found: The log never committed a resource config/payments/timeout. Did you mean ${TIMEOUTS}?`,
    expect.stringContaining('not-found: The log never committed a resource dns/example.com/api/A.'),
    expect.stringContaining('one-target: dns/example.com/api/A and documents do not move in one batch.'),
  ]);
});
