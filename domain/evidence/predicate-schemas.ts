import { valid } from 'semver';
import { z } from 'zod';
import { RISK_CLASSES } from '../change/risk.ts';
import type { Violation } from '../errors.ts';
import { isErrorCode } from '../errors.ts';
import { OVERRIDABLE_GUARDS } from '../override/guards.ts';
import { OVERRIDE_ID_PREFIX } from '../override/override-id.ts';
import type { Envelope } from './dsse.ts';
import { COMMAND_ACTIONS, type Predicates, type StatementType } from './statements.ts';
import { nameSchema as name, trustDocumentSchema } from './trust.ts';

/**
 * The shape of each predicate, exactly: an unknown field is refused, so that nobody signs what nobody reads. The
 * types of `statements.ts` are the contract; the compiler checks these schemas against them.
 */
const digest = z.templateLiteral(['sha256:', z.string().regex(/^[0-9a-f]{64}$/)]);
/** A key in the fold's state and, like a name, part of what a role signs about it. */
const plainId = z.string().regex(/^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/);
const changeId = plainId;
const overrideId = changeId.startsWith(OVERRIDE_ID_PREFIX);
const environment = z.string().regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/);
const at = z.iso.datetime({ precision: 3 });
const index = z.int().min(0);
const nonce = plainId;
const text = z.string().max(4000);
const resource = z.string().regex(/^[a-z]+(\/[^/\s]+)+$/);
const fence = z.string().max(1024).nullable();

const recordsOfZone = {
  zone: name,
  resources: z.array(z.strictObject({ resource, to: digest.nullable() })).min(1),
};

const violation: z.ZodType<Violation> = z.strictObject({
  code: z.string().refine(isErrorCode),
  rule: name,
  path: z.exactOptional(text),
  message: text,
  remedy: text,
});

export const envelopeSchema: z.ZodType<Envelope> = z.strictObject({
  payload: z.string(),
  payloadType: z.string(),
  signatures: z
    .array(z.strictObject({ keyid: digest, sig: z.string() }))
    .min(1)
    // Thresholds of two versions' root keys sign a trust document.
    .max(32),
  parts: z.exactOptional(z.record(z.string(), z.unknown())),
});

const armCounts = z.strictObject({
  samples: index,
  errors: index,
  resolvedSamples: index,
  resolvedErrors: index,
  latencyP50Ms: z.number(),
  latencyP99Ms: z.number(),
});

const madeBy = z.exactOptional(
  z.strictObject({
    build: z.string().min(1).max(64),
    rules: digest,
    run: z.exactOptional(z.strictObject({ workflowId: name, runId: name, activityId: name })),
  }),
);

const version = z.string().refine((text) => valid(text) === text, 'Not a version of SemVer 2.0.0');
const component = z.string().regex(/^[a-z0-9][a-z0-9-]*(\/[a-z0-9-]+)?$/);
const vector = z.record(component, index);

const move = z.strictObject({
  resource,
  from: digest.nullable(),
  to: digest.nullable(),
  version: version.nullable(),
  versionDigest: digest.nullable(),
  clock: index,
  vector,
  dependsOn: z.array(name),
});

const rollout = z.strictObject({ stage: name, percent: z.number().min(0).max(100), zones: z.array(name) });

const freezeScope = z.union([
  z.strictObject({ zone: name }),
  z.strictObject({ az: name }),
  z.strictObject({ resource }),
  z.strictObject({ kind: z.string().regex(/^[a-z]+$/) }),
]);

const gradual = z.strictObject({
  order: z
    .array(name)
    .min(1)
    .refine((azs) => new Set(azs).size === azs.length, 'An availability zone is listed twice'),
  watchMs: z.int().min(0),
});

export const PREDICATE_SCHEMAS: { [T in StatementType]: z.ZodType<Predicates[T]> } = {
  trust: z.strictObject({
    environment,
    previousDigest: digest.nullable(),
    document: trustDocumentSchema,
    at,
  }),
  request: z.strictObject({
    changeId: changeId.refine(
      (id) => !id.startsWith(OVERRIDE_ID_PREFIX),
      `An id that begins with ${OVERRIDE_ID_PREFIX} is of an override`,
    ),
    environment,
    author: name,
    requestDigest: digest,
    resources: z.array(resource).min(1),
    dependsOn: z.array(name),
    emergency: z.boolean(),
    nonce,
    at,
  }),
  plan: z.strictObject({
    changeId,
    environment,
    requestDigest: digest,
    planDigest: digest,
    resources: z.array(resource).min(1),
    zone: name.nullable(),
    riskClass: z.enum(RISK_CLASSES),
    logSize: index,
    readingDigest: z.exactOptional(digest),
    at,
    madeBy,
  }),
  vote: z.strictObject({
    changeId,
    environment,
    voter: name,
    voterZone: name,
    round: index,
    decision: z.enum(['yes', 'no', 'veto']),
    planDigest: digest,
    reasons: z.array(violation),
    observation: z.strictObject({
      baseDigest: digest,
      logSize: index,
      frozen: z.boolean(),
      zoneHealthy: z.boolean(),
      clockSkewMs: z.number(),
    }),
    at,
    madeBy,
  }),
  approval: z.strictObject({
    changeId,
    environment,
    approver: name,
    decision: z.enum(['approve', 'reject']),
    reason: z.exactOptional(text),
    planDigest: digest,
    nonce,
    issuedAt: at,
    expiresAt: at,
  }),
  mfa: z.strictObject({
    changeId,
    environment,
    person: name,
    planDigest: digest,
    nonce,
    method: z.enum(['totp', 'recovery-code']),
    at,
    expiresAt: at,
  }),
  acceptance: z.strictObject({
    changeId,
    environment,
    accepted: z.boolean(),
    reasons: z.array(violation),
    approver: name,
    decision: z.enum(['approve', 'reject']),
    nonce,
    planDigest: digest,
    approval: envelopeSchema,
    mfa: z.exactOptional(envelopeSchema),
    at,
    madeBy,
  }),
  command: z.strictObject({
    changeId,
    environment,
    person: name,
    action: z.enum(COMMAND_ACTIONS),
    reason: text,
    nonce,
    issuedAt: at,
    expiresAt: at,
  }),
  ruling: z.strictObject({
    changeId,
    environment,
    accepted: z.boolean(),
    reasons: z.array(violation),
    person: name,
    action: z.enum(COMMAND_ACTIONS),
    nonce,
    command: envelopeSchema,
    at,
    madeBy,
  }),
  'stage-verdict': z.strictObject({
    changeId,
    environment,
    planDigest: digest,
    stage: name,
    intentIndex: index,
    verdict: z.enum(['pass', 'fail', 'inconclusive']),
    reasons: z.array(text),
    arms: z.strictObject({ stable: armCounts, canary: armCounts }),
    reportsDigest: z.exactOptional(digest),
    bakeStartedAt: at,
    at,
    madeBy,
  }),
  intent: z.strictObject({
    changeId,
    environment,
    planDigest: digest,
    stage: name,
    zone: name.nullable(),
    expectedFence: fence,
    inverseDigest: digest,
    at,
    madeBy,
  }),
  outcome: z.strictObject({
    changeId,
    environment,
    planDigest: digest,
    stage: name,
    intentIndex: index,
    direction: z.enum(['forward', 'rollback']),
    result: z.enum(['applied', 'not-applied']),
    fence,
    reason: text,
    at,
    madeBy,
  }),
  commit: z.strictObject({
    changeId,
    environment,
    planDigest: digest,
    moves: z.array(move).min(1),
    zone: name.nullable(),
    rollout: rollout.nullable(),
    at,
    madeBy,
  }),
  version: z.strictObject({
    resource,
    environment,
    version,
    digest,
    parent: digest.nullable(),
    author: name,
    changeId,
    vector,
    schemaDigest: digest.nullable(),
    at,
  }),
  end: z.strictObject({
    changeId,
    environment,
    status: z.enum(['rejected', 'rolled-back', 'aborted']),
    reasons: z.array(violation),
    at,
  }),
  freeze: z
    .strictObject({
      environment,
      state: z.enum(['active', 'frozen', 'resuming']),
      scope: freezeScope.nullable(),
      operator: name,
      reason: text,
      nonce,
      at,
      hard: z.exactOptional(z.literal(true)),
      rollBack: z.exactOptional(z.literal(true)),
      gradual: z.exactOptional(gradual),
    })
    .refine(
      ({ state, hard, rollBack }) => state === 'frozen' || (hard ?? rollBack) === undefined,
      'Only a freeze is hard, or sends changes back',
    )
    .refine(({ hard, rollBack }) => !(hard && rollBack), 'A hard freeze refuses what rollBack asks for')
    .refine(
      ({ state, gradual }) => (state === 'resuming') === (gradual !== undefined),
      'Resuming, and only that, says in which order',
    ),
  fence: z.strictObject({
    environment,
    zone: name,
    expectedFence: fence,
    cause: z.strictObject({ type: z.enum(['freeze', 'recovery']), index }),
    at,
  }),
  recovery: z.strictObject({ environment, operator: name, reason: text, nonce, at }),
  resumption: z.strictObject({
    environment,
    freezeIndex: index,
    az: name,
    verdict: z.enum(['pass', 'fail', 'inconclusive']),
    reasons: z.array(text),
    at,
    madeBy,
  }),
  'factor-lock': z.strictObject({ environment, person: name, failures: index, until: at, at }),
  override: z.strictObject({
    changeId: overrideId,
    environment,
    author: name,
    approvers: z.array(name).length(2),
    planDigest: digest,
    guards: z.array(z.enum(OVERRIDABLE_GUARDS)),
    emptying: z.array(resource),
    moves: z.exactOptional(z.array(move.omit({ versionDigest: true })).min(1)),
    records: z.exactOptional(z.strictObject(recordsOfZone)),
    reason: z.string().min(8).max(1000),
    nonce,
    issuedAt: at,
    expiresAt: at,
  }),
  'override-intent': z.strictObject({
    changeId: overrideId,
    environment,
    planDigest: digest,
    requestDigest: digest,
    ...recordsOfZone,
    expectedFence: fence,
    fence,
    override: envelopeSchema,
    factors: z.array(envelopeSchema).length(2),
    at,
  }),
  'override-outcome': z.strictObject({
    changeId: overrideId,
    environment,
    planDigest: digest,
    result: z.enum(['applied', 'not-applied']),
    fence,
    reason: text,
    at,
  }),
  'override-commit': z.strictObject({
    changeId: overrideId,
    environment,
    planDigest: digest,
    requestDigest: digest,
    override: envelopeSchema,
    factors: z.array(envelopeSchema).length(2),
    at,
  }),
  review: z.strictObject({
    changeId: overrideId,
    environment,
    reviewer: name,
    reason: text.min(8),
    nonce,
    at,
  }),
  snapshot: z.strictObject({ environment, size: index, stateDigest: digest, at }),
};

export function isStatementType(type: string): type is StatementType {
  return Object.hasOwn(PREDICATE_SCHEMAS, type);
}
