import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutBucketPolicyCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { inject } from 'vitest';
import type { Installation } from '../../client/installation.ts';
import { installationFile } from '../../client/open-installation.ts';
import { type Digest, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import { cosignNote, formatCheckpoint, logOrigin, signNote } from '../../domain/log/checkpoint.ts';
import { encodeNote, formatVkey } from '../../domain/log/signed-note.ts';
import { EMPTY_EDGE, edgeRoot, growTree, partialFiles } from '../../domain/log/tree-edge.ts';
import { createS3Client } from '../../infra/aws/aws-clients.ts';
import { createS3Bodies } from '../../infra/aws/s3-bodies.ts';
import { createS3ChangeLog } from '../../infra/aws/s3-change-log.ts';
import { snapshotName, writeSnapshot } from '../../infra/aws/s3-snapshots.ts';
import { createS3TileStore } from '../../infra/aws/s3-tile-store.ts';
import { bootstrapEnvironment, type EnvironmentResources } from '../../infra/dev/bootstrap.ts';
import { bucketPolicy } from '../../infra/dev/role-policies.ts';
import { sealTrustDocument } from '../../infra/keys/trust-file.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { runHere } from './command-line.ts';
import { DocumentHistory } from './document-history.ts';
import { noteSigner } from './note-keys.ts';
import { AT, signedTrust, signerOf } from './sample-log.ts';

/** A real bucket with IAM, and its administrator, who may do everything once the bucket's policy is lifted. */
export class TestBucket {
  readonly made: EnvironmentResources;
  readonly #admin: S3Client;
  #scenes = 0;

  private constructor(made: EnvironmentResources, admin: S3Client) {
    this.made = made;
    this.#admin = admin;
  }

  static async create(name: string): Promise<TestBucket> {
    const { aws } = inject('stack');
    const made = await bootstrapEnvironment(aws, { environment: name, zones: [] });
    const { endpoint, region } = aws;
    const admin = createS3Client({ endpoint, region, credentials: { ...aws.adminCredentials } });
    return new TestBucket(made, admin);
  }

  s3As(role: 'orchestrator' | 'client'): S3Client {
    const { endpoint, region, roles } = this.made;
    return createS3Client({ endpoint, region, credentials: roles[role].credentials });
  }

  nextEnvironment(): string {
    this.#scenes += 1;
    return `${this.made.bucket.replace('resilience-', '')}-${this.#scenes}`;
  }

  async #asAdministrator(act: (s3: S3Client) => Promise<unknown>): Promise<void> {
    const { bucket } = this.made;
    const lifted = JSON.stringify({ Version: '2012-10-17', Statement: [] });
    await this.#admin.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: lifted }));
    await act(this.#admin);
    await this.#admin.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: bucketPolicy(bucket) }));
  }

  /** A new version over what is there. */
  overwrite(name: string, bytes: Uint8Array): Promise<void> {
    return this.#asAdministrator((s3) =>
      s3.send(new PutObjectCommand({ Bucket: this.made.bucket, Key: name, Body: bytes })),
    );
  }

  /** A delete marker. */
  delete(name: string): Promise<void> {
    return this.#asAdministrator((s3) =>
      s3.send(new DeleteObjectCommand({ Bucket: this.made.bucket, Key: name })),
    );
  }

  /** Every version, for good. */
  destroy(name: string): Promise<void> {
    const Bucket = this.made.bucket;
    return this.#asAdministrator(async (s3) => {
      const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix: name }));
      for (const { Key, VersionId } of Versions) {
        await s3.send(new DeleteObjectCommand({ Bucket, Key, VersionId }));
      }
    });
  }
}

/**
 * A log of its own in the bucket, and a machine with the command line: people's credentials, an installation that
 * knows the keys of log and witness, and a memory.
 */
export async function storedLog(bucket: TestBucket) {
  const { made } = bucket;
  const environment = bucket.nextEnvironment();
  const dir = mkdtempSync(join(tmpdir(), `resilience-${environment}-`));
  const trust = signedTrust(environment);
  const store = { s3: bucket.s3As('orchestrator'), bucket: made.bucket, environment };
  const log = createS3ChangeLog({ ...store, trust, verify: verifyEd25519 });
  const bodies = createS3Bodies(store);
  const tiles = createS3TileStore(store);
  const history = new DocumentHistory({
    environment,
    append: (envelopes) => log.append(envelopes),
    putBody: bodies.put,
  });
  const [logKey, witness] = [
    noteSigner('ed25519', logOrigin(environment), 'the log'),
    noteSigner('cosignature/v1', 'witness.example/w1', 'the witness'),
  ];

  async function writeInstallation(change: Partial<Installation> = {}): Promise<string> {
    const { envelope, digest } = await sealTrustDocument(trust, [signerOf('root')]);
    const home = mkdtempSync(join(dir, 'machine-'));
    mkdirSync(dirname(installationFile(home)), { recursive: true });
    writeFileSync(join(home, 'trust.json'), JSON.stringify(envelope));
    const installation: Installation = {
      apiVersion: 'resilience-ctl/installation/v1',
      environment,
      // Nobody answers there: reading the store asks no engine.
      temporal: { address: '127.0.0.1:1', namespace: 'none' },
      aws: {
        endpoint: made.endpoint,
        region: made.region,
        bucket: made.bucket,
        credentials: made.roles.client.credentials,
      },
      trustFile: '../trust.json',
      trustDigest: digest,
      checkpoints: { logKey: formatVkey(logKey.key), witnessKeys: [formatVkey(witness.key)] },
      keysDir: 'keys',
      keeper: made.roles.keeper.credentials,
      ...change,
    };
    writeFileSync(installationFile(home), JSON.stringify(installation));
    return home;
  }

  const home = await writeInstallation();
  return {
    ...{ environment, log, bodies, history, home, writeInstallation },
    /** A command, on this machine or on another one. */
    run: (args: readonly string[], machine = home) => runHere(machine, args),
    snapshot: () => writeSnapshot({ ...store, log, signer: signerOf('orchestrator'), at: AT }),
    /** An object that looks like a snapshot, whatever is in it. */
    async putSnapshot(size: number, bytes: Uint8Array): Promise<Digest> {
      const digest = digestOfBytes(bytes);
      const Key = snapshotName(environment, size, digest);
      await store.s3.send(new PutObjectCommand({ Bucket: made.bucket, Key, Body: bytes, IfNoneMatch: '*' }));
      return digest;
    },
    /** Tiles and a cosigned checkpoint over all that is in the log. */
    async publish(): Promise<void> {
      const entries: Uint8Array[] = [];
      for await (const { bytes } of log.entries(0)) entries.push(bytes);
      const { edge, full } = growTree(EMPTY_EDGE, entries);
      for (const { path, bytes } of [...full, ...partialFiles(edge, 0)]) await tiles.put(path, bytes);
      const text = formatCheckpoint({ origin: logKey.key.name, size: edge.size, root: edgeRoot(edge) });
      const signatures = [
        await signNote(text, logKey.key, logKey.sign),
        await cosignNote(text, witness.key, Date.parse(AT) / 1000, witness.sign),
      ];
      const before = await tiles.get('checkpoint');
      await tiles.replace('checkpoint', encodeNote({ text, signatures }), before?.version ?? null);
    },
    /** Names of the log's objects, in order. */
    async objectNames(): Promise<string[]> {
      const { Versions = [] } = await store.s3.send(
        new ListObjectVersionsCommand({ Bucket: made.bucket, Prefix: `log/${environment}/` }),
      );
      return Versions.flatMap(({ Key }) => Key ?? []).sort();
    },
    dispose: () => rmSync(dir, { recursive: true, force: true }),
  };
}

export type StoredLog = Awaited<ReturnType<typeof storedLog>>;
