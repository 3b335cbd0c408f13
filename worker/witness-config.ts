import { readFileSync } from 'node:fs';
import { z } from 'zod';
import { DomainError } from '../domain/errors.ts';

/** What the process of a witness needs to know. It has no AWS credentials: a proof comes with each request. */
export const witnessConfigSchema = z.strictObject({
  /** The name in its cosignatures: a schema-less URL without spaces or plus. */
  name: z.string(),
  /** Its own Ed25519 private key, PKCS #8 PEM, mode 0600, used for nothing else. */
  keyFile: z.string(),
  /** Where it remembers what it cosigned. On a disk that nobody who runs the log can write to. */
  memoryDir: z.string(),
  /** The vkeys of the logs that it watches; an Ed25519 vkey's name is the log's origin. */
  logs: z.array(z.string()).min(1),
  host: z.string().default('127.0.0.1'),
  port: z.int().min(0).max(65_535),
  logLevel: z.enum(['debug', 'info', 'warn', 'error']).default('info'),
});

export type WitnessConfig = z.infer<typeof witnessConfigSchema>;

/** Throws `SCHEMA_INVALID` with every problem. */
export function readWitnessConfig(path: string): WitnessConfig {
  const parsed = witnessConfigSchema.safeParse(JSON.parse(readFileSync(path, 'utf8')));
  if (parsed.success) return parsed.data;
  throw new DomainError(
    'SCHEMA_INVALID',
    `The witness configuration ${path} is not valid:\n${z.prettifyError(parsed.error)}`,
    { next: 'Correct the file and start the witness again.' },
  );
}
