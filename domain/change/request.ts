import { z } from 'zod';
import { DomainError, type Violation } from '../errors.ts';
import { CONFIG_RESOURCE, configBodySchema } from '../kinds/config.ts';
import { WEIGHTABLE_TYPES } from '../kinds/dns-records.ts';
import { documentKindOf } from '../kinds/documents.ts';
import { POLICY_RESOURCE, policyBodySchema } from '../kinds/policy.ts';
import { SCHEMA_RESOURCE, schemaBodySchema } from '../kinds/schema.ts';
import { SWITCH_RESOURCE, switchBodySchema } from '../kinds/switch.ts';
import { jsonPath } from './json-path.ts';
import { secretsInTheOpen } from './secrets-in-the-open.ts';

const DEFAULT_STAGES = [1, 10, 50, 100];

/** The author's file, after parsing. Operations of one request are one atomic batch. */
const digest = z.templateLiteral(
  ['sha256:', z.string().regex(/^[0-9a-f]{64}$/)],
  'A digest is sha256: and 64 hex digits',
);
const resourceName = z
  .string()
  .regex(/^[a-z]+(\/[^/\s]+)+$/, 'A resource is named kind/…, such as dns/example.com/api/A');

const probe = z
  .strictObject({
    scheme: z.enum(['http', 'https']).default('http'),
    port: z.int().min(1).max(65_535),
    path: z.string().startsWith('/').max(1024).default('/'),
    host: z.string().min(1).max(253).describe('Host header (and SNI); the address comes from the record'),
    expect: z
      .strictObject({
        status: z.int().min(100).max(599).default(200),
        bodyIncludes: z.string().max(1024).optional(),
      })
      .prefault({}),
    timeoutMs: z.int().min(10).max(30_000).default(1000),
  })
  .describe('How the analysis role asks one target whether it works');

const KNOWN_KINDS =
  'A resource is named kind/…: dns/example.com/api/A, config/payments/timeouts, schema/timeouts, switch/trading or policy/permissions';

/** Another kind aborts, so that no union takes a body that happens to fit for that of a resource of another kind. */
const resourceOfKind = (kind: string, pattern: RegExp, error: string) =>
  z.string().startsWith(`${kind}/`, { error: KNOWN_KINDS, abort: true }).regex(pattern, error);

const setDns = z.strictObject({
  set: resourceOfKind('dns', /^dns(\/[^/\s]+)+$/, 'A record is named dns/<zone>/<label or @>/<type>'),
  body: z.union([
    z.strictObject({
      ttl: z.int().describe('Seconds'),
      values: z.array(z.string().min(1)).min(1),
    }),
    z.strictObject({
      ttl: z.int().describe('Seconds'),
      weighted: z
        .array(
          z.strictObject({
            id: z.string().min(1).max(128),
            weight: z.int(),
            values: z.array(z.string().min(1)).min(1),
          }),
        )
        .min(1),
    }),
  ]),
});

const version = z
  .string()
  .regex(/^(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)$/, 'A version is three numbers, such as 2.1.0')
  .max(64)
  .optional()
  .describe('Semantic version of the result; the next one when left out');

const setConfig = z.strictObject({
  set: resourceOfKind(
    'config',
    CONFIG_RESOURCE,
    'A config is named config/<service, _global, _environment or _tenant.x>/<document>',
  ),
  body: configBodySchema,
  version,
});
const setSchema = z.strictObject({
  set: resourceOfKind('schema', SCHEMA_RESOURCE, 'A schema is named schema/<name>'),
  body: schemaBodySchema,
  version,
});
const setSwitch = z.strictObject({
  set: resourceOfKind('switch', SWITCH_RESOURCE, 'A switch is named switch/<name>'),
  body: switchBodySchema,
  version,
});
const setPolicy = z.strictObject({
  set: resourceOfKind('policy', POLICY_RESOURCE, 'The one policy is named policy/permissions'),
  body: policyBodySchema,
  version,
});
const removeOperation = z.strictObject({ remove: resourceName });

export const changeRequestSchema = z.strictObject({
  apiVersion: z.literal('resilience-ctl/v1'),
  kind: z.literal('ChangeRequest'),
  metadata: z.strictObject({
    environment: z.string().regex(/^[a-z0-9]([a-z0-9-]{0,38}[a-z0-9])?$/),
    reason: z.string().min(8, 'Say why, in at least 8 characters').max(2000),
    emergency: z.boolean().default(false),
  }),
  spec: z.strictObject({
    operations: z
      .array(z.union([setDns, setConfig, setSchema, setSwitch, setPolicy, removeOperation]))
      .min(1)
      .max(500),
    base: z
      .record(resourceName, z.union([digest, z.null()]))
      .default({})
      .describe(
        'Digest that a resource must still have; null: must not exist. For documents filled in by submit',
      ),
    dependsOn: z
      .array(resourceName)
      .default([])
      .describe('Resources, or change/<id>, that must be live first'),
    clock: z
      .int()
      .min(0)
      .optional()
      .describe('Lamport clock of the state that the author looked at; filled in by submit'),
    vector: z
      .record(z.string(), z.int().min(0))
      .optional()
      .describe('Vector clock of the state that the author looked at; filled in by submit'),
    rollout: z
      .strictObject({
        stages: z
          .array(z.int().min(1).max(100))
          .min(1)
          .default(DEFAULT_STAGES)
          .describe('Ascending shares in percent; the last is 100'),
        bakeSeconds: z.number().min(0).max(86_400).default(60),
        minimumSamples: z.int().min(1).max(100_000).default(30),
        probe: probe.optional(),
        strategy: z
          .enum(['consumers', 'zones', 'at-once'])
          .optional()
          .describe('How documents reach their consumers; the slowest that their kinds share when left out'),
        zones: z
          .array(z.string().min(1).max(63))
          .min(1)
          .max(100)
          .optional()
          .describe('For the strategy zones: all zones, in the order in which they get the new versions'),
        consumers: z
          .literal('none')
          .optional()
          .describe(
            'Says that no service reads these new configs yet: a bake in which nobody reports then passes. Whoever does report is judged',
          ),
      })
      .prefault({}),
  }),
});

export type ChangeRequest = z.infer<typeof changeRequestSchema>;
export type Operation = ChangeRequest['spec']['operations'][number];
export type Probe = z.infer<typeof probe>;
export type SetDns = z.infer<typeof setDns>;
/** The body of a DNS operation. */
export type SetBody = SetDns['body'];

/** Only the resource's name tells the kinds of bodies apart. */
export function isSetDns(operation: Operation): operation is SetDns {
  return 'set' in operation && operation.set.startsWith('dns/');
}

/** The resource that an operation is about. */
export function resourceOf(operation: Operation): string {
  return 'set' in operation ? operation.set : operation.remove;
}

/**
 * Reads an author's file after YAML: shape, defaults, and the rules that need no zone. Parsing a parsed request
 * changes nothing, so that every reader of the stored body arrives at the same request.
 * Throws `SCHEMA_INVALID` with every violation at its path.
 */
export function parseChangeRequest(value: unknown): ChangeRequest {
  const parsed = changeRequestSchema.safeParse(value);
  const violations = parsed.success
    ? [
        ...duplicateResources(parsed.data),
        ...mixedTargets(parsed.data.spec.operations.map(resourceOf)),
        ...stageViolations(parsed.data),
        ...strategyViolations(parsed.data),
        ...secretsInTheOpen(parsed.data),
      ]
    : parsed.error.issues.flatMap((issue) => issueViolations(issue, []));
  if (parsed.success && violations.length === 0) return parsed.data;
  throw new DomainError('SCHEMA_INVALID', `The request breaks ${violations.length} rule(s) of its schema.`, {
    next: 'Correct the file; its JSON Schema shows every field to an editor.',
    violations,
  });
}

function schemaViolation(rule: string, path: string, message: string, remedy: string): Violation {
  return { code: 'SCHEMA_INVALID', rule, path, message, remedy };
}

function duplicateResources({ spec }: ChangeRequest): Violation[] {
  const first = new Map<string, number>();
  return spec.operations.flatMap((operation, position) => {
    const resource = resourceOf(operation);
    const earlier = first.get(resource);
    first.set(resource, earlier ?? position);
    if (earlier === undefined) return [];
    return schemaViolation(
      'one-operation-a-resource',
      `spec.operations[${position}]`,
      `${resource} is already the subject of operation ${earlier + 1}.`,
      'Say in one operation what it is to become.',
    );
  });
}

/**
 * DESIGN §6: one change has one target, a hosted zone or documents of one environment. `resources`: those of the
 * operations, in their order.
 */
export function mixedTargets(resources: readonly string[]): Violation[] {
  const first = resources.slice(0, 1).map(isDocument)[0];
  return resources.flatMap((resource, position): Violation[] => {
    if (isDocument(resource) === first) return [];
    return [
      schemaViolation(
        'one-target',
        `spec.operations[${position}]`,
        `${resource} and ${first ? 'documents' : 'DNS records'} do not move in one batch.`,
        'Make a request of its own for it, and let one declare dependsOn the other.',
      ),
    ];
  });
}

/** Whether an operation is about a versioned document, and not about a record in a zone. */
export function isAboutDocument(operation: Operation): boolean {
  return isDocument(resourceOf(operation));
}

function isDocument(resource: string): boolean {
  return documentKindOf(resource) !== null;
}

function strategyViolations({ spec }: ChangeRequest): Violation[] {
  const { strategy, zones, consumers } = spec.rollout;
  const violations: Violation[] = [];
  const add = (rule: string, field: string, message: string, remedy: string) =>
    violations.push(schemaViolation(rule, `spec.rollout.${field}`, message, remedy));
  if (strategy !== undefined && !spec.operations.some(isAboutDocument)) {
    const remedy = 'Leave out spec.rollout.strategy.';
    add('strategy-needs-documents', 'strategy', 'Records have no strategy: they move by weight.', remedy);
  }
  if (consumers !== undefined && !spec.operations.some(isAboutDocument)) {
    const message = 'Records are watched by probes, whoever reads them.';
    add('strategy-needs-documents', 'consumers', message, 'Leave out spec.rollout.consumers.');
  }
  if (strategy === 'zones' && zones === undefined) {
    const remedy = 'List all zones in spec.rollout.zones, in the order in which they are to change.';
    add('zones-are-listed', 'strategy', 'The strategy zones goes through a list of zones.', remedy);
  }
  const repeated = zones?.find((zone, i) => zones.indexOf(zone) !== i);
  if (repeated !== undefined) {
    add('zones-unique', 'zones', `The zone ${repeated} is listed twice.`, 'List each zone once.');
  }
  return violations;
}

function stageViolations({ spec }: ChangeRequest): Violation[] {
  const { stages } = spec.rollout;
  const violations: Violation[] = [];
  const ascending = stages.every((percent, position) => percent > (stages[position - 1] ?? 0));
  if (!ascending || stages.at(-1) !== 100) {
    violations.push(
      schemaViolation(
        'stages-ascend-to-100',
        'spec.rollout.stages',
        `The stages [${stages.join(', ')}] do not rise to 100.`,
        'List ascending shares in percent that end in 100, such as [1, 10, 50, 100].',
      ),
    );
  }
  // A parsed request carries the default, so the default says nothing about what the author wrote.
  const chosen = stages.length > 1 && stages.join() !== DEFAULT_STAGES.join();
  if (chosen && !spec.operations.some(canHaveStages)) {
    violations.push(
      schemaViolation(
        'stages-need-weights',
        'spec.rollout.stages',
        `No operation is about a config or sets a record of type ${WEIGHTABLE_TYPES.join(', ')}: everything here changes in one step.`,
        'Leave out spec.rollout.stages.',
      ),
    );
  }
  return violations;
}

function canHaveStages(operation: Operation): boolean {
  const resource = resourceOf(operation);
  if (documentKindOf(resource) === 'config') return true;
  return 'set' in operation && WEIGHTABLE_TYPES.some((type) => resource.endsWith(`/${type}`));
}

type Issue = z.core.$ZodIssue;

/** Of a union's branches only the one that the author most likely meant is worth reporting. */
function issueViolations(issue: Issue, parent: readonly PropertyKey[]): Violation[] {
  const at = [...parent, ...issue.path];
  if (issue.code === 'invalid_union' && issue.errors.length > 0) {
    const branches = issue.errors.map((issues) => {
      const violations = issues.flatMap((one) => issueViolations(one, at));
      return { violations, strangeness: issues.some(isOfAnotherKind) ? Infinity : strangeness(violations) };
    });
    return branches.reduce((best, one) => (one.strangeness < best.strangeness ? one : best)).violations;
  }
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((field) =>
      schemaViolation(
        'unknown-field',
        jsonPath([...at, field]),
        `The field "${field}" is not known here.`,
        'Remove it, or correct its spelling.',
      ),
    );
  }
  return [
    schemaViolation(
      issue.code.replaceAll('_', '-'),
      jsonPath(at),
      `${jsonPath(at) || 'The file'}: ${issue.message}.`,
      remedyFor(issue),
    ),
  ];
}

/** Whether a branch is for operations of another kind: `set` is not of its kind at all, or unknown to it. */
function isOfAnotherKind(issue: Issue): boolean {
  if (issue.code === 'unrecognized_keys') return issue.path.length === 0 && issue.keys.includes('set');
  return issue.path[0] === 'set' && !(issue.code === 'invalid_format' && issue.format === 'regex');
}

/** A field that a branch does not know says more against the branch than any number of wrong values. */
function strangeness(violations: readonly Violation[]): number {
  return violations.length + 1000 * violations.filter((one) => one.rule === 'unknown-field').length;
}

function remedyFor(issue: Issue): string {
  if (issue.code === 'invalid_type') return `Give a value of type ${issue.expected}.`;
  if (issue.code === 'invalid_value') return `Use one of: ${issue.values.join(', ')}.`;
  if (issue.code === 'too_small') return `At least ${issue.minimum} is needed.`;
  if (issue.code === 'too_big') return `At most ${issue.maximum} is allowed.`;
  return 'Correct the value.';
}
