import { z } from 'zod';
import type { LogLine } from '../../client/log-line.ts';
import { PHASES } from '../../domain/change/lifecycle.ts';
import { type ErrorCode, type ErrorKind, errorKind, isErrorCode } from '../../domain/errors.ts';
import { trustDocumentSchema } from '../../domain/evidence/trust.ts';
import { permissionContextSchema, principalSchema } from '../../domain/permissions/permission.ts';
import type { ChangeStatus } from '../../workflows/contract.ts';

/** What `--json` promises in docs/cli.md, strictly: a field that nobody documented fails too. */

const digest = z.templateLiteral(['sha256:', z.string().regex(/^[0-9a-f]{64}$/)]);
const time = z.iso.datetime({ precision: 3 });
const index = z.int().min(0);
const changeId = z.string().regex(/^(chg|bg)-[0-9a-f]{12}$/);
const code = z.custom<ErrorCode>((value) => typeof value === 'string' && isErrorCode(value));
const phase = z.enum(PHASES);

const violation = z.strictObject({
  code,
  rule: z.string().regex(/^[a-z0-9]+(-[a-z0-9]+)*$/),
  path: z.string().optional(),
  message: z.string().min(1),
  remedy: z.string().min(1),
});
const located = violation.extend({
  position: z.strictObject({ line: z.int().min(1), column: z.int().min(1) }).optional(),
});

export const errorAnswer = z.strictObject({
  error: z
    .strictObject({
      code: z.union([code, z.enum(['USAGE', 'BUG'])]),
      kind: z.custom<ErrorKind | 'usage' | 'bug'>((value) => typeof value === 'string'),
      message: z.string().min(1),
      next: z.string().min(1).nullable(),
      violations: z.array(located),
    })
    .refine(({ code, kind }) => code === 'USAGE' || code === 'BUG' || errorKind(code) === kind),
});

const freezeScope = z
  .union([
    z.strictObject({ zone: z.string() }),
    z.strictObject({ az: z.string() }),
    z.strictObject({ resource: z.string() }),
    z.strictObject({ kind: z.string() }),
  ])
  .nullable();
const stateOfAutomation = {
  environment: z.string(),
  scope: freezeScope,
  index,
  at: time,
  recordedMs: z.number(),
};
const zoneUnderFreeze = { zone: z.string(), fence: z.string().nullable(), effective: z.boolean() };

const installedBuild = z.strictObject({
  build: z.string().regex(/^\d+\.\d+\.\d+\+[0-9a-f]{12}$/),
  rules: digest,
});

const running = z.strictObject({
  running: z.literal(true),
  environment: z.string(),
  temporal: z.strictObject({ address: z.string(), namespace: z.string(), uiUrl: z.url() }),
  keysDir: z.string(),
  pid: z.int(),
  startedAt: time,
});

const risk = z.strictObject({
  score: z.int().min(0).max(100),
  class: z.enum(['standard', 'critical', 'emergency']),
  reasons: z.array(z.strictObject({ points: z.int(), reason: z.string() })),
});

const changeStatus = z.strictObject({
  changeId,
  environment: z.string(),
  author: z.string(),
  reason: z.string(),
  phase,
  held: z.strictObject({ why: z.string(), next: z.string() }).nullable(),
  waitingFor: z.strictObject({ what: z.string(), who: z.string() }).nullable(),
  resources: z.array(z.string()),
  risk: risk.nullable(),
  planDigest: digest.nullable(),
  votes: z.array(
    z.strictObject({
      voter: z.string(),
      decision: z.enum(['yes', 'no', 'veto', 'no-answer', 'not-needed']),
      reasons: z.array(violation),
    }),
  ),
  approvalsNeeded: z.int().min(0),
  approvals: z.array(
    z.strictObject({
      approver: z.string(),
      decision: z.enum(['approve', 'reject']),
      at: time,
      reason: z.string().optional(),
    }),
  ),
  stages: z.array(
    z.strictObject({
      name: z.string(),
      percent: z.int().min(0).max(100),
      state: z.enum(['pending', 'applying', 'baking', 'passed', 'failed', 'inconclusive']),
      intentIndex: index.optional(),
      appliedAt: time.optional(),
      bakeEndsAt: time.optional(),
      verdict: z
        .strictObject({ verdict: z.enum(['pass', 'fail', 'inconclusive']), reasons: z.array(z.string()) })
        .optional(),
    }),
  ),
  undo: z.array(
    z.strictObject({
      activity: z.literal('rollBack'),
      input: z.strictObject({ changeId, stage: z.string(), intentIndex: index }),
    }),
  ),
  violations: z.array(violation),
  timeline: z.array(z.strictObject({ phase, at: time })),
});
/** Both ways: what the contract has, the document's reader is told, and nothing else. */
type Same<A, B> = [A] extends [B] ? ([B] extends [A] ? true : false) : false;
const _sameKeys: Same<keyof z.infer<typeof changeStatus>, keyof ChangeStatus> = true;

const logLine = z.strictObject({
  index,
  at: time.nullable(),
  changeId: z.string().nullable(),
  signer: z.string(),
  fate: z.enum(['honoured', 'void', 'duplicate', 'inert']),
  fateReason: z.string().nullable(),
  summary: z.string(),
  statement: z.strictObject({ type: z.string(), predicate: z.record(z.string(), z.unknown()) }).nullable(),
});
const _sameLine: Same<keyof z.infer<typeof logLine>, keyof LogLine> = true;

const submitted = z.strictObject({ changeId, index });
const decided = z.strictObject({
  changeId,
  decision: z.enum(['approve', 'reject']),
  accepted: z.literal(true),
  reasons: z.array(violation).length(0),
  index,
});
const steered = (action: string) =>
  z.strictObject({
    changeId,
    action: z.literal(action),
    accepted: z.literal(true),
    phase,
    reason: z.string(),
  });

const pins = z.strictObject({
  apiVersion: z.literal('resilience-ctl/pins/v1'),
  environment: z.string(),
  trustDigest: digest,
  logKey: z.string(),
  witnessKeys: z.array(z.string()),
});
const effects = z.strictObject({ judged: z.int(), unjudged: z.int() });
const verdict = {
  ok: z.boolean(),
  environment: z.string().nullable(),
  size: z.int().nullable(),
  root: z.base64().nullable(),
  cosignedAt: time.nullable(),
  pins: pins.nullable(),
  effects,
  discrepancies: z.array(violation.extend({ entry: index.nullable(), file: z.string().nullable() })),
};
const step = z.strictObject({ what: z.string(), at: time, index });

/** By the names that the first column of the table in docs/cli.md gives them. */
const storedVersion = z.strictObject({
  resource: z.string(),
  digest: digest.nullable(),
  version: z.string().nullable(),
  parent: digest.nullable(),
  dependsOn: z.array(z.string()),
  changeId,
  author: z.string().nullable(),
  planDigest: digest,
  index,
  at: time,
});
const edit = z.strictObject({ path: z.string(), before: z.unknown(), after: z.unknown() }).partial();
const wayBack = z.union([z.looseObject({ kind: z.literal('ChangeRequest') }), submitted]);
const draft = z.strictObject({
  apiVersion: z.literal('resilience-ctl/v1'),
  kind: z.literal('ChangeRequest'),
  metadata: z.strictObject({ environment: z.string(), reason: z.literal('') }),
  spec: z.strictObject({
    operations: z.array(z.strictObject({ set: z.string(), body: z.unknown() })).min(1),
    base: z.record(z.string(), digest),
    clock: z.int(),
    vector: z.record(z.string(), z.int()),
  }),
});

const automationStatus = z.strictObject({
  environment: z.string(),
  state: z.enum(['active', 'frozen', 'resuming']),
  unreadable: z.string().nullable(),
  scopes: z.array(
    z.strictObject({
      scope: freezeScope,
      state: z.enum(['active', 'frozen', 'resuming']),
      index,
      operator: z.string(),
      reason: z.string(),
      at: time,
      hard: z.boolean(),
      rollBack: z.boolean(),
      zones: z.array(z.strictObject(zoneUnderFreeze)),
      holds: z.array(z.string()),
      gradual: z
        .strictObject({
          order: z.array(z.string()),
          released: z.array(z.string()),
          next: z.string().nullable(),
          verdicts: z.array(
            z.strictObject({
              az: z.string(),
              verdict: z.enum(['pass', 'fail', 'inconclusive']),
              reasons: z.array(z.string()),
              index,
              at: time,
            }),
          ),
        })
        .nullable(),
    }),
  ),
});
const reconciliation = {
  at: z.iso.datetime(),
  size: z.int(),
  openChanges: z.int(),
  zones: z.int(),
  findings: z.array(
    z.strictObject({
      rule: z.string(),
      subject: z.string(),
      zone: z.string().optional(),
      message: z.string(),
      action: z.enum(['restart', 'settle', 'hold']),
      remedy: z.string(),
      done: z.enum(['restarted', 'settled', 'nothing', 'failed']),
      why: z.string().nullable(),
    }),
  ),
  foundInAll: z.int(),
};

export const JSON_ANSWERS: Readonly<Record<string, z.ZodType>> = {
  dev: running,
  'dev --detach': running,
  'dev status': running,
  'dev stop': z.strictObject({ stopped: z.literal(true), pid: z.int() }),
  'keys create': z.strictObject({
    subject: z.string(),
    file: z.string(),
    keyId: digest,
    publicKey: z.base64(),
  }),
  doctor: z.strictObject({
    findings: z.array(
      z.strictObject({
        check: z.string().min(1),
        state: z.enum(['well', 'note', 'unknown', 'missing', 'wrong']),
        found: z.string().min(1),
        next: z.string().min(1).nullable(),
      }),
    ),
  }),
  'trust show': trustDocumentSchema,
  'trust propose': z.strictObject({
    proposal: z.string(),
    version: z.int(),
    digest,
    changes: z.array(z.string()),
  }),
  'trust sign': z.strictObject({
    proposal: z.string(),
    digest,
    signed: z.array(z.string()),
    missing: z.array(z.string()),
  }),
  'trust apply': z.strictObject({ version: z.int(), digest, index }),
  'keys list': z.strictObject({
    keys: z.array(z.strictObject({ subject: z.string(), keyId: digest, roles: z.array(z.string()) })),
  }),
  'factor enrol': z.strictObject({
    subject: z.string(),
    uri: z.string().startsWith('otpauth://totp/'),
    recoveryCodes: z.array(z.string()).min(1),
    commitment: digest,
  }),
  draft,
  plan: z.strictObject({
    plan: z.looseObject({ apiVersion: z.literal('resilience-ctl/plan/v1'), risk }).nullable(),
    planDigest: digest.nullable(),
    needs: z
      .strictObject({ approvals: z.int(), secondFactor: z.boolean(), votes: z.int(), voters: z.int() })
      .nullable(),
    violations: z.array(located),
  }),
  submit: submitted,
  'submit --watch': z.union([submitted, changeStatus]),
  status: z.strictObject({
    changes: z.array(
      z.strictObject({
        changeId,
        author: z.string().nullable(),
        state: z.enum(['open', 'in-review', 'committed', 'rejected', 'rolled-back', 'aborted']),
        resources: z.array(z.string()),
        index,
      }),
    ),
    trust: z.strictObject({ version: z.int(), expiresAt: time, isExpired: z.boolean() }),
  }),
  'status CHANGE': changeStatus,
  watch: changeStatus,
  'approve --yes': decided,
  reject: decided,
  'override apply --yes': z.strictObject({
    changeId,
    applied: z.literal(true),
    index: index.nullable(),
    fence: z.string().nullable(),
    spooled: z.boolean(),
  }),
  'override reconcile': z.strictObject({
    entries: z.array(index),
    bodies: z.int(),
    settled: z.array(z.strictObject({ changeId, result: z.enum(['applied', 'not-applied']) })),
  }),
  'override review': z.strictObject({ changeId, reviewer: z.string(), index }),
  'drill break-glass': z.strictObject({
    ok: z.boolean(),
    steps: z.array(
      z.strictObject({ what: z.string(), tookMs: z.int(), held: z.boolean(), detail: z.string() }),
    ),
  }),
  pause: steered('pause'),
  continue: steered('continue'),
  abort: steered('abort'),
  history: logLine,
  log: logLine,
  get: storedVersion.extend({ body: z.unknown() }),
  'get --explain': z.strictObject({
    resource: z.string(),
    tenant: z.string().nullable(),
    layers: z.array(storedVersion),
    value: z.record(z.string(), z.unknown()),
    origins: z.record(z.string(), z.string()),
  }),
  tree: z.strictObject({
    resource: z.string().nullable(),
    size: z.int(),
    nodes: z.array(
      z.strictObject({
        resource: z.string(),
        version: z.string().nullable(),
        dependsOn: z.array(z.string()),
        dependents: z.array(z.string()),
      }),
    ),
  }),
  'log RESOURCE': storedVersion,
  ls: z.strictObject({ size: z.int(), ambiguous: z.boolean(), versions: z.array(storedVersion) }),
  diff: z.strictObject({
    differences: z.array(
      z.strictObject({
        before: storedVersion.nullable(),
        after: storedVersion.nullable(),
        edits: z.array(edit),
      }),
    ),
  }),
  blame: z.strictObject({
    resource: z.string(),
    fields: z.array(z.strictObject({ path: z.string(), value: z.unknown(), by: storedVersion })),
  }),
  revert: wayBack,
  reconcile: z.strictObject(reconciliation),
  recover: z.strictObject({
    ...reconciliation,
    index,
    raised: z.array(z.strictObject({ zone: z.string(), fence: z.string() })),
  }),
  'snapshot list': z.strictObject({
    index,
    size: z.int(),
    stateDigest: digest,
    at: time,
    result: z.enum(['same', 'different', 'not-recomputable']).nullable(),
    why: z.string().nullable(),
  }),
  assess: z.strictObject({
    environment: z.string(),
    at: time,
    size: z.int(),
    resource: z.string().nullable(),
    engineAway: z.string().nullable(),
    automation: automationStatus,
    changes: z.array(
      z.strictObject({
        changeId,
        author: z.string(),
        phase,
        resources: z.array(z.string()),
        stage: z.string().nullable(),
        waits: z.strictObject({ why: z.string(), who: z.string() }).nullable(),
      }),
    ),
    anomalies: z.array(
      z.strictObject({
        changeId,
        stage: z.string(),
        verdict: z.enum(['fail', 'inconclusive']),
        reasons: z.array(z.string()),
      }),
    ),
    exposures: z.array(
      z.strictObject({
        resource: z.string(),
        changeId,
        version: z.string().nullable(),
        percent: z.int(),
        zones: z.array(z.string()),
        index,
      }),
    ),
    drift: z.array(
      z.strictObject({ rule: z.string(), subject: z.string(), message: z.string(), remedy: z.string() }),
    ),
    resources: z.array(
      z.strictObject({
        resource: z.string(),
        changes: z.array(
          z.strictObject({
            changeId,
            author: z.string(),
            approvedBy: z.array(z.string()),
            state: z.enum(['open', 'committed', 'rejected', 'rolled-back', 'aborted']),
            at: time,
            index,
            wayBack: z.string().nullable(),
          }),
        ),
      }),
    ),
    next: z.strictObject({
      step: z.enum(['freeze', 'plan', 'apply', 'validate', 'resume', 'none']),
      why: z.string(),
      command: z.string().nullable(),
    }),
  }),
  'automation freeze': z.strictObject({
    ...stateOfAutomation,
    state: z.literal('frozen'),
    effective: z.boolean(),
    zones: z.array(z.strictObject({ ...zoneUnderFreeze, afterMs: z.number().nullable() })),
    engineAway: z.string().nullable(),
  }),
  'automation status': automationStatus,
  'automation resume': z.strictObject({
    ...stateOfAutomation,
    state: z.enum(['active', 'resuming']),
    order: z.array(z.string()).nullable(),
    stillFrozen: z.array(z.string()),
    engineAway: z.string().nullable(),
  }),
  'snapshot create': z.strictObject({ size: z.int(), stateDigest: digest, index }),
  'store check': z.strictObject({
    environment: z.string(),
    size: z.int(),
    covered: z.int().nullable(),
    objects: z.int(),
    ignored: z.array(z.strictObject({ entry: index, reason: z.string() })),
    findings: z.array(
      z.strictObject({
        name: z.string(),
        entry: index.nullable(),
        damage: z.enum(['missing', 'deleted', 'overwritten', 'truncated', 'altered', 'disagrees']),
        message: z.string(),
        isRepaired: z.boolean(),
        next: z.string().nullable(),
      }),
    ),
  }),
  restore: wayBack,
  'permissions check': z.strictObject({
    question: z.strictObject({
      principal: principalSchema,
      action: z.string(),
      resource: z.string(),
      context: permissionContextSchema,
    }),
    allowed: z.boolean(),
    policies: z.array(z.string()),
    why: z.string(),
    policyDigest: digest,
  }),
  'permissions test': z.strictObject({ tests: z.int(), violations: z.array(located) }),
  'audit export': z.strictObject({
    dir: z.string(),
    environment: z.string(),
    size: z.int(),
    changes: z.array(changeId),
    files: z.int(),
    missing: z.array(z.strictObject({ digest, entry: index })),
  }),
  'audit verify': z.strictObject({
    ...verdict,
    fates: z.strictObject({ honoured: z.int(), void: z.int(), duplicate: z.int(), inert: z.int() }),
    changes: z.int(),
  }),
  'audit verify FILE': z.strictObject({ ...verdict, changeId: changeId.nullable(), entries: z.array(index) }),
  'audit prove': z.strictObject({ changeId, file: z.string(), entries: z.int(), size: z.int() }),
  'audit timeline': z.strictObject({
    changeId,
    author: z.string(),
    resources: z.array(z.string()),
    requestedAt: time,
    requestIndex: index,
    planDigest: digest.nullable(),
    votes: z.array(
      z.strictObject({ voter: z.string(), decision: z.enum(['yes', 'no', 'veto']), at: time, index }),
    ),
    decisions: z.array(
      z.strictObject({
        approver: z.string(),
        decision: z.enum(['approve', 'reject']),
        accepted: z.boolean(),
        at: time,
        index,
      }),
    ),
    steps: z.array(step),
    ended: z
      .strictObject({ status: z.enum(['committed', 'rejected', 'rolled-back', 'aborted']), at: time, index })
      .nullable(),
  }),
  'audit timeline --at': z.strictObject({
    at: time,
    size: z.int(),
    live: z.array(
      z.strictObject({
        resource: z.string(),
        digest: digest.nullable(),
        version: z.string().nullable(),
        changeId,
        index,
        author: z.string().nullable(),
        approvedBy: z.array(z.string()),
        canary: z.looseObject({ changeId }).nullable(),
      }),
    ),
  }),
  'audit replay': z.strictObject({
    changeId,
    here: installedBuild,
    decisions: z.array(
      z.strictObject({
        decision: z.string(),
        index,
        about: z.string(),
        result: z.enum(['same', 'different', 'not-recomputable']),
        recorded: z.string(),
        recomputed: z.string().nullable(),
        why: z.string().nullable(),
        madeBy: installedBuild
          .extend({
            run: z
              .strictObject({ workflowId: z.string(), runId: z.string(), activityId: z.string() })
              .optional(),
          })
          .nullable(),
      }),
    ),
    histories: z.array(
      z.strictObject({
        runId: z.string(),
        build: z.string().nullable(),
        result: z.enum(['same', 'different']),
        why: z.string().nullable(),
      }),
    ),
  }),
  schema: z.looseObject({ $schema: z.literal('https://json-schema.org/draft/2020-12/schema') }),
};
