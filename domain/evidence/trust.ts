import { z } from 'zod';
import { DomainError } from '../errors.ts';
import { logOrigin } from '../log/checkpoint.ts';
import { type NoteKeyType, parseVkey, type VerifyEd25519 } from '../log/signed-note.ts';
import { fromBase64, toBase64 } from './base64.ts';
import type { VerifySignature } from './dsse.ts';
import { whyUnusable, whyWeak } from './ed25519-key.ts';

/**
 * Who may sign what. The digest of the first version is pinned in every enactor and voter; each later one is an entry
 * that the root keys signed (`trust-succession.ts`). So nobody in between can swap the environment's policy and
 * targets, which is why they live here too.
 */
const key = z.strictObject({
  /** `sha256:` digest of the raw 32-byte public key. */
  keyId: z.string().regex(/^sha256:[0-9a-f]{64}$/),
  /** Raw Ed25519 public key, base64. */
  publicKey: z.base64(),
});

/**
 * What a person or a service goes by, also in what roles sign about them. Without control characters, which take six
 * bytes each in JSON: KMS signs 4096.
 */
export const nameSchema = z
  .string()
  .max(256)
  .regex(/^\P{Cc}+$/u);

export const PERSON_ROLES = ['author', 'approver', 'operator'] as const;
/** Those that work for the engine, each on a task queue of its own. */
export const WORKER_ROLES = ['orchestrator', 'voter', 'analysis', 'enactor'] as const;
export const SERVICE_ROLES = [...WORKER_ROLES, 'factor-verifier', 'break-glass'] as const;

/** What approvals of one risk class must add up to. */
const approvalRule = z.strictObject({
  people: z.int().min(1),
  /** Distinct teams among them. */
  teams: z.int().min(1),
  /** Each with a second factor. */
  secondFactor: z.boolean(),
});

export const trustDocumentSchema = z.strictObject({
  apiVersion: z.literal('resilience-ctl/trust/v1'),
  environment: z.string(),
  version: z.int().min(1),
  /**
   * Who may sign the next version (the root role of TUF): so many distinct holders, of this version's and of the next
   * one's list. Past its expiry the document allows nothing.
   */
  root: z.strictObject({
    keys: z.array(key.extend({ holder: z.string().min(1) })).min(1),
    threshold: z.int().min(1),
    expiresAt: z.iso.datetime({ precision: 3 }),
  }),
  people: z.array(
    z.strictObject({
      subject: nameSchema,
      roles: z.array(z.enum(PERSON_ROLES)).min(1),
      teams: z.array(z.string().min(1)).min(1),
      keys: z.array(key).min(1),
      /** Digests of the secrets that the factor-verifier keeps, so that it cannot put another in their place. */
      secondFactors: z.array(
        z.strictObject({
          type: z.literal('totp'),
          commitment: z.string().regex(/^sha256:[0-9a-f]{64}$/),
        }),
      ),
    }),
  ),
  services: z.array(
    z.strictObject({
      /** `orchestrator`, `enactor`, `analysis`, `voter.us-east-1a`, … */
      name: z.string(),
      role: z.enum(SERVICE_ROLES),
      /** A voter's own availability zone. */
      voterZone: z.string().optional(),
      keys: z.array(key).min(1),
    }),
  ),
  /** Whose word that the log holds an entry is enough for an effect (DESIGN §7, G8): C2SP signed-note `vkey`s. */
  transparency: z.strictObject({
    /** Of the log; its name is the log's origin. */
    log: z.string(),
    /** Of the witnesses, each of another one. */
    witnesses: z.array(z.string()).min(1),
    /** How many of them must have cosigned a checkpoint. */
    threshold: z.int().min(1),
  }),
  /** Hosted zones of this environment: a zone belongs to one environment. */
  targets: z.array(z.strictObject({ zone: z.string(), hostedZoneId: z.string() })),
  /** Who may do what while no `policy/permissions` is live: a policy text in Cedar. */
  permissions: z.strictObject({ cedar: z.string().min(1).max(16_384) }),
  policy: z.strictObject({
    /** People who must approve, by risk class. */
    approvals: z.strictObject({
      standard: approvalRule,
      critical: approvalRule,
      emergency: approvalRule,
      brake: approvalRule,
    }),
    /** Yes votes needed, by risk class. */
    votes: z.strictObject({
      standard: z.int().min(1),
      critical: z.int().min(1),
      emergency: z.int().min(1),
      brake: z.int().min(1),
    }),
    /** How often one person may submit, decide and steer, each counted apart; nothing limits a freeze. */
    rateLimits: z.strictObject({ perMinute: z.int().min(1), burst: z.int().min(1) }),
    /** CIDR ranges that probes may reach. */
    probeAllowList: z.array(z.string()),
    limits: z.strictObject({
      minTtlSeconds: z.int().min(0),
      maxTtlSeconds: z.int().min(1),
      /** Largest share of a zone's record sets changed at once or within a day, 0–1. */
      maxZoneShare: z.number().min(0).max(1),
      /** Record sets below which the share is replaced by "never all of them". */
      smallZoneSize: z.int().min(0),
    }),
  }),
});

export type TrustDocument = z.infer<typeof trustDocumentSchema>;
export type Root = TrustDocument['root'];
export type Policy = TrustDocument['policy'];
export type PersonRole = (typeof PERSON_ROLES)[number];
export type ServiceRole = (typeof SERVICE_ROLES)[number];
export type Person = TrustDocument['people'][number];
export type Service = TrustDocument['services'][number];

/** Who holds a key, in one look-up. */
export interface TrustIndex {
  personByKey: ReadonlyMap<string, Person>;
  serviceByKey: ReadonlyMap<string, Service>;
  rootHolderByKey: ReadonlyMap<string, string>;
}

/**
 * Checks shape and sense: every key has the id of its bytes and one holder, names are unique, each voter has an
 * availability zone of its own. Throws `SCHEMA_INVALID` with every problem.
 */
export function parseTrustDocument(value: unknown): TrustDocument {
  const parsed = trustDocumentSchema.safeParse(value);
  const problems = parsed.success
    ? trustProblems(parsed.data)
    : parsed.error.issues.map((issue) => `${issue.path.join('.')}: ${issue.message}`);
  if (!parsed.success || problems.length > 0) throw untrustworthy(problems);
  return parsed.data;
}

/** Throws `SCHEMA_INVALID` for a key with two holders: nobody could tell who signed. */
export function indexTrust(trust: TrustDocument): TrustIndex {
  const problems = keysTwice(trust);
  if (problems.length > 0) throw untrustworthy(problems);
  const byKey = <Holder extends { keys: { keyId: string }[] }>(holders: Holder[]) =>
    new Map(holders.flatMap((holder) => holder.keys.map(({ keyId }) => [keyId, holder] as const)));
  return {
    personByKey: byKey(trust.people),
    serviceByKey: byKey(trust.services),
    rootHolderByKey: new Map(trust.root.keys.map(({ keyId, holder }) => [keyId, holder])),
  };
}

/** Whose key it is, by name; null for an unknown one. */
export function holderOf(keyId: string, index: TrustIndex): string | null {
  const { personByKey, serviceByKey, rootHolderByKey } = index;
  return (
    personByKey.get(keyId)?.subject ?? serviceByKey.get(keyId)?.name ?? rootHolderByKey.get(keyId) ?? null
  );
}

/** Verifies by the keys of the people and services of one document alone; false for any other key. */
export function signaturesUnder(trust: TrustDocument, verify: VerifyEd25519): VerifySignature {
  return signaturesBy(
    [...trust.people, ...trust.services].flatMap(({ keys }) => keys),
    verify,
  );
}

/** Verifies by these keys alone; false for any other. */
export function signaturesBy(
  keys: readonly { keyId: string; publicKey: string }[],
  verify: VerifyEd25519,
): VerifySignature {
  const raw = new Map(keys.map(({ keyId, publicKey }) => [keyId, fromBase64(publicKey)] as const));
  return (keyId, message, signature) => {
    const publicKey = raw.get(keyId) ?? null;
    return publicKey !== null && verify(publicKey, message, signature);
  };
}

/** What is wrong with a document of the right shape; see `parseTrustDocument`. Never throws. */
export function trustProblems(trust: TrustDocument): string[] {
  const voters = trust.services.filter(({ role }) => role === 'voter');
  return [
    ...allKeys(trust).flatMap((key) => {
      const why = whyUnusable(key);
      return why === null ? [] : [`${key.keyId}: the public key ${why}`];
    }),
    ...keysTwice(trust),
    ...rootProblems(trust.root),
    ...twice(
      trust.people.map(({ subject }) => subject),
      'person',
    ),
    ...twice(
      trust.services.map(({ name }) => name),
      'service',
    ),
    ...twice(
      voters.flatMap(({ voterZone }) => voterZone ?? []),
      'voter zone',
    ),
    ...twice(
      trust.targets.map(({ zone }) => zone),
      'target',
    ),
    ...transparencyProblems(trust),
    ...trust.services
      .filter(({ role, voterZone }) => (role === 'voter') !== (voterZone !== undefined))
      .map(({ name }) => `${name}: a voter has a voterZone, and nobody else has`),
  ];
}

function transparencyProblems({ environment, transparency }: TrustDocument): string[] {
  const { log, witnesses, threshold } = transparency;
  const distinct = new Set(witnesses).size;
  return [
    ...vkeyProblems('transparency.log', log, 'ed25519', logOrigin(environment)),
    ...witnesses.flatMap((vkey, i) => vkeyProblems(`transparency.witnesses.${i}`, vkey, 'cosignature/v1')),
    ...twice(witnesses, 'witness'),
    // One key under two names would be one witness that counts twice.
    ...twice(witnesses.flatMap(keyOfVkey), "witness's key"),
    ...(threshold > distinct
      ? [`transparency.threshold: ${threshold} witnesses must cosign, and ${distinct} are listed`]
      : []),
  ];
}

function vkeyProblems(path: string, vkey: string, type: NoteKeyType, name?: string): string[] {
  try {
    const key = parseVkey(vkey);
    if (key.type !== type) return [`${path}: the key is of type ${key.type}, not ${type}`];
    const why = whyWeak(key.publicKey);
    if (why !== null) return [`${path}: the public key ${why}`];
    return name === undefined || key.name === name ? [] : [`${path}: its name is ${key.name}, not ${name}`];
  } catch (error) {
    if (error instanceof DomainError) return [`${path}: ${error.message}`];
    throw error;
  }
}

function rootProblems({ keys, threshold }: Root): string[] {
  const holders = new Set(keys.map(({ holder }) => holder)).size;
  return threshold > holders
    ? [`root.threshold: ${threshold} holders must sign, and ${holders} are listed`]
    : [];
}

function keyOfVkey(vkey: string): string[] {
  try {
    return [toBase64(parseVkey(vkey).publicKey)];
  } catch {
    // Named by `vkeyProblems`.
    return [];
  }
}

function allKeys({ people, services, root }: TrustDocument) {
  return [...[...people, ...services].flatMap(({ keys }) => keys), ...root.keys];
}

/** A root key is nobody's key for daily work: whoever steals that one must not have a share of the root as well. */
function keysTwice(trust: TrustDocument): string[] {
  return twice(
    allKeys(trust).map(({ keyId }) => keyId),
    'key',
  );
}

function twice(values: string[], what: string): string[] {
  const repeated = values.filter((value, i) => values.indexOf(value) !== i);
  return [...new Set(repeated)].map((value) => `${value}: listed twice as a ${what}`);
}

function untrustworthy(problems: string[]): DomainError {
  return new DomainError('SCHEMA_INVALID', `The trust document is not valid:\n${problems.join('\n')}`, {
    next: 'Correct it and have it signed again.',
  });
}
