import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { DomainError } from '../domain/errors.ts';

/** What the factor-verifier's process needs to know. */
export const factorVerifierConfigSchema = z.strictObject({
  environment: z.string(),
  aws: z.strictObject({
    endpoint: z.string().optional(),
    region: z.string(),
    bucket: z.string(),
    /** Absent: the SDK's own credential chain. */
    credentials: z.strictObject({ accessKeyId: z.string(), secretAccessKey: z.string() }).optional(),
  }),
  /** Signs `mfa` statements. */
  kmsKeyArn: z.string(),
  /** Encrypts second factors; symmetric. */
  factorKeyArn: z.string(),
  trustFile: z.string(),
  /** Pinned: a trust document with another digest is refused. */
  trustDigest: z.string(),
  /**
   * Where it remembers, still encrypted, what it needs for break-glass while the store is down. On its own disk, for
   * this process alone: two would take one code twice then. Absent: then it takes no codes.
   */
  memoryDir: z.string().optional(),
  /** It speaks HTTP: loopback, or behind TLS. */
  host: z.string().default('127.0.0.1'),
  port: z.int().min(0).max(65_535),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

export type FactorVerifierConfig = z.infer<typeof factorVerifierConfigSchema>;

/** Throws `SCHEMA_INVALID` with every problem. */
export function readFactorVerifierConfig(path: string): FactorVerifierConfig {
  const parsed = factorVerifierConfigSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new DomainError(
    'SCHEMA_INVALID',
    `The factor-verifier configuration ${path} is not valid:\n${z.prettifyError(parsed.error)}`,
    { next: 'Correct the file and start the factor-verifier again.' },
  );
}
