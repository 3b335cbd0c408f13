import {
  DeleteObjectCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { beforeAll, describe, expect, inject, test } from 'vitest';
import {
  canonicalBytes,
  canonicalText,
  digestOf,
  digestOfBytes,
} from '../../domain/evidence/canonical-json.ts';
import type { Envelope } from '../../domain/evidence/dsse.ts';
import { encodeLogObject, genesisDigest, logObjectName } from '../../domain/log/log-object.ts';
import { emptyLogState } from '../../domain/log/state.ts';
import { createS3Client } from '../../infra/aws/aws-clients.ts';
import { createS3ChangeLog, type S3ChangeLog } from '../../infra/aws/s3-change-log.ts';
import { openS3ChangeLog, writeSnapshot } from '../../infra/aws/s3-snapshots.ts';
import { bootstrapEnvironment } from '../../infra/dev/bootstrap.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { AT, entryOf, envelopeOf, signedTrust, signerOf } from '../support/sample-log.ts';

/** The one bucket of this file; every test has an environment (a prefix of names) of its own. */
let bucket: string;
let admin: S3Client;
let orchestrator: S3Client;
let count = 0;

beforeAll(async () => {
  const { aws } = inject('stack');
  const made = await bootstrapEnvironment(aws, { environment: 'log-contract', zones: [] });
  bucket = made.bucket;
  admin = createS3Client({
    endpoint: aws.endpoint,
    region: aws.region,
    credentials: { ...aws.adminCredentials },
  });
  orchestrator = newClient(made.roles.orchestrator.credentials);
});

function newClient(credentials: { accessKeyId: string; secretAccessKey: string }): S3Client {
  const { aws } = inject('stack');
  return createS3Client({ endpoint: aws.endpoint, region: aws.region, credentials: { ...credentials } });
}

function newEnvironment() {
  count += 1;
  const environment = `log-${count}`;
  const trust = signedTrust(environment);
  const input = { bucket, environment, trust, verify: verifyEd25519 };
  return {
    ...input,
    open: (s3: S3Client = orchestrator): S3ChangeLog => createS3ChangeLog({ s3, ...input }),
    openSnapshot: () => openS3ChangeLog({ s3: orchestrator, ...input }),
    request: (changeId: string, holder?: string): Promise<Envelope> =>
      envelopeOf('request', { environment, changeId, nonce: changeId }, holder),
  };
}

async function allEntries(log: S3ChangeLog) {
  const all = [];
  for await (const entry of log.entries(0)) all.push(entry);
  return all;
}

/** The client, but the answer to its puts numbered `lost` (from 1) never arrives: the object is there. */
function losingAnswers(s3: S3Client, lost: readonly number[]): { s3: S3Client; puts: () => number } {
  let puts = 0;
  s3.middlewareStack.add(
    (next, context) => async (args) => {
      const answer = await next(args);
      if (context.commandName === 'PutObjectCommand' && lost.includes(++puts)) throw new Error('answer lost');
      return answer;
    },
    { step: 'initialize', name: 'loseAnswers' },
  );
  return { s3, puts: () => puts };
}

describe('append', () => {
  test('one entry is honoured, and every reader sees it', async () => {
    const { open, request } = newEnvironment();
    expect(await open().append([await request('chg-1')])).toEqual([{ fate: 'honoured', index: 0 }]);
    const state = await open().sync();
    expect(state.size).toBe(1);
    expect(Object.keys(state.changes)).toEqual(['chg-1']);
  });

  test('several entries take consecutive places in one object', async () => {
    const { open, request } = newEnvironment();
    const log = open();
    await log.append([await request('chg-0')]);
    const fates = await log.append([await request('chg-1'), await request('chg-2')]);
    expect(fates).toEqual([
      { fate: 'honoured', index: 1 },
      { fate: 'honoured', index: 2 },
    ]);
  });

  test('again, by anybody, is a duplicate and writes nothing', async () => {
    const { open, request } = newEnvironment();
    const log = open();
    const entry = await request('chg-1');
    await log.append([entry]);
    expect(await log.append([entry])).toEqual([{ fate: 'duplicate', index: 0, firstIndex: 0 }]);
    expect(await open().append([entry])).toEqual([{ fate: 'duplicate', index: 0, firstIndex: 0 }]);
    expect(await allEntries(log)).toHaveLength(1);
  });

  test('what is appended at the same time shares an object, the same bytes once', async () => {
    const { open, request } = newEnvironment();
    const counting = losingAnswers(createS3Client(await clientConfig(orchestrator)), []);
    const log = open(counting.s3);
    const entries = await Promise.all(Array.from({ length: 20 }, (_, i) => request(`chg-${i}`)));
    const fates = (await Promise.all([...entries, ...entries].map((entry) => log.append([entry])))).flat();
    expect(new Set(fates.map(({ index }) => index)).size).toBe(20);
    expect((await allEntries(log)).map(({ fate }) => fate.fate)).toEqual(Array(20).fill('honoured'));
    expect(counting.puts()).toBe(1);
  });

  test('16 writers racing with 20 entries each leave no gap, no loss and no duplicate', async () => {
    const { open, request } = newEnvironment();
    const writers = Array.from({ length: 16 }, () => open());
    const indexes = await Promise.all(
      writers.map(async (log, writer) => {
        const own: number[] = [];
        for (let i = 0; i < 20; i += 1) {
          const [fate] = await log.append([await request(`chg-${writer}-${i}`)]);
          expect(fate?.fate).toBe('honoured');
          own.push(fate?.index ?? -1);
        }
        return own;
      }),
    );
    const sorted = indexes.flat().sort((a, b) => a - b);
    expect(sorted).toEqual(Array.from({ length: 320 }, (_, i) => i));
    for (const own of indexes) expect(own).toEqual([...own].sort((a, b) => a - b));
    const all = await allEntries(open());
    expect(all.map(({ fate }) => fate)).toEqual(sorted.map((index) => ({ fate: 'honoured', index })));
    const states = await Promise.all(writers.map(async (log) => canonicalText(await log.sync())));
    expect(new Set(states).size).toBe(1);
  });

  test('a lost answer is looked up: written once, honoured', async () => {
    const { open, request } = newEnvironment();
    const made = losingAnswers(createS3Client(await clientConfig(orchestrator)), [1, 2]);
    const log = open(made.s3);
    expect(await log.append([await request('chg-1')])).toEqual([{ fate: 'honoured', index: 0 }]);
    expect(await log.append([await request('chg-2')])).toEqual([{ fate: 'honoured', index: 1 }]);
    expect(made.puts()).toBe(2);
    expect(await allEntries(open())).toHaveLength(2);
  });

  test('without permission it is refused and nothing is written', async () => {
    const { open, request } = newEnvironment();
    const stranger = newClient({ accessKeyId: 'AKIAUNKNOWN', secretAccessKey: 'unknown' });
    await expect(open(stranger).append([await request('chg-1')])).rejects.toMatchObject({
      code: 'NOT_PERMITTED',
    });
    expect((await open().sync()).size).toBe(0);
  });

  test('a store that is down says so, and leaves the last known state', async () => {
    const { open, request } = newEnvironment();
    const down = createS3Client({
      endpoint: 'http://127.0.0.1:1',
      region: 'us-east-1',
      credentials: { accessKeyId: 'a', secretAccessKey: 'b' },
    });
    const log = open(down);
    await expect(log.append([await request('chg-1')])).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await expect(log.sync()).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    expect(log.lastKnown().size).toBe(0);
  });
});

async function clientConfig(s3: S3Client) {
  const { aws } = inject('stack');
  const { accessKeyId, secretAccessKey } = await s3.config.credentials();
  return { endpoint: aws.endpoint, region: aws.region, credentials: { accessKeyId, secretAccessKey } };
}

describe('what others put into the log', () => {
  test('an entry signed by the wrong key is inert and blocks nothing', async () => {
    const { open, request } = newEnvironment();
    const log = open();
    expect(await log.append([await request('chg-1', 'bob')])).toMatchObject([{ fate: 'inert', index: 0 }]);
    expect(await log.append([await request('chg-1')])).toEqual([{ fate: 'honoured', index: 1 }]);
  });

  test('an object of rubbish under the next name is one inert entry', async () => {
    const { open, request, environment } = newEnvironment();
    const name = logObjectName(environment, 0, genesisDigest(environment));
    await orchestrator.send(
      new PutObjectCommand({ Bucket: bucket, Key: name, Body: 'rubbish', IfNoneMatch: '*' }),
    );
    const log = open();
    expect(await log.append([await request('chg-1')])).toEqual([{ fate: 'honoured', index: 1 }]);
    expect(await allEntries(open())).toMatchObject([
      {
        index: 0,
        bytes: canonicalBytes({ unreadableObject: digestOfBytes(new TextEncoder().encode('rubbish')) }),
        fate: { fate: 'inert' },
      },
      { index: 1, fate: { fate: 'honoured' } },
    ]);
  });

  test('objects beside the chain are not read', async () => {
    const { open, request, environment } = newEnvironment();
    const log = open();
    await log.append([await request('chg-1')]);
    for (const [first, digest] of [
      [0, digestOf('x')],
      [1, digestOf('y')],
      [7, digestOf('z')],
    ] as const) {
      const entries = [await entryOf('request', { environment, changeId: `forged-${first}` })];
      const Body = encodeLogObject({ first, previous: digest, entries });
      await orchestrator.send(
        new PutObjectCommand({
          Bucket: bucket,
          Key: logObjectName(environment, first, digest),
          Body,
          IfNoneMatch: '*',
        }),
      );
    }
    expect((await log.sync()).size).toBe(1);
    expect(await log.append([await request('chg-2')])).toEqual([{ fate: 'honoured', index: 1 }]);
    expect(await allEntries(open())).toHaveLength(2);
  });

  test('an administrator who deletes and forges changes nothing that readers see', async () => {
    const { open, request, environment } = newEnvironment();
    const [writer, behind] = [open(), open()];
    await behind.sync();
    await writer.append([await request('chg-1')]);
    const name = logObjectName(environment, 0, genesisDigest(environment));
    await asAdministrator(() => admin.send(new DeleteObjectCommand({ Bucket: bucket, Key: name })));
    const entries = [await entryOf('request', { environment, changeId: 'forged' })];
    const Body = encodeLogObject({ first: 0, previous: genesisDigest(environment), entries });
    await admin.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body, IfNoneMatch: '*' }));
    expect(Object.keys((await open().sync()).changes)).toEqual(['chg-1']);
    expect(Object.keys((await writer.sync()).changes)).toEqual(['chg-1']);
    expect(await behind.append([await request('chg-2')])).toEqual([{ fate: 'honoured', index: 1 }]);
  });

  test('the first version is found also where a listing is cut between two of one name', async () => {
    const { open, request, environment } = newEnvironment();
    const writer = open();
    for (const changeId of ['chg-1', 'chg-2', 'chg-3']) await writer.append([await request(changeId)]);
    const name = logObjectName(environment, 0, genesisDigest(environment));
    await asAdministrator(() => admin.send(new DeleteObjectCommand({ Bucket: bucket, Key: name })));
    await admin.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: 'forged', IfNoneMatch: '*' }));
    const reader = createS3Client(await clientConfig(orchestrator));
    reader.middlewareStack.add((next) => (args) => next({ ...args, input: { ...args.input, MaxKeys: 1 } }), {
      step: 'initialize',
      name: 'shortPages',
    });
    expect(Object.keys((await open(reader).sync()).changes)).toEqual(['chg-1', 'chg-2', 'chg-3']);
  });

  test('a writer whose put was accepted only because of a delete marker finds out at its next reading', async () => {
    const { open, request, environment } = newEnvironment();
    const [writer, behind] = [open(), open()];
    await behind.sync();
    await writer.append([await request('chg-1')]);
    const name = logObjectName(environment, 0, genesisDigest(environment));
    await asAdministrator(() => admin.send(new DeleteObjectCommand({ Bucket: bucket, Key: name })));
    await behind.append([await request('chg-2')]);
    await expect(behind.sync()).rejects.toMatchObject({ code: 'LOG_FORKED' });
    expect(Object.keys((await open().sync()).changes)).toEqual(['chg-1']);
  });
});

/** The bucket refuses every delete, to everyone: whoever administers it lifts that first. */
async function asAdministrator(deletion: () => Promise<unknown>): Promise<void> {
  const none = JSON.stringify({ Version: '2012-10-17', Statement: [] });
  await admin.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: none }));
  await deletion();
}

describe('whoever remembers the last object', () => {
  test('of a log that has only that one folds it anew as well', async () => {
    const { open, request, environment, ...input } = newEnvironment();
    const log = open();
    await log.append([await request('chg-1')]);
    const { last } = log.position();
    const from = {
      state: emptyLogState(environment, input.trust),
      previous: genesisDigest(environment),
      last,
    };
    const anew = createS3ChangeLog({ s3: orchestrator, environment, ...input, from });
    expect((await anew.sync()).size).toBe(1);
    expect(await allEntries(anew)).toHaveLength(1);
  });

  test('sees that it is gone, also when reading all entries', async () => {
    const { open, request, environment, ...input } = newEnvironment();
    const last = {
      first: 0,
      name: logObjectName(environment, 0, genesisDigest(environment)),
      versionId: 'x',
    };
    const from = {
      state: emptyLogState(environment, input.trust),
      previous: genesisDigest(environment),
      last,
    };
    const log = () => createS3ChangeLog({ s3: orchestrator, environment, ...input, from });
    await expect(log().sync()).rejects.toMatchObject({ code: 'LOG_FORKED' });
    await expect(allEntries(log())).rejects.toMatchObject({ code: 'LOG_FORKED' });
    await open().append([await request('chg-1')]);
    await expect(allEntries(log())).rejects.toMatchObject({ code: 'LOG_FORKED' });
  });
});

describe('sync', () => {
  test('asks the store only when it has not folded enough', async () => {
    const { open, request } = newEnvironment();
    const [log, other] = [open(), open()];
    await log.append([await request('chg-1')]);
    await other.append([await request('chg-2')]);
    expect((await log.sync({ atLeast: 1 })).size).toBe(1);
    expect((await log.sync({ atLeast: 2 })).size).toBe(2);
  });

  test('reads a log of many objects in order', async () => {
    const { open, request } = newEnvironment();
    const log = open();
    for (let i = 0; i < 40; i += 1) await log.append([await request(`chg-${i}`)]);
    expect(canonicalText(await open().sync())).toBe(canonicalText(log.lastKnown()));
    const from = [];
    for await (const { index } of open().entries(38)) from.push(index);
    expect(from).toEqual([38, 39]);
  });
});

describe('snapshots', () => {
  const signer = signerOf('orchestrator');
  const snapshot = (log: S3ChangeLog, { environment }: { environment: string }, by = signer) =>
    writeSnapshot({ s3: orchestrator, bucket, environment, log, signer: by, at: AT });

  test('a snapshot and its tail are the same as folding everything, and less is read', async () => {
    const made = newEnvironment();
    const log = made.open();
    await log.append([await made.request('chg-1'), await made.request('chg-2')]);
    expect(await snapshot(log, made)).toMatchObject({ size: 2, index: 2 });
    await log.append([await made.request('chg-3')]);
    const opened = await made.openSnapshot();
    expect(opened.lastKnown().size).toBe(2);
    expect(canonicalText(await opened.sync())).toBe(canonicalText(await made.open().sync()));
    expect(await opened.append([await made.request('chg-4')])).toEqual([{ fate: 'honoured', index: 4 }]);
  });

  test('one that the orchestrator did not sign is ignored, and the one before it is used', async () => {
    const made = newEnvironment();
    const log = made.open();
    await log.append([await made.request('chg-1')]);
    await snapshot(log, made);
    await log.append([await made.request('chg-2')]);
    await expect(snapshot(log, made, signerOf('enactor'))).rejects.toMatchObject({ code: 'NOT_PERMITTED' });
    expect((await made.openSnapshot()).lastKnown().size).toBe(1);
  });

  test('one of another build, whose state has other fields, is not started from', async () => {
    const made = newEnvironment();
    const log = made.open();
    await log.append([await made.request('chg-1')]);
    const { previous, state } = log.position();
    const { automation: _, ...fewer } = state;
    const body = canonicalBytes({ previous, state: fewer });
    const stateDigest = digestOfBytes(body);
    const Key = `snapshots/${made.environment}/${'1'.padStart(20, '0')}-${stateDigest.slice(7)}`;
    await orchestrator.send(new PutObjectCommand({ Bucket: bucket, Key, Body: body, IfNoneMatch: '*' }));
    const { environment } = made;
    await log.append([await envelopeOf('snapshot', { environment, size: 1, stateDigest })]);
    expect((await made.openSnapshot()).lastKnown().size).toBe(0);
  });

  test('a forged object is ignored, whatever it says', async () => {
    const made = newEnvironment();
    const log = made.open();
    await log.append([await made.request('chg-1')]);
    await log.append([await made.request('chg-2')]);
    const { previous, state } = log.position();
    const forged = canonicalBytes({ previous, state: { ...state, live: { 'dns/example.com/api/A': null } } });
    for (const [size, bytes] of [
      [2, forged],
      [9, forged],
      [8, new TextEncoder().encode('rubbish')],
    ] as const) {
      const Key = `snapshots/${made.environment}/${String(size).padStart(20, '0')}-${digestOfBytes(bytes).slice(7)}`;
      await orchestrator.send(new PutObjectCommand({ Bucket: bucket, Key, Body: bytes, IfNoneMatch: '*' }));
    }
    const opened = await made.openSnapshot();
    expect(opened.lastKnown().size).toBe(0);
    expect(canonicalText(await opened.sync())).toBe(canonicalText(state));
  });
});
