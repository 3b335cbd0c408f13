import type { z } from 'zod';
import { plainJsonObject } from './plain-json.ts';

/** `schema/<name>`. */
export const SCHEMA_RESOURCE = /^schema\/[a-z0-9][a-z0-9._-]*$/;

/** A JSON Schema, draft 2020-12, whole in itself: `$ref` stays inside. Also its canonical form. */
export const schemaBodySchema = plainJsonObject.describe('A JSON Schema, draft 2020-12');

export type SchemaBody = z.infer<typeof schemaBodySchema>;
