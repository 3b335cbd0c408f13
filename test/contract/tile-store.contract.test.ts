import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, inject, test } from 'vitest';
import { createIntegrator } from '../../activities/integrate.ts';
import type { TileStore } from '../../activities/ports/tile-store.ts';
import { logOrigin } from '../../domain/log/checkpoint.ts';
import { createS3Client } from '../../infra/aws/aws-clients.ts';
import { createS3ChangeLog } from '../../infra/aws/s3-change-log.ts';
import { createS3LogEntries } from '../../infra/aws/s3-log-entries.ts';
import { createS3TileStore } from '../../infra/aws/s3-tile-store.ts';
import { bootstrapEnvironment } from '../../infra/dev/bootstrap.ts';
import { createFileTileStore } from '../../infra/files/file-tile-store.ts';

import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { hex, naiveRoot } from '../support/merkle.ts';
import { noteSigner } from '../support/note-keys.ts';
import { envelopeOf, signedTrust } from '../support/sample-log.ts';

let bucket: string;
let orchestrator: S3Client;
const folder = mkdtempSync(join(tmpdir(), 'resilience-tiles-'));
let count = 0;

beforeAll(async () => {
  const { aws } = inject('stack');
  const made = await bootstrapEnvironment(aws, { environment: 'tile-contract', zones: [] });
  bucket = made.bucket;
  const { credentials } = made.roles.orchestrator;
  orchestrator = createS3Client({
    endpoint: aws.endpoint,
    region: aws.region,
    credentials: { ...credentials },
  });
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

function newName(): string {
  count += 1;
  return `tiles-${count}`;
}

const bytesOf = (text: string) => new TextEncoder().encode(text);

/** Two views of one store, as two processes have them. */
const STORES: Record<string, () => [TileStore, TileStore]> = {
  S3: () => {
    const input = { s3: orchestrator, bucket, environment: newName() };
    return [createS3TileStore(input), createS3TileStore(input)];
  },
  folder: () => {
    const store = createFileTileStore(join(folder, newName()));
    return [store, store];
  },
};

describe.each(Object.keys(STORES))('%s', (name) => {
  const open = () => STORES[name]?.() ?? expect.unreachable();

  test('what was put is there, and nothing else', async () => {
    const [store, other] = open();
    expect(await store.get('tile/0/000')).toBeNull();
    await store.put('tile/0/000', bytesOf('hashes'));
    expect(Buffer.from((await other.get('tile/0/000'))?.bytes ?? '').toString()).toBe('hashes');
  });

  test('a full tile and its partial ones are no conflict', async () => {
    const [store] = open();
    for (const path of [
      'tile/0/x001/000.p/7',
      'tile/0/x001/000',
      'tile/0/x001/000.p/8',
      'tile/entries/000',
    ]) {
      await store.put(path, bytesOf(path));
    }
    expect(hex((await store.get('tile/0/x001/000.p/7'))?.bytes)).toBe(hex(bytesOf('tile/0/x001/000.p/7')));
  });

  test('the same bytes again are no error, others are', async () => {
    const [store, other] = open();
    await store.put('tile/0/000', bytesOf('hashes'));
    await other.put('tile/0/000', bytesOf('hashes'));
    const forged = other.put('tile/0/000', bytesOf('forged'));
    await expect(forged).rejects.toThrow(expect.objectContaining({ code: 'LOG_FORKED' }));
    expect(hex((await store.get('tile/0/000'))?.bytes)).toBe(hex(bytesOf('hashes')));
  });

  test('sixteen that put the same at once all succeed', async () => {
    const [store, other] = open();
    const puts = Array.from({ length: 16 }, (_, i) =>
      (i % 2 ? store : other).put('tile/0/000', bytesOf('hashes')),
    );
    await Promise.all(puts);
  });

  test('only what was read is replaced', async () => {
    const [store, other] = open();
    const first = await store.replace('checkpoint', bytesOf('1'), null);
    expect(first).toBeTypeOf('string');
    expect(await other.replace('checkpoint', bytesOf('x'), null)).toBeNull();
    expect((await other.get('checkpoint'))?.version).toBe(first);
    const second = await other.replace('checkpoint', bytesOf('2'), first);
    expect(second).toBeTypeOf('string');
    expect(await store.replace('checkpoint', bytesOf('3'), first)).toBeNull();
    expect(Buffer.from((await store.get('checkpoint'))?.bytes ?? '').toString()).toBe('2');
    expect(await store.replace('checkpoint', bytesOf('4'), second)).toBeTypeOf('string');
  });

  test('nothing is there to be replaced', async () => {
    const [store] = open();
    expect(await store.replace('checkpoint', bytesOf('1'), '"0123456789abcdef0123456789abcdef"')).toBeNull();
  });

  test('of sixteen that replace the same version one wins', async () => {
    const [store, other] = open();
    const version = (await store.replace('checkpoint', bytesOf('0'), null)) ?? '';
    const won = await Promise.all(
      Array.from({ length: 16 }, (_, i) =>
        (i % 2 ? store : other).replace('checkpoint', bytesOf(`next ${i}`), version),
      ),
    );
    expect(won.filter((one) => one !== null)).toHaveLength(1);
  });
});

test('a folder keeps no temporary files', async () => {
  const place = join(folder, newName());
  const store = createFileTileStore(place);
  await store.put('tile/0/000', bytesOf('a'));
  await store.put('tile/0/000', bytesOf('a'));
  await store.replace('checkpoint', bytesOf('b'), null);
  expect(readdirSync(place, { recursive: true }).sort()).toEqual([
    'checkpoint',
    'tile',
    'tile/0',
    'tile/0/000',
  ]);
});

describe('the bucket', () => {
  const put = (Key: string, condition: { IfMatch?: string; IfNoneMatch?: string } = {}) =>
    orchestrator.send(new PutObjectCommand({ Bucket: bucket, Key, Body: 'x', ...condition }));

  test('lets a checkpoint be replaced by If-Match, and by nothing less', async () => {
    const Key = `tiles/${newName()}/checkpoint`;
    await expect(put(Key)).rejects.toThrow(expect.objectContaining({ name: 'AccessDenied' }));
    const { ETag = '' } = await put(Key, { IfNoneMatch: '*' });
    await put(Key, { IfMatch: ETag });
    await expect(put(Key)).rejects.toThrow(expect.objectContaining({ name: 'AccessDenied' }));
  });

  test.each(['tile/0/000', 'log', 'checkpoint/x'])(
    'lets nothing else be replaced: tiles/…/%s',
    async (path) => {
      const Key = `tiles/${newName()}/${path}`;
      const { ETag = '' } = await put(Key, { IfNoneMatch: '*' });
      await expect(put(Key, { IfMatch: ETag })).rejects.toThrow(
        expect.objectContaining({ name: 'AccessDenied' }),
      );
    },
  );
});

test('a log in S3 is integrated from where the last run stopped', async () => {
  const environment = newName();
  const trust = signedTrust(environment);
  const input = { s3: orchestrator, bucket, environment };
  const changeLog = createS3ChangeLog({ ...input, trust, verify: verifyEd25519 });
  const log = noteSigner('ed25519', logOrigin(environment), 'log');
  const entries = createS3LogEntries(input);
  const integrator = createIntegrator({
    entries,
    tiles: createS3TileStore(input),
    logKey: log.key,
    signer: { sign: log.sign },
    witnesses: [],
    threshold: 0,
    verify: verifyEd25519,
    clock: { nowMs: () => Date.now() },
  });
  const written: Uint8Array[] = [];
  for (let round = 0; round < 4; round += 1) {
    const envelopes = Array.from({ length: round + 1 }, (_, i) =>
      envelopeOf('request', { environment, changeId: `chg-${round}-${i}`, nonce: `${round}-${i}` }),
    );
    await changeLog.append(await Promise.all(envelopes));
    written.length = 0;
    for await (const { bytes } of changeLog.entries(0)) written.push(bytes);
    const { checkpoint } = await integrator.integrate();
    expect(checkpoint.size).toBe(written.length);
    expect(hex(checkpoint.root)).toBe(hex(naiveRoot([...written])));
  }
  const fromMiddle: string[] = [];
  for await (const bytes of entries.from(3)) fromMiddle.push(hex(bytes));
  expect(fromMiddle).toEqual(written.slice(3).map(hex));
});
