import { VOTER_ZONES } from '../../workflows/contract.ts';

/**
 * Who has AWS credentials in one environment: every worker role, people's command line, the services that read, and
 * whoever keeps the bucket.
 */
export type RoleName =
  | 'orchestrator'
  | 'analysis'
  | 'enactor'
  | 'client'
  | 'consumer'
  | 'keeper'
  | 'factor-verifier'
  | 'break-glass'
  | `voter.${(typeof VOTER_ZONES)[number]}`;

/** What one role's policy is about. */
export interface PolicyTargets {
  bucket: string;
  hostedZoneIds: readonly string[];
  /** Absent for a role without a key. */
  keyArn?: string;
  logKeyArn: string;
  /** Encrypts second factors. */
  factorKeyArn: string;
}

interface RoleFacts {
  role: RoleName;
  signs: boolean;
  /**
   * Keys of the bucket, as policy patterns, that it may create. What may be put over something: see `bucketPolicy`.
   */
  creates: readonly string[];
  changesRecords: boolean;
  /** May ask what the bucket promises: for `resilience-ctl doctor`. */
  inspects?: true;
  /** Signs the log's checkpoints. */
  integrates?: true;
  /** Keeps people's second factors, which nobody else may read. */
  keepsFactors?: true;
  /** These parts of the bucket, and no zone. Absent: all. */
  readsOnly?: readonly string[];
}

const voter = { signs: true, creates: [], changesRecords: false };

/** The whole of who may do what. Only the enactor, and break-glass, change records; only the factor-verifier reads second factors; nobody
 * deletes. */
export const ROLES: readonly RoleFacts[] = [
  { role: 'orchestrator', signs: true, creates: ['*'], changesRecords: false, integrates: true },
  ...VOTER_ZONES.map((zone): RoleFacts => ({ role: `voter.${zone}`, ...voter })),
  { role: 'analysis', signs: true, creates: ['bodies/*'], changesRecords: false },
  { role: 'enactor', signs: true, creates: ['log/*', 'bodies/*'], changesRecords: true },
  { role: 'client', signs: false, creates: ['log/*', 'bodies/*'], changesRecords: false, inspects: true },
  {
    role: 'consumer',
    signs: false,
    creates: ['reports/*'],
    changesRecords: false,
    readsOnly: ['log/*', 'bodies/*', 'snapshots/*', 'tiles/*'],
  },
  {
    role: 'factor-verifier',
    signs: true,
    creates: ['factors/*', 'log/*'],
    changesRecords: false,
    keepsFactors: true,
    readsOnly: ['log/*', 'factors/*'],
  },
  // Of no process: `override apply` writes with it when two people say so.
  { role: 'break-glass', signs: true, creates: ['log/*', 'bodies/*'], changesRecords: true },
  // Of no process: `store check --repair` puts first versions back under their names with it.
  {
    role: 'keeper',
    signs: false,
    creates: ['log/*', 'bodies/*', 'snapshots/*', 'tiles/*'],
    changesRecords: false,
    readsOnly: ['log/*', 'bodies/*', 'snapshots/*', 'tiles/*'],
  },
];

/** The inline policy of a role's user, as JSON. */
export function rolePolicy(facts: RoleFacts, targets: PolicyTargets): string {
  const bucketArn = `arn:aws:s3:::${targets.bucket}`;
  const zoneArns = targets.hostedZoneIds.map((id) => `arn:aws:route53:::hostedzone/${id}`);
  const reads = (facts.readsOnly ?? ['*']).map((pattern) => `${bucketArn}/${pattern}`);
  const statements = [
    allow(['s3:GetObject', 's3:GetObjectVersion'], reads),
    { ...allow(['s3:ListBucket', 's3:ListBucketVersions'], [bucketArn]), ...listingOnly(facts.readsOnly) },
  ];
  if (facts.readsOnly === undefined) {
    statements.push(allow(['route53:GetHostedZone', 'route53:ListResourceRecordSets'], zoneArns));
    // Listing zones knows no resource.
    statements.push(allow(['route53:ListHostedZones', 'route53:ListHostedZonesByName'], ['*']));
  }
  if (facts.inspects) {
    const settings = ['s3:GetBucketVersioning', 's3:GetBucketObjectLockConfiguration', 's3:GetBucketPolicy'];
    statements.push(allow(settings, [bucketArn]));
  }
  if (facts.creates.length > 0) {
    statements.push(
      allow(
        ['s3:PutObject'],
        facts.creates.map((pattern) => `${bucketArn}/${pattern}`),
      ),
    );
  }
  if (facts.changesRecords) {
    statements.push(allow(['route53:ChangeResourceRecordSets'], zoneArns));
    // AWS would take `arn:aws:route53:::change/*`, which the emulator never matches. It tells only PENDING or INSYNC.
    statements.push(allow(['route53:GetChange'], ['*']));
  }
  if (facts.keepsFactors) statements.push(allow(['kms:Encrypt', 'kms:Decrypt'], [targets.factorKeyArn]));
  const keyArns = [targets.keyArn, facts.integrates && targets.logKeyArn].filter((arn) => arn !== undefined);
  statements.push(allow(['kms:Sign', 'kms:GetPublicKey'], keyArns));
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      ...statements.filter((one) => one.Resource.length > 0),
      ...(facts.keepsFactors ? [] : [notFactors(bucketArn)]),
    ],
  });
}

/**
 * The bucket refuses, to everyone, what would rewrite history: a put that could replace an object, and every
 * delete. A role's own policy does not matter then. Two kinds of names are mutable, and only by `If-Match` on the version
 * that was read: a log's checkpoint, as C2SP tlog-tiles wants it, and what has been used of a second factor. In the same way the keeper may put over an object
 * that somebody has overwritten. That forges nothing: the log is read from first versions, everything else by digest,
 * and every version stays.
 */
export function bucketPolicy(bucket: string): string {
  const everyObject = `arn:aws:s3:::${bucket}/*`;
  const mutable = [`arn:aws:s3:::${bucket}/tiles/*/checkpoint`, `arn:aws:s3:::${bucket}/factors/*/use`];
  return JSON.stringify({
    Version: '2012-10-17',
    Statement: [
      {
        Sid: 'PutOnlyIfAbsent',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:PutObject',
        NotResource: mutable,
        Condition: {
          Null: { 's3:if-none-match': 'true' },
          ArnNotLike: { 'aws:PrincipalArn': `arn:aws:iam::*:user/${bucket}-keeper` },
        },
      },
      {
        Sid: 'ReplaceOnlyWhatWasRead',
        Effect: 'Deny',
        Principal: '*',
        Action: 's3:PutObject',
        Resource: everyObject,
        Condition: { Null: { 's3:if-none-match': 'true', 's3:if-match': 'true' } },
      },
      {
        Sid: 'NeverDelete',
        Effect: 'Deny',
        Principal: '*',
        Action: ['s3:DeleteObject', 's3:DeleteObjectVersion', 's3:BypassGovernanceRetention'],
        Resource: everyObject,
      },
      {
        Sid: 'NeverDeleteBucket',
        Effect: 'Deny',
        Principal: '*',
        Action: ['s3:DeleteBucket'],
        Resource: `arn:aws:s3:::${bucket}`,
      },
    ],
  });
}

/** Every other permission on the bucket is by pattern; this one stands above them. */
function notFactors(bucketArn: string) {
  const Action = ['s3:GetObject', 's3:GetObjectVersion', 's3:PutObject'];
  return { Effect: 'Deny', Action, Resource: [`${bucketArn}/factors/*`] };
}

function listingOnly(patterns: readonly string[] | undefined) {
  return patterns === undefined ? {} : { Condition: { StringLike: { 's3:prefix': patterns } } };
}

function allow(actions: readonly string[], resources: readonly string[]) {
  return { Effect: 'Allow', Action: actions, Resource: resources };
}
