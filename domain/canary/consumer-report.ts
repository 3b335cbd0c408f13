import { z } from 'zod';
import { DomainError } from '../errors.ts';
import { type Digest, isDigest, parseJsonBytes } from '../evidence/canonical-json.ts';

const name = z.string().min(1).max(253);
const count = z.int().min(0).max(1e12);
const latencyMs = z.number().min(0).max(1e9);

/** Names an object in the store, so it has no path in it. */
export const INSTANCE_ID = /^[A-Za-z0-9][A-Za-z0-9._-]{0,127}$/;

const consumerReportSchema = z
  .strictObject({
    environment: name,
    changeId: name,
    instanceId: z.string().regex(INSTANCE_ID),
    zone: name,
    resource: name,
    arm: z.enum(['stable', 'canary']),
    /** Of the version that it had applied during the window; null for none. */
    digest: z.custom<Digest>(isDigest).nullable(),
    samples: count,
    errors: count,
    latencyP50Ms: latencyMs,
    latencyP99Ms: latencyMs,
    from: z.iso.datetime(),
    to: z.iso.datetime(),
  })
  .refine(({ samples, errors }) => errors <= samples, 'It has more errors than samples')
  .refine(({ from, to }) => Date.parse(from) < Date.parse(to), 'Its window ends before it begins');

/**
 * What one consumer saw of one resource that a change exposes: which version it had applied from `from` to `to` (RFC
 * 3339, UTC, by its own clock) and how its own work went meanwhile. It is not signed: the store's access rules say
 * who may put one, so it is evidence for a verdict and never a permission.
 */
export type ConsumerReport = z.infer<typeof consumerReportSchema>;

/** The body that a verdict on documents names. Throws `ENTRY_MALFORMED` for bytes that are none. */
export function parseConsumerReports(bytes: Uint8Array): ConsumerReport[] {
  const parsed = z.array(consumerReportSchema).safeParse(parseJsonBytes(bytes));
  if (parsed.success) return parsed.data;
  throw new DomainError(
    'ENTRY_MALFORMED',
    `The body holds no consumers' reports:\n${z.prettifyError(parsed.error)}`,
    { next: 'Find out what the analysis role signed.' },
  );
}

/** Throws `SCHEMA_INVALID`, and `ENTRY_MALFORMED` for bytes that are no JSON. */
export function parseConsumerReport(bytes: Uint8Array): ConsumerReport {
  const parsed = consumerReportSchema.safeParse(parseJsonBytes(bytes));
  if (parsed.success) return parsed.data;
  throw new DomainError(
    'SCHEMA_INVALID',
    `This is no consumer's report:\n${z.prettifyError(parsed.error)}`,
    { next: 'Find out which consumer wrote it; it does not count.' },
    parsed.error,
  );
}
