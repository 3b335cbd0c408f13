import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { DomainError } from '../domain/errors.ts';
import { WORKER_ROLES } from '../domain/evidence/trust.ts';

/** What one worker process needs to know. A role is a trust boundary: one process, one queue, one key. */
export const workerConfigSchema = z.strictObject({
  role: z.enum(WORKER_ROLES),
  /** A voter's own availability zone. */
  voterZone: z.string().optional(),
  environment: z.string(),
  temporal: z.strictObject({ address: z.string(), namespace: z.string() }),
  aws: z.strictObject({
    endpoint: z.string().optional(),
    region: z.string(),
    bucket: z.string(),
    /** Absent: the SDK's own credential chain. */
    credentials: z.strictObject({ accessKeyId: z.string(), secretAccessKey: z.string() }).optional(),
  }),
  kmsKeyArn: z.string(),
  trustFile: z.string(),
  /** Pinned: a trust document with another digest is refused. */
  trustDigest: z.string(),
  /** How long to wait for a DNS batch whose reference was lost with the provider's answer. */
  dnsWorstPropagationMs: z.int().min(0).default(60_000),
  /** The orchestrator's: how it has the log cosigned. The trust document says by whom it must be. */
  integration: z
    .strictObject({
      /** The log's own Ed25519 key. */
      logKeyArn: z.string(),
      /** Where each witness takes checkpoints, and which of the trust document's it is. */
      witnesses: z.array(z.strictObject({ url: z.url(), vkey: z.string() })).min(1),
    })
    .optional(),
  /** The enactor's: where it remembers the last checkpoint that it accepted. */
  checkpointDir: z.string().optional(),
  /** The voter's zone switch: JSON `{"healthy": true, "frozen": false}`. */
  zoneSwitchFile: z.string().optional(),
  /** Pages go here as JSON, besides the log. */
  pageWebhookUrl: z.url().optional(),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

export type WorkerConfig = z.infer<typeof workerConfigSchema>;

/** Reads the JSON file that `RESILIENCE_WORKER_CONFIG` names. Throws `SCHEMA_INVALID` with every problem. */
export function readWorkerConfig(path: string): WorkerConfig {
  const parsed = workerConfigSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (!parsed.success) {
    throw new DomainError(
      'SCHEMA_INVALID',
      `The worker configuration ${path} is not valid:\n${z.prettifyError(parsed.error)}`,
      { next: 'Correct the file and start the worker again.' },
    );
  }
  return parsed.data;
}
