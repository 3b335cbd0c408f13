import { createPrivateKey, createPublicKey, sign } from 'node:crypto';
import { PortError } from '../../domain/errors.ts';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import type { Envelope, Signer } from '../../domain/evidence/dsse.ts';
import { keyIdOf } from '../../domain/evidence/ed25519-key.ts';
import { signStatement } from '../../domain/evidence/statement-codec.ts';
import type {
  ArmCounts,
  Move,
  OverrideMove,
  Predicates,
  StatementType,
} from '../../domain/evidence/statements.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import { logOrigin } from '../../domain/log/checkpoint.ts';
import { encodeEntry } from '../../domain/log/entry.ts';
import { formatVkey, type NoteKeyType, noteKey } from '../../domain/log/signed-note.ts';
import { DEFAULT_POLICY } from '../../domain/permissions/default-policy.ts';
import { rawPublicKey } from '../../infra/keys/person-keys.ts';
import { peopleNeeded } from './approval-rules.ts';

/** Real keys, made from their holder's name, so that every run signs the same bytes. */

export const ENVIRONMENT = 'prod';
export const ZONE = 'example.com';
export const API = 'dns/example.com/api/A';
export const AT = '2026-01-01T00:00:00.000Z';
export const CHANGE = 'chg-1';
/** Of an override, which no request may have. */
export const GLASS = 'bg-1';
export const PLAN = digestOf('plan 1');

/** PKCS #8 for Ed25519 (RFC 8410 §7), before the 32 bytes of the seed. */
const PKCS8_PREFIX = Buffer.from('302e020100300506032b657004220420', 'hex');

function keyOf(holder: string) {
  const seed = Buffer.from(digestOf(holder).slice('sha256:'.length), 'hex');
  const privateKey = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, seed]),
    format: 'der',
    type: 'pkcs8',
  });
  return { privateKey, raw: rawPublicKey(createPublicKey(privateKey)) };
}

export function signerOf(holder: string): Signer {
  const { privateKey, raw } = keyOf(holder);
  return { keyId: keyIdOf(raw), sign: async (message) => sign(null, message, privateKey) };
}

/** AWS KMS API, `Sign`: `Message` has at most 4096 bytes. */
export const KMS_LIMIT_BYTES = 4096;

/** Refuses more than so many bytes, as the signer of a role does (`kms-signer.ts`). */
export function limitedSignerOf(holder: string, maxBytes = KMS_LIMIT_BYTES): Signer {
  const signer = signerOf(holder);
  return {
    keyId: signer.keyId,
    sign: async (message) => {
      if (message.length <= maxBytes) return signer.sign(message);
      throw new PortError('TOO_LARGE', `The statement has ${message.length} bytes.`, { next: 'Split it.' });
    },
  };
}

/** As long as the id of a change may be. */
export const LONGEST_ID = 'c'.repeat(128);
/** As long as a name may be, in characters of three bytes each. */
export const LONGEST_NAME = '漢'.repeat(256);

export function trustedKeys(...holders: string[]) {
  return holders.map((holder) => {
    const { raw } = keyOf(holder);
    return { keyId: keyIdOf(raw), publicKey: raw.toString('base64') };
  });
}

/** One log and one witness; `log` and `witness` hold the keys. */
export function sampleTransparency(environment = ENVIRONMENT): TrustDocument['transparency'] {
  const vkey = (type: NoteKeyType, name: string, holder: string) =>
    formatVkey(noteKey(type, name, new Uint8Array(keyOf(holder).raw)));
  return {
    log: vkey('ed25519', logOrigin(environment), 'log'),
    witnesses: [vkey('cosignature/v1', 'witness', 'witness')],
    threshold: 1,
  };
}

export function signedTrust(environment = ENVIRONMENT): TrustDocument {
  const service = (
    name: string,
    role: 'orchestrator' | 'analysis' | 'enactor' | 'factor-verifier' | 'break-glass',
  ) => ({
    name,
    role,
    keys: trustedKeys(name),
  });
  const voter = (voterZone: string) => ({
    name: `voter.${voterZone}`,
    role: 'voter' as const,
    voterZone,
    keys: trustedKeys(`voter.${voterZone}`),
  });
  return {
    apiVersion: 'resilience-ctl/trust/v1',
    environment,
    version: 1,
    root: {
      keys: trustedKeys('root').map((one) => ({ ...one, holder: 'root' })),
      threshold: 1,
      expiresAt: '2036-01-01T00:00:00.000Z',
    },
    people: [
      {
        subject: 'ada',
        roles: ['author', 'approver'],
        teams: ['payments'],
        secondFactors: [],
        keys: trustedKeys('ada'),
      },
      {
        subject: 'bob',
        roles: ['approver'],
        teams: ['payments'],
        secondFactors: [{ type: 'totp', commitment: digestOf('the factor of bob') }],
        keys: trustedKeys('bob'),
      },
      {
        subject: 'cyd',
        roles: ['approver'],
        teams: ['reliability'],
        secondFactors: [{ type: 'totp', commitment: digestOf('the factor of cyd') }],
        keys: trustedKeys('cyd'),
      },
      {
        subject: 'olga',
        roles: ['operator'],
        teams: ['payments'],
        secondFactors: [],
        keys: trustedKeys('olga'),
      },
    ],
    services: [
      service('orchestrator', 'orchestrator'),
      service('analysis', 'analysis'),
      service('enactor', 'enactor'),
      service('factor-verifier', 'factor-verifier'),
      service('break-glass', 'break-glass'),
      voter('a'),
      voter('b'),
      voter('c'),
    ],
    transparency: sampleTransparency(environment),
    targets: [{ zone: ZONE, hostedZoneId: 'Z1' }],
    permissions: { cedar: DEFAULT_POLICY },
    policy: {
      approvals: peopleNeeded({ standard: 1, critical: 2, emergency: 2, brake: 1 }),
      votes: { standard: 2, critical: 3, emergency: 3, brake: 2 },
      rateLimits: { perMinute: 600, burst: 1200 },
      probeAllowList: [],
      limits: { minTtlSeconds: 0, maxTtlSeconds: 86_400, maxZoneShare: 0.3, smallZoneSize: 5 },
    },
  };
}

const counts: ArmCounts = {
  samples: 1,
  errors: 0,
  resolvedSamples: 1,
  resolvedErrors: 0,
  latencyP50Ms: 1.5,
  latencyP99Ms: 2,
};

/** The first version of one DNS resource. */
export function sampleMove(change: Partial<Move> = {}): Move {
  return {
    resource: API,
    from: null,
    to: digestOf('after'),
    version: null,
    versionDigest: null,
    clock: 1,
    vector: {},
    dependsOn: [],
    ...change,
  };
}

/** A new document; break-glass moves no records so. */
export function overrideMove(change: Partial<OverrideMove> = {}): OverrideMove {
  const { versionDigest: _, ...move } = sampleMove({
    resource: 'config/payments/timeouts',
    version: '1.0.0',
  });
  return { ...move, ...change };
}

/** What carries statements of others: made by functions of their own. */
type Carrying = 'acceptance' | 'ruling' | 'override-intent' | 'override-commit';

/** A valid predicate of each type, about one change of one resource. */
export const SAMPLES: Omit<Predicates, Carrying> = {
  trust: { environment: ENVIRONMENT, previousDigest: null, document: signedTrust(), at: AT },
  request: {
    changeId: CHANGE,
    environment: ENVIRONMENT,
    author: 'ada',
    requestDigest: digestOf('request'),
    resources: [API],
    dependsOn: [],
    emergency: false,
    nonce: 'n-1',
    at: AT,
  },
  plan: {
    changeId: CHANGE,
    environment: ENVIRONMENT,
    requestDigest: digestOf('request'),
    planDigest: PLAN,
    resources: [API],
    zone: ZONE,
    riskClass: 'standard',
    logSize: 1,
    at: AT,
  },
  vote: {
    changeId: CHANGE,
    environment: ENVIRONMENT,
    voter: 'voter.a',
    voterZone: 'a',
    round: 0,
    decision: 'yes',
    planDigest: PLAN,
    reasons: [],
    observation: {
      baseDigest: digestOf('base'),
      logSize: 1,
      frozen: false,
      zoneHealthy: true,
      clockSkewMs: -0.5,
    },
    at: AT,
  },
  approval: {
    changeId: CHANGE,
    environment: ENVIRONMENT,
    approver: 'bob',
    decision: 'approve',
    planDigest: PLAN,
    nonce: 'approval-1',
    issuedAt: AT,
    expiresAt: '2026-01-01T00:15:00.000Z',
  },
  mfa: {
    changeId: CHANGE,
    environment: ENVIRONMENT,
    person: 'bob',
    planDigest: PLAN,
    nonce: 'approval-1',
    method: 'totp',
    at: AT,
    expiresAt: '2026-01-01T00:05:00.000Z',
  },
  command: {
    changeId: CHANGE,
    environment: ENVIRONMENT,
    person: 'olga',
    action: 'pause',
    reason: 'an incident',
    nonce: 'command-1',
    issuedAt: AT,
    expiresAt: '2026-01-01T00:15:00.000Z',
  },
  'stage-verdict': {
    changeId: CHANGE,
    environment: ENVIRONMENT,
    planDigest: PLAN,
    stage: '1%',
    intentIndex: 4,
    verdict: 'pass',
    reasons: [],
    arms: { stable: counts, canary: counts },
    bakeStartedAt: AT,
    at: AT,
  },
  intent: {
    changeId: CHANGE,
    environment: ENVIRONMENT,
    planDigest: PLAN,
    stage: '1%',
    zone: ZONE,
    expectedFence: null,
    inverseDigest: digestOf('inverse'),
    at: AT,
  },
  outcome: {
    changeId: CHANGE,
    environment: ENVIRONMENT,
    planDigest: PLAN,
    stage: '1%',
    intentIndex: 2,
    direction: 'forward',
    result: 'applied',
    fence: '2',
    reason: 'landed',
    at: AT,
  },
  commit: {
    changeId: CHANGE,
    environment: ENVIRONMENT,
    planDigest: PLAN,
    moves: [sampleMove()],
    zone: ZONE,
    rollout: null,
    at: AT,
  },
  version: {
    resource: 'config/payments',
    environment: ENVIRONMENT,
    version: '1.2.3',
    digest: digestOf('payments'),
    parent: null,
    author: 'ada',
    changeId: CHANGE,
    vector: { [ENVIRONMENT]: 3, 'staging/us-east-1': 1 },
    schemaDigest: null,
    at: AT,
  },
  end: { changeId: CHANGE, environment: ENVIRONMENT, status: 'rejected', reasons: [], at: AT },
  freeze: {
    environment: ENVIRONMENT,
    state: 'frozen',
    scope: null,
    operator: 'olga',
    reason: 'incident',
    nonce: 'f-1',
    at: AT,
  },
  fence: {
    environment: ENVIRONMENT,
    zone: ZONE,
    expectedFence: null,
    cause: { type: 'freeze', index: 0 },
    at: AT,
  },
  recovery: { environment: ENVIRONMENT, operator: 'olga', reason: 'engine lost', nonce: 'r-1', at: AT },
  resumption: {
    environment: ENVIRONMENT,
    freezeIndex: 0,
    az: 'us-east-1a',
    verdict: 'pass',
    reasons: ['well'],
    at: AT,
  },
  'factor-lock': {
    environment: ENVIRONMENT,
    person: 'bob',
    failures: 5,
    until: '2026-01-01T00:15:00.000Z',
    at: AT,
  },
  override: {
    changeId: GLASS,
    environment: ENVIRONMENT,
    author: 'bob',
    approvers: ['bob', 'cyd'],
    planDigest: PLAN,
    guards: ['quorum', 'witness'],
    emptying: [],
    reason: 'the site is down',
    nonce: 'override-1',
    issuedAt: AT,
    expiresAt: '2026-01-01T00:15:00.000Z',
  },
  'override-outcome': {
    changeId: GLASS,
    environment: ENVIRONMENT,
    planDigest: PLAN,
    result: 'applied',
    fence: '0',
    reason: 'landed',
    at: AT,
  },
  review: {
    changeId: GLASS,
    environment: ENVIRONMENT,
    reviewer: 'olga',
    reason: 'seen and mended',
    nonce: 'review-1',
    at: AT,
  },
  snapshot: { environment: ENVIRONMENT, size: 0, stateDigest: digestOf('state'), at: AT },
};

/** Who may say it. */
const RIGHTFUL: Record<Exclude<StatementType, Carrying>, string> = {
  trust: 'orchestrator',
  request: 'ada',
  plan: 'orchestrator',
  vote: 'voter.a',
  approval: 'bob',
  mfa: 'factor-verifier',
  command: 'olga',
  'stage-verdict': 'analysis',
  intent: 'orchestrator',
  outcome: 'enactor',
  commit: 'enactor',
  version: 'enactor',
  end: 'orchestrator',
  freeze: 'olga',
  fence: 'enactor',
  recovery: 'olga',
  resumption: 'analysis',
  'factor-lock': 'factor-verifier',
  override: 'bob',
  'override-outcome': 'break-glass',
  review: 'olga',
  snapshot: 'orchestrator',
};

/** Everything but what carries a person's statement inside: see `acceptance` and `ruling`. */
export type PlainType = Exclude<StatementType, Carrying>;

export async function envelopeOf<T extends PlainType>(
  type: T,
  change: Partial<Predicates[T]> = {},
  holder: string = RIGHTFUL[type],
): Promise<Envelope> {
  const predicate = { ...SAMPLES[type], ...change } as Predicates[T];
  return signStatement(signerOf(holder), type, predicate);
}

export async function entryOf<T extends PlainType>(
  type: T,
  change: Partial<Predicates[T]> = {},
  holder: string = RIGHTFUL[type],
): Promise<Uint8Array> {
  return encodeEntry(await envelopeOf(type, change, holder));
}

/** An acceptance of an approval; `change` is made to the acceptance, `inner` to the approval that bob signs. */
export async function acceptance(
  input: {
    inner?: Partial<Predicates['approval']>;
    change?: Partial<Predicates['acceptance']>;
    approver?: string;
    holder?: string;
  } = {},
): Promise<Envelope> {
  const approval = { ...SAMPLES.approval, ...input.inner };
  return signStatement(signerOf(input.holder ?? 'orchestrator'), 'acceptance', {
    changeId: approval.changeId,
    environment: approval.environment,
    accepted: true,
    reasons: [],
    approver: approval.approver,
    decision: approval.decision,
    nonce: approval.nonce,
    planDigest: approval.planDigest,
    approval: await signStatement(signerOf(input.approver ?? 'bob'), 'approval', approval),
    at: AT,
    ...input.change,
  });
}

/** A ruling on a command; `change` is made to the ruling, `inner` to the command that olga signs. */
export async function ruling(
  input: {
    inner?: Partial<Predicates['command']>;
    change?: Partial<Predicates['ruling']>;
    person?: string;
    holder?: string;
  } = {},
): Promise<Envelope> {
  const command = { ...SAMPLES.command, ...input.inner };
  const { changeId, environment, person, action, nonce } = command;
  return signStatement(signerOf(input.holder ?? 'orchestrator'), 'ruling', {
    changeId,
    environment,
    accepted: true,
    reasons: [],
    person,
    action,
    nonce,
    command: await signStatement(signerOf(input.person ?? 'olga'), 'command', command),
    at: AT,
    ...input.change,
  });
}

/**
 * A break-glass intent that bob and cyd signed; `said` is made to the override, `change` to the intent, `mfa` to each
 * second factor.
 */
export async function overrideIntent(
  input: {
    said?: Partial<Predicates['override']>;
    change?: Partial<Predicates['override-intent']>;
    mfa?: Partial<Predicates['mfa']>;
    signers?: string[];
    holder?: string;
  } = {},
): Promise<Envelope> {
  const records = { zone: ZONE, resources: [{ resource: API, to: digestOf('after') }] };
  const said = { ...SAMPLES.override, records, ...input.said };
  const { changeId, environment, planDigest } = said;
  return signStatement(signerOf(input.holder ?? 'break-glass'), 'override-intent', {
    ...{ changeId, environment, planDigest },
    requestDigest: digestOf('request'),
    ...records,
    expectedFence: null,
    fence: null,
    ...(await signedOverride(said, input)),
    at: AT,
    ...input.change,
  });
}

/** Documents that bob and cyd make live by break-glass; the parts as of `overrideIntent`. */
export async function overrideCommit(
  input: {
    said?: Partial<Predicates['override']>;
    change?: Partial<Predicates['override-commit']>;
    mfa?: Partial<Predicates['mfa']>;
    signers?: string[];
    holder?: string;
  } = {},
): Promise<Envelope> {
  const said = { ...SAMPLES.override, moves: [overrideMove()], ...input.said };
  const { changeId, environment, planDigest } = said;
  return signStatement(signerOf(input.holder ?? 'break-glass'), 'override-commit', {
    ...{ changeId, environment, planDigest },
    requestDigest: digestOf('request'),
    ...(await signedOverride(said, input)),
    at: AT,
    ...input.change,
  });
}

async function signedOverride(
  said: Predicates['override'],
  input: { signers?: string[]; mfa?: Partial<Predicates['mfa']> },
): Promise<{ override: Envelope; factors: Envelope[] }> {
  const { changeId, environment, planDigest, nonce } = said;
  const [first, ...others] = await Promise.all(
    (input.signers ?? said.approvers).map((holder) => signStatement(signerOf(holder), 'override', said)),
  );
  if (!first) throw new Error('somebody must sign it');
  const override = { ...first, signatures: [first, ...others].flatMap(({ signatures }) => signatures) };
  const factors = said.approvers.map((person) =>
    envelopeOf('mfa', { changeId, environment, planDigest, nonce, person, ...input.mfa }),
  );
  return { override, factors: await Promise.all(factors) };
}
