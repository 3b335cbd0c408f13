import { createPublicKey } from 'node:crypto';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteAccessKeyCommand,
  IAMClient,
  ListAccessKeysCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import {
  CreateAliasCommand,
  CreateKeyCommand,
  DescribeKeyCommand,
  GetPublicKeyCommand,
  KMSClient,
} from '@aws-sdk/client-kms';
import {
  ChangeResourceRecordSetsCommand,
  CreateHostedZoneCommand,
  ListHostedZonesByNameCommand,
  ListResourceRecordSetsCommand,
  type ResourceRecordSet,
  Route53Client,
} from '@aws-sdk/client-route-53';
import {
  CreateBucketCommand,
  PutBucketPolicyCommand,
  PutBucketVersioningCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { bucketPolicy, type PolicyTargets, ROLES, type RoleName, rolePolicy } from './role-policies.ts';
import type { AwsCredentials, AwsServer } from './servers.ts';

/** What one environment consists of. */
export interface EnvironmentPlan {
  environment: string;
  /** Hosted zones by name (`example.com`), with the records that a new zone starts with. */
  zones: readonly { name: string; records: readonly ResourceRecordSet[] }[];
}

export interface RoleResources {
  credentials: AwsCredentials;
  /** Absent for `client`, whose people sign with their own keys, and for `consumer`, who signs nothing. */
  keyArn?: string;
  /** The key's public half, SPKI. */
  publicKeyPem?: string;
}

/** Plain JSON. It holds secrets that cannot be read again: keep it in a file that only its owner reads. */
export interface EnvironmentResources {
  bucket: string;
  region: string;
  endpoint: string;
  /** By the name given in the plan. */
  hostedZones: Record<string, string>;
  roles: Record<RoleName, RoleResources>;
  /** The key that signs the log's checkpoints. */
  logKey: KmsKey;
  /** The symmetric key that encrypts second factors. */
  factorKeyArn: string;
}

interface KmsKey {
  keyArn: string;
  /** The public half, SPKI. */
  publicKeyPem: string;
}

interface Clients {
  iam: IAMClient;
  kms: KMSClient;
  route53: Route53Client;
  s3: S3Client;
}

/**
 * Creates with the administrator's key what one environment needs: the log's bucket, hosted zones, and for
 * each role a user with a least-privilege policy, an access key and an Ed25519 key, and one for the log. Running it again returns
 * the same resources and sets the policies anew; records of a zone that exists are not touched. Hand it what it
 * returned before as `previous`: an access key that is not there cannot be read again and is replaced.
 */
export async function bootstrapEnvironment(
  aws: AwsServer,
  plan: EnvironmentPlan,
  previous?: EnvironmentResources,
): Promise<EnvironmentResources> {
  const bucket = `resilience-${plan.environment}`;
  const clients = connect(aws);
  try {
    const ensuringZones = Promise.all(
      plan.zones.map(
        async (zone) => [zone.name, await ensureZone(clients.route53, plan.environment, zone)] as const,
      ),
    );
    const ensuringLogKey = ensureKey(clients.kms, plan.environment, 'log');
    const ensuringFactorKey = ensureSymmetricKey(clients.kms, plan.environment, 'factors');
    const [zones, logKey, factorKeyArn, , ...roles] = await Promise.all([
      ensuringZones,
      ensuringLogKey,
      ensuringFactorKey,
      ensureBucket(clients.s3, bucket),
      ...ROLES.map(async (facts) => {
        const user = `resilience-${plan.environment}-${facts.role}`;
        const known = previous?.roles[facts.role]?.credentials;
        const [credentials, key] = await Promise.all([
          ensureUser(clients.iam, user, known),
          facts.signs ? ensureKey(clients.kms, plan.environment, facts.role) : undefined,
        ]);
        const hostedZoneIds = (await ensuringZones).map(([, id]) => id);
        const logKeyArn = (await ensuringLogKey).keyArn;
        const targets: PolicyTargets = {
          bucket,
          hostedZoneIds,
          logKeyArn,
          factorKeyArn: await ensuringFactorKey,
          ...(key && { keyArn: key.keyArn }),
        };
        await clients.iam.send(
          new PutUserPolicyCommand({
            UserName: user,
            PolicyName: 'role',
            PolicyDocument: rolePolicy(facts, targets),
          }),
        );
        return [facts.role, { credentials, ...key }] as const;
      }),
    ]);
    return {
      bucket,
      region: aws.region,
      endpoint: aws.endpoint,
      hostedZones: Object.fromEntries(zones),
      roles: Object.fromEntries(roles) as Record<RoleName, RoleResources>,
      logKey,
      factorKeyArn,
    };
  } finally {
    for (const client of Object.values(clients)) client.destroy();
  }
}

function connect(aws: AwsServer): Clients {
  const config = () => ({
    endpoint: aws.endpoint,
    region: aws.region,
    // A copy: the SDK writes into what it is handed.
    credentials: { ...aws.adminCredentials },
  });
  return {
    iam: new IAMClient(config()),
    kms: new KMSClient(config()),
    route53: new Route53Client(config()),
    s3: new S3Client({ ...config(), forcePathStyle: true }),
  };
}

async function ensureBucket(s3: S3Client, bucket: string): Promise<void> {
  await unlessNamed(
    ['BucketAlreadyOwnedByYou', 'BucketAlreadyExists'],
    // Object Lock can be asked for only now. Without a default retention it changes no put.
    s3.send(new CreateBucketCommand({ Bucket: bucket, ObjectLockEnabledForBucket: true })),
  );
  await Promise.all([
    s3.send(
      new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration: { Status: 'Enabled' } }),
    ),
    s3.send(new PutBucketPolicyCommand({ Bucket: bucket, Policy: bucketPolicy(bucket) })),
  ]);
}

async function ensureZone(
  route53: Route53Client,
  environment: string,
  zone: EnvironmentPlan['zones'][number],
): Promise<string> {
  const name = zone.name.endsWith('.') ? zone.name : `${zone.name}.`;
  const found = await route53.send(new ListHostedZonesByNameCommand({ DNSName: name, MaxItems: 1 }));
  const existing = found.HostedZones?.find((one) => one.Name === name);
  const reference = `resilience-${environment}-${name}`;
  if (existing !== undefined && existing.CallerReference !== reference) {
    throw new Error(
      `The hosted zone ${name} exists and is not of environment ${environment}: a zone belongs to one environment. Choose another zone name.`,
    );
  }
  const id = existing?.Id ?? (await createZone(route53, reference, name));
  if (zone.records.length > 0 && (await onlyApexRecords(route53, id, name))) {
    await route53.send(
      new ChangeResourceRecordSetsCommand({
        HostedZoneId: id,
        ChangeBatch: {
          Changes: zone.records.map((record) => ({ Action: 'CREATE', ResourceRecordSet: record })),
        },
      }),
    );
  }
  return id.replace('/hostedzone/', '');
}

async function createZone(route53: Route53Client, reference: string, name: string): Promise<string> {
  const made = await route53.send(new CreateHostedZoneCommand({ Name: name, CallerReference: reference }));
  return required(made.HostedZone?.Id, 'CreateHostedZone returned no id');
}

/** True for a zone as it is created, with its SOA and NS alone: a run that failed halfway is then completed. */
async function onlyApexRecords(route53: Route53Client, id: string, name: string): Promise<boolean> {
  const listed = await route53.send(new ListResourceRecordSetsCommand({ HostedZoneId: id, MaxItems: 3 }));
  const own = ['SOA', 'NS'];
  return (listed.ResourceRecordSets ?? []).every((one) => one.Name === name && own.includes(one.Type ?? ''));
}

async function ensureUser(iam: IAMClient, user: string, known?: AwsCredentials): Promise<AwsCredentials> {
  await unlessNamed(['EntityAlreadyExistsException'], iam.send(new CreateUserCommand({ UserName: user })));
  const listed = await iam.send(new ListAccessKeysCommand({ UserName: user }));
  const ids = (listed.AccessKeyMetadata ?? []).flatMap((one) => one.AccessKeyId ?? []);
  if (known !== undefined && ids.includes(known.accessKeyId)) return known;
  // A user has two keys at most, and the secret of these is lost.
  await Promise.all(
    ids.map((id) => iam.send(new DeleteAccessKeyCommand({ UserName: user, AccessKeyId: id }))),
  );
  const made = await iam.send(new CreateAccessKeyCommand({ UserName: user }));
  return {
    accessKeyId: required(made.AccessKey?.AccessKeyId, 'CreateAccessKey returned no id'),
    secretAccessKey: required(made.AccessKey?.SecretAccessKey, 'CreateAccessKey returned no secret'),
  };
}

async function ensureKey(kms: KMSClient, environment: string, holder: RoleName | 'log'): Promise<KmsKey> {
  const alias = `alias/resilience-${environment}/${holder.replaceAll('.', '-')}`;
  const found = await unlessNamed(['NotFoundException'], kms.send(new GetPublicKeyCommand({ KeyId: alias })));
  if (found !== undefined) return keyFacts(found);
  const made = await kms.send(
    new CreateKeyCommand({
      KeySpec: 'ECC_NIST_EDWARDS25519',
      KeyUsage: 'SIGN_VERIFY',
      Description: `resilience-ctl ${environment} ${holder}`,
    }),
  );
  const keyId = required(made.KeyMetadata?.KeyId, 'CreateKey returned no id');
  const [, publicKey] = await Promise.all([
    kms.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: keyId })),
    kms.send(new GetPublicKeyCommand({ KeyId: keyId })),
  ]);
  return keyFacts(publicKey);
}

async function ensureSymmetricKey(kms: KMSClient, environment: string, use: string): Promise<string> {
  const alias = `alias/resilience-${environment}/${use}`;
  const found = await unlessNamed(['NotFoundException'], kms.send(new DescribeKeyCommand({ KeyId: alias })));
  if (found !== undefined) return required(found.KeyMetadata?.Arn, 'DescribeKey returned no ARN');
  const made = await kms.send(new CreateKeyCommand({ Description: `resilience-ctl ${environment} ${use}` }));
  const keyId = required(made.KeyMetadata?.KeyId, 'CreateKey returned no id');
  await kms.send(new CreateAliasCommand({ AliasName: alias, TargetKeyId: keyId }));
  return required(made.KeyMetadata?.Arn, 'CreateKey returned no ARN');
}

function keyFacts(answer: { KeyId?: string | undefined; PublicKey?: Uint8Array | undefined }): KmsKey {
  const der = required(answer.PublicKey, 'GetPublicKey returned no key');
  const publicKey = createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  return {
    keyArn: required(answer.KeyId, 'GetPublicKey returned no ARN'),
    publicKeyPem: publicKey.export({ format: 'pem', type: 'spki' }).toString(),
  };
}

/** `undefined` when the call fails with one of these names, which say that somebody did it before, or nobody. */
async function unlessNamed<T>(names: readonly string[], call: Promise<T>): Promise<T | undefined> {
  try {
    return await call;
  } catch (error) {
    if (error instanceof Error && names.includes(error.name)) return undefined;
    throw error;
  }
}

function required<T>(value: T | undefined, problem: string): T {
  if (value === undefined) throw new Error(`${problem}. This is not AWS as we know it; check the endpoint.`);
  return value;
}
