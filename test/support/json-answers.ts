import { z } from 'zod';
import type { LogLine } from '../../client/log-line.ts';
import { PHASES } from '../../domain/change/lifecycle.ts';
import { type ErrorCode, type ErrorKind, errorKind, isErrorCode } from '../../domain/errors.ts';
import type { ChangeStatus } from '../../workflows/contract.ts';

/** What `--json` promises in docs/cli.md, strictly: a field that nobody documented fails too. */

const digest = z.templateLiteral(['sha256:', z.string().regex(/^[0-9a-f]{64}$/)]);
const time = z.iso.datetime({ precision: 3 });
const index = z.int().min(0);
const changeId = z.string().regex(/^chg-[0-9a-f]{12}$/);
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

/** By the names that the first column of the table in docs/cli.md gives them. */
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
  'keys list': z.strictObject({
    keys: z.array(z.strictObject({ subject: z.string(), keyId: digest, roles: z.array(z.string()) })),
  }),
  plan: z.strictObject({
    plan: z.looseObject({ apiVersion: z.literal('resilience-ctl/plan/v1'), risk }).nullable(),
    planDigest: digest.nullable(),
    needs: z.strictObject({ approvals: z.int(), votes: z.int(), voters: z.int() }).nullable(),
    violations: z.array(located),
  }),
  submit: submitted,
  'submit --watch': z.union([submitted, changeStatus]),
  status: z.strictObject({
    changes: z.array(
      z.strictObject({
        changeId,
        author: z.string().nullable(),
        state: z.enum(['open', 'committed', 'rejected', 'rolled-back', 'aborted']),
        resources: z.array(z.string()),
        index,
      }),
    ),
  }),
  'status CHANGE': changeStatus,
  watch: changeStatus,
  'approve --yes': decided,
  reject: decided,
  pause: steered('pause'),
  continue: steered('continue'),
  abort: steered('abort'),
  history: logLine,
  log: logLine,
  schema: z.looseObject({ $schema: z.literal('https://json-schema.org/draft/2020-12/schema') }),
};
