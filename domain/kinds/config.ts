import { z } from 'zod';
import { parseDependency } from '../causality/dependency.ts';
import { DomainError } from '../errors.ts';
import { plainJsonObject } from './plain-json.ts';

/**
 * `config/<scope>/<document>`. The scope is a service, or a layer under all services: `_global`, `_environment`,
 * `_tenant.<tenant>`.
 */
export const CONFIG_RESOURCE =
  /^config\/(_global|_environment|_tenant\.[a-z0-9][a-z0-9-]*|[a-z0-9][a-z0-9-]*)\/[a-z0-9][a-z0-9._-]*$/;

/** A document that services read, and the schema that it is held against. Also its canonical form. */
export const configBodySchema = z.strictObject({
  schema: z
    .string()
    .regex(/^schema\/[a-z0-9][a-z0-9._-]*@\S+$/, {
      error: 'A schema is named with its range, such as schema/timeouts@^1',
      abort: true,
    })
    .refine(hasRange, 'The range after @ is no range of versions')
    .describe('The schema and the versions of it that will do: schema/timeouts@^1'),
  value: plainJsonObject.describe('What the service reads; secrets as {secretRef, rotateBy}'),
});

export type ConfigBody = z.infer<typeof configBodySchema>;

/** What a config needs: its schema, with the range. A `secretRef` names no resource. */
export function configReferences({ schema }: ConfigBody): string[] {
  return [schema];
}

function hasRange(reference: string): boolean {
  try {
    return parseDependency(reference).range !== null;
  } catch (error) {
    if (error instanceof DomainError) return false;
    throw error;
  }
}
