import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { networkInterfaces, tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { GetPublicKeyCommand, KMSClient, SignCommand } from '@aws-sdk/client-kms';
import {
  ChangeResourceRecordSetsCommand,
  GetChangeCommand,
  ListResourceRecordSetsCommand,
  Route53Client,
} from '@aws-sdk/client-route-53';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectVersionsCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { Connection } from '@temporalio/client';
import { afterAll, beforeAll, describe, expect, inject, test, vi } from 'vitest';
import { bootstrapEnvironment, type EnvironmentResources } from '../../infra/dev/bootstrap.ts';
import { startFaultProxy } from '../../infra/dev/fault-proxy.ts';
import { findPython } from '../../infra/dev/install.ts';
import type { RoleName } from '../../infra/dev/role-policies.ts';
import { type DevServers, type StackAddresses, startServers } from '../../infra/dev/servers.ts';
import { SEARCH_ATTRIBUTES } from '../../workflows/contract.ts';

const ZONE = 'dev-stack.example';
const PLAN = {
  environment: 'dev-stack',
  zones: [
    {
      name: ZONE,
      records: [
        {
          Name: `api.${ZONE}`,
          Type: 'A' as const,
          TTL: 1,
          ResourceRecords: [{ Value: '127.0.0.1' }],
        },
      ],
    },
  ],
};

const folders: string[] = [];
function freshFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'resilience-dev-stack-'));
  folders.push(folder);
  return folder;
}
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

function clientConfig(env: EnvironmentResources, role: RoleName, endpoint = env.endpoint) {
  return { endpoint, region: env.region, credentials: { ...env.roles[role].credentials }, maxAttempts: 1 };
}

function s3As(env: EnvironmentResources, role: RoleName, endpoint?: string): S3Client {
  return new S3Client({ ...clientConfig(env, role, endpoint), forcePathStyle: true });
}

function putIfAbsent(env: EnvironmentResources, key: string, body: string): PutObjectCommand {
  return new PutObjectCommand({ Bucket: env.bucket, Key: key, Body: body, IfNoneMatch: '*' });
}

function createRecord(env: EnvironmentResources, label: string): ChangeResourceRecordSetsCommand {
  const record = {
    Name: `${label}.${ZONE}`,
    Type: 'TXT' as const,
    TTL: 1,
    ResourceRecords: [{ Value: '"x"' }],
  };
  return new ChangeResourceRecordSetsCommand({
    HostedZoneId: env.hostedZones[ZONE],
    ChangeBatch: { Changes: [{ Action: 'CREATE', ResourceRecordSet: record }] },
  });
}

async function recordNames(env: EnvironmentResources, role: RoleName): Promise<string[]> {
  const route53 = new Route53Client(clientConfig(env, role));
  const answer = await route53.send(
    new ListResourceRecordSetsCommand({ HostedZoneId: env.hostedZones[ZONE] }),
  );
  return (answer.ResourceRecordSets ?? []).map((one) => one.Name ?? '');
}

describe('the shared stack', () => {
  let stack: StackAddresses;
  let env: EnvironmentResources;
  beforeAll(async () => {
    stack = inject('stack');
    env = await bootstrapEnvironment(stack.aws, PLAN);
  });

  test('answers on loopback only', async () => {
    const outside = Object.values(networkInterfaces())
      .flatMap((addresses) => addresses ?? [])
      .filter((address) => address.family === 'IPv4' && !address.internal);
    const ports = [new URL(stack.aws.endpoint).port, stack.temporal.address.split(':')[1]].map(Number);
    for (const port of ports) {
      expect(await accepts('127.0.0.1', port)).toBe(true);
      for (const { address } of outside) expect(await accepts(address, port)).toBe(false);
    }
  });

  test('lets only the enactor change records', async () => {
    for (const role of ['orchestrator', 'voter.us-east-1a', 'analysis', 'client'] as const) {
      const route53 = new Route53Client(clientConfig(env, role));
      await expect(route53.send(createRecord(env, 'intruder'))).rejects.toMatchObject({
        name: 'AccessDenied',
      });
      expect(await recordNames(env, role)).toContain(`api.${ZONE}.`);
    }
    const enactor = new Route53Client(clientConfig(env, 'enactor'));
    const made = await enactor.send(createRecord(env, 'by-enactor'));
    const change = await enactor.send(new GetChangeCommand({ Id: made.ChangeInfo?.Id }));
    expect(change.ChangeInfo?.Status).toMatch(/PENDING|INSYNC/);
    expect(await recordNames(env, 'enactor')).not.toContain(`intruder.${ZONE}.`);
  });

  test('lets one writer of two create an object, and nobody replace or delete it', async () => {
    const writers = [s3As(env, 'orchestrator'), s3As(env, 'enactor')];
    const results = await Promise.allSettled(
      writers.map((writer, index) => writer.send(putIfAbsent(env, 'log/race', `writer ${index}`))),
    );
    expect(results.map((one) => one.status).sort()).toEqual(['fulfilled', 'rejected']);
    const loser = results.find((one) => one.status === 'rejected');
    expect(loser?.reason).toMatchObject({ name: 'PreconditionFailed', $metadata: { httpStatusCode: 412 } });

    const key = { Bucket: env.bucket, Key: 'log/race' };
    for (const role of Object.keys(env.roles) as RoleName[]) {
      const s3 = s3As(env, role);
      const replacing = s3.send(new PutObjectCommand({ ...key, Body: 'forged' }));
      await expect(replacing, role).rejects.toMatchObject({ name: 'AccessDenied' });
      await expect(s3.send(new DeleteObjectCommand(key)), role).rejects.toMatchObject({
        name: 'AccessDenied',
      });
    }
    const versions = await s3As(env, 'voter.us-east-1b').send(
      new ListObjectVersionsCommand({ Bucket: env.bucket, Prefix: 'log/race' }),
    );
    expect(versions.Versions).toHaveLength(1);
  });

  test('lets the keeper alone put over what it has read, and nobody over a report', async () => {
    const { ETag } = await s3As(env, 'orchestrator').send(putIfAbsent(env, 'bodies/kept', 'first'));
    const over = { Bucket: env.bucket, Key: 'bodies/kept', Body: 'first again', IfMatch: ETag };
    for (const role of Object.keys(env.roles) as RoleName[]) {
      if (role === 'keeper') continue;
      const putting = s3As(env, role).send(new PutObjectCommand(over));
      await expect(putting, role).rejects.toMatchObject({ name: 'AccessDenied' });
    }
    const keeper = s3As(env, 'keeper');
    await keeper.send(new PutObjectCommand(over));
    await expect(keeper.send(new PutObjectCommand(over))).rejects.toMatchObject({
      name: 'PreconditionFailed',
    });
    await expect(keeper.send(putIfAbsent(env, 'reports/by-keeper', 'x'))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
  });

  test('lets each role put and sign what is its own', async () => {
    const client = s3As(env, 'client');
    await client.send(putIfAbsent(env, 'bodies/by-client', 'x'));
    const elsewhere = client.send(putIfAbsent(env, 'snapshots/by-client', 'x'));
    await expect(elsewhere).rejects.toMatchObject({ name: 'AccessDenied' });
    const byVoter = s3As(env, 'voter.us-east-1a').send(putIfAbsent(env, 'log/by-voter', 'x'));
    await expect(byVoter).rejects.toMatchObject({ name: 'AccessDenied' });

    const kms = new KMSClient(clientConfig(env, 'voter.us-east-1a'));
    const sign = (role: RoleName) =>
      kms.send(
        new SignCommand({
          KeyId: env.roles[role].keyArn,
          Message: Buffer.from('vote'),
          MessageType: 'RAW',
          SigningAlgorithm: 'ED25519_SHA_512',
        }),
      );
    expect((await sign('voter.us-east-1a')).Signature).toHaveLength(64);
    await expect(sign('voter.us-east-1b')).rejects.toMatchObject({ name: 'AccessDeniedException' });
  });

  test('lets a consumer read what is live, put reports, and nothing else', async () => {
    const consumer = s3As(env, 'consumer');
    await s3As(env, 'orchestrator').send(putIfAbsent(env, 'bodies/for-consumer', 'x'));
    await s3As(env, 'orchestrator').send(putIfAbsent(env, 'elsewhere/not-for-consumer', 'x'));
    await consumer.send(putIfAbsent(env, 'reports/by-consumer', 'x'));
    const Bucket = env.bucket;
    await consumer.send(new GetObjectCommand({ Bucket, Key: 'bodies/for-consumer' }));
    for (const Prefix of ['log/', 'snapshots/prod/']) {
      await consumer.send(new ListObjectVersionsCommand({ Bucket, Prefix }));
    }
    const denied = [
      consumer.send(new GetObjectCommand({ Bucket, Key: 'elsewhere/not-for-consumer' })),
      consumer.send(new GetObjectCommand({ Bucket, Key: 'reports/by-consumer' })),
      consumer.send(new ListObjectVersionsCommand({ Bucket, Prefix: 'reports/' })),
      ...['log/', 'bodies/', 'snapshots/'].map((folder) =>
        consumer.send(putIfAbsent(env, `${folder}by-consumer`, 'x')),
      ),
      recordNames(env, 'consumer'),
    ];
    for (const one of await Promise.allSettled(denied)) {
      expect(one).toMatchObject({ status: 'rejected', reason: { name: 'AccessDenied' } });
    }
    expect(env.roles.consumer.keyArn).toBeUndefined();
    const seen = await s3As(env, 'analysis').send(
      new GetObjectCommand({ Bucket, Key: 'reports/by-consumer' }),
    );
    expect(await seen.Body?.transformToString()).toBe('x');
  });

  test('bootstraps the same resources again', async () => {
    expect(await bootstrapEnvironment(stack.aws, PLAN, env)).toEqual(env);
    await expect(
      bootstrapEnvironment(stack.aws, { ...PLAN, environment: 'dev-stack-other' }),
    ).rejects.toThrow('belongs to one environment');
  });

  test('knows our search attributes', async () => {
    const connection = await Connection.connect({ address: stack.temporal.address });
    const listed = await connection.operatorService.listSearchAttributes({
      namespace: stack.temporal.namespace,
    });
    await connection.close();
    expect(Object.keys(listed.customAttributes ?? {})).toEqual(
      expect.arrayContaining(Object.values(SEARCH_ATTRIBUTES)),
    );
  });

  test('offers no control without a key', async () => {
    const answer = await fetch(`${stack.aws.endpoint}/_ministack/reset`, { method: 'POST' });
    expect(answer.status).toBe(404);
  });

  describe('behind the fault proxy', () => {
    test('loses the answer of a Route 53 change that was made', async () => {
      const proxy = await startFaultProxy({
        upstream: stack.aws.endpoint,
        stateDir: freshFolder(),
        rules: [
          {
            service: 'route53',
            headers: { 'Content-Type': 'xml' },
            times: 1,
            response: { abort_frac: 0 },
          },
        ],
      });
      try {
        const route53 = new Route53Client(clientConfig(env, 'enactor', proxy.endpoint));
        await expect(route53.send(createRecord(env, 'lost-answer'))).rejects.toThrow();
        expect((await proxy.fired()).map((one) => one.action)).toEqual(['response:abort']);
        expect(await recordNames(env, 'enactor')).toContain(`lost-answer.${ZONE}.`);

        await proxy.setRules([{ service: 's3', times: 1, error: { code: 'SlowDown' } }]);
        const s3 = s3As(env, 'orchestrator', proxy.endpoint);
        const slowed = s3.send(putIfAbsent(env, 'log/slowed', 'x'));
        await expect(slowed).rejects.toMatchObject({ name: 'SlowDown' });
        await s3.send(putIfAbsent(env, 'log/slowed', 'x'));
        expect(await proxy.fired()).toHaveLength(1);
      } finally {
        await proxy.stop();
      }
    });

    test('loses the answer of an S3 put that was made, on a connection in use', async () => {
      const proxy = await startFaultProxy({
        upstream: stack.aws.endpoint,
        protocol: 'tcp',
        stateDir: freshFolder(),
        rules: [{ payload: '^PUT /\\S+/log/lost', times: 1, cut_reply: { after_bytes: 1 } }],
      });
      try {
        const s3 = s3As(env, 'orchestrator', proxy.endpoint);
        await s3.send(putIfAbsent(env, 'log/kept', 'x'));
        await expect(s3.send(putIfAbsent(env, 'log/lost', 'x'))).rejects.toThrow();
        expect(await proxy.fired()).toHaveLength(1);
        const again = s3.send(putIfAbsent(env, 'log/lost', 'y'));
        await expect(again).rejects.toMatchObject({ name: 'PreconditionFailed' });
      } finally {
        await proxy.stop();
      }
    });
  });
});

describe('a stack of its own', () => {
  let servers: DevServers;
  const stateDir = freshFolder();
  beforeAll(async () => {
    servers = await startServers({ stateDir });
  });
  afterAll(() => servers.stop());

  test('keeps its data when the emulator is killed', async () => {
    const env = await bootstrapEnvironment(servers.aws, PLAN);
    const s3 = s3As(env, 'orchestrator');
    await new Route53Client(clientConfig(env, 'enactor')).send(createRecord(env, 'kept'));
    await vi.waitFor(
      () => {
        expect(savedState('route53')).toContain(`kept.${ZONE}`);
        expect(savedState('iam')).toContain(env.roles.client.credentials.accessKeyId);
        expect(savedState('kms')).toContain(env.roles.enactor.keyArn);
        expect(savedState('s3')).toContain('PutOnlyIfAbsent');
      },
      { timeout: 5_000 },
    );
    const kms = new KMSClient(clientConfig(env, 'enactor'));
    // An object needs no waiting: it is on disk before the answer.
    await s3.send(putIfAbsent(env, 'log/kept', 'entry'));

    await servers.killAws();
    await expect(recordNames(env, 'enactor')).rejects.toThrow();
    await servers.restartAws();

    expect(await recordNames(env, 'enactor')).toContain(`kept.${ZONE}.`);
    const kept = await s3.send(new GetObjectCommand({ Bucket: env.bucket, Key: 'log/kept' }));
    expect(await kept.Body?.transformToString()).toBe('entry');
    const loser = s3.send(putIfAbsent(env, 'log/kept', 'forged'));
    await expect(loser).rejects.toMatchObject({ name: 'PreconditionFailed' });
    const intruder = new Route53Client(clientConfig(env, 'orchestrator'));
    await expect(intruder.send(createRecord(env, 'intruder'))).rejects.toMatchObject({
      name: 'AccessDenied',
    });
    const publicKey = await kms.send(new GetPublicKeyCommand({ KeyId: env.roles.enactor.keyArn }));
    expect(env.roles.enactor.publicKeyPem?.replaceAll('\n', '')).toContain(
      Buffer.from(publicKey.PublicKey ?? []).toString('base64'),
    );
    expect(await bootstrapEnvironment(servers.aws, PLAN, env)).toEqual(env);
  });

  test('answers on the same port after Temporal was killed', async () => {
    await servers.killTemporal();
    await servers.restartTemporal();
    const connection = await Connection.connect({ address: servers.temporal.address });
    await connection.close();
  });

  function savedState(service: string): string {
    const file = join(stateDir, 'aws-state', `${service}.json`);
    return existsSync(file) ? readFileSync(file, 'utf8') : '';
  }
});

test('servers end when the process that started them is killed', async () => {
  const program = `
    import { startServers } from ${JSON.stringify(new URL('../../infra/dev/servers.ts', import.meta.url).href)};
    const servers = await startServers({ stateDir: ${JSON.stringify(freshFolder())} });
    console.log(JSON.stringify(servers));
    setInterval(() => {}, 1000);
  `;
  const parent = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  const [line] = (await once(createInterface({ input: parent.stdout }), 'line')) as [string];
  const { aws, temporal } = JSON.parse(line) as StackAddresses;
  const ports = [new URL(aws.endpoint).port, temporal.address.split(':')[1]].map(Number);
  for (const port of ports) expect(await accepts('127.0.0.1', port)).toBe(true);
  parent.kill('SIGKILL');
  await vi.waitFor(
    async () => {
      for (const port of ports) expect(await accepts('127.0.0.1', port)).toBe(false);
    },
    { timeout: 10_000 },
  );
});

test('a missing Python gets a sentence that says what to install', () => {
  expect(() => findPython({ PATH: freshFolder() })).toThrow(
    'The local servers need Python 3.10 or newer with the venv module. None was found on PATH.',
  );
  expect(() => findPython({ PATH: '' })).toThrow(
    expect.objectContaining({
      code: 'STACK_NOT_RUNNING',
      details: { next: expect.stringContaining('apt install python3 python3-venv') },
    }),
  );
});

test('a server that cannot start says so, with its last log lines', async () => {
  const stateDir = freshFolder();
  mkdirSync(join(stateDir, 'temporal.db'));
  await expect(startServers({ stateDir })).rejects.toMatchObject({
    code: 'STACK_NOT_RUNNING',
    message: expect.stringMatching(
      /^Temporal ended \(status 1\) instead of serving[\s\S]*last lines:[\s\S]*database/,
    ),
    details: { next: expect.stringContaining(join(stateDir, 'temporal.log')) },
  });
});

test("a person's own Temporal that does not answer is named", async () => {
  const env = { ...process.env, TEMPORAL_ADDRESS: '127.0.0.1:1' };
  await expect(startServers({ stateDir: freshFolder(), env })).rejects.toMatchObject({
    code: 'STACK_NOT_RUNNING',
    message: expect.stringContaining('Temporal at 127.0.0.1:1 (TEMPORAL_ADDRESS)'),
  });
});

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 2_000 });
    const settle = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', settle(true)).once('error', settle(false)).once('timeout', settle(false));
  });
}
