import { z } from 'zod';

/** The author's file, after parsing. Operations of one request are one atomic batch. */
const digest = z.templateLiteral(['sha256:', z.string().regex(/^[0-9a-f]{64}$/)]);
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

const setOperation = z.strictObject({
  set: resourceName,
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
      .array(z.union([setOperation, removeOperation]))
      .min(1)
      .max(500),
    base: z
      .record(resourceName, z.union([digest, z.null()]))
      .default({})
      .describe('Digest that a resource must still have; null: must not exist'),
    dependsOn: z
      .array(resourceName)
      .default([])
      .describe('Resources, or change/<id>, that must be live first'),
    clock: z
      .int()
      .min(0)
      .optional()
      .describe('Lamport clock of the state that the author looked at; filled in by submit'),
    rollout: z
      .strictObject({
        stages: z
          .array(z.int().min(1).max(100))
          .min(1)
          .default([1, 10, 50, 100])
          .describe('Ascending shares in percent; the last is 100'),
        bakeSeconds: z.number().min(0).max(86_400).default(60),
        minimumSamples: z.int().min(1).max(100_000).default(30),
        probe: probe.optional(),
      })
      .prefault({}),
  }),
});

export type ChangeRequest = z.infer<typeof changeRequestSchema>;
export type Operation = ChangeRequest['spec']['operations'][number];
export type Probe = z.infer<typeof probe>;
export type SetBody = Extract<Operation, { set: string }>['body'];

/** The resource that an operation is about. */
export function resourceOf(operation: Operation): string {
  return 'set' in operation ? operation.set : operation.remove;
}

export function parseChangeRequest(_value: unknown): ChangeRequest {
  throw new Error('not written yet');
}
