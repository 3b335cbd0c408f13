import { z } from 'zod';
import { DomainError } from '../errors.ts';
import { type ConfigBody, configBodySchema, configReferences } from './config.ts';
import type { DocumentKind } from './documents.ts';
import { type PolicyBody, policyBodySchema } from './policy.ts';
import { type SchemaBody, schemaBodySchema } from './schema.ts';
import {
  canonicalSwitch,
  directionOf,
  type SwitchBody,
  type SwitchDirection,
  switchBodySchema,
} from './switch.ts';

export interface BodyOf {
  config: ConfigBody;
  schema: SchemaBody;
  switch: SwitchBody;
  policy: PolicyBody;
}

/** Whatever a kind's body is, read and brought into the one form in which it is hashed and stored. */
const READERS: { [K in DocumentKind]: (value: unknown) => BodyOf[K] } = {
  config: (value) => configBodySchema.parse(value),
  schema: (value) => schemaBodySchema.parse(value),
  switch: (value) => canonicalSwitch(switchBodySchema.parse(value)),
  policy: (value) => policyBodySchema.parse(value),
};

/**
 * Reads a body of a kind into its canonical form, which has its digest; doing so again changes nothing.
 * Throws `SCHEMA_INVALID` for one that a request could not have declared.
 */
export function readBody<K extends DocumentKind>(kind: K, value: unknown): BodyOf[K] {
  try {
    return READERS[kind](value);
  } catch (cause) {
    if (!(cause instanceof z.ZodError)) throw cause;
    throw new DomainError(
      'SCHEMA_INVALID',
      `The body is none of a ${kind}: ${z.prettifyError(cause)}`,
      { next: 'Find out who wrote it: no request could have declared it.' },
      cause,
    );
  }
}

/** The resources, with ranges, that a body itself needs: what a commit records besides the author's `dependsOn`. */
export function referencesIn(kind: DocumentKind, value: unknown): string[] {
  return kind === 'config' ? configReferences(readBody('config', value)) : [];
}

/** People or teams whom a body names as its owners; `value` is null for no document. */
export function ownersIn(kind: DocumentKind, value: unknown): string[] {
  return kind === 'switch' && value !== null ? [readBody(kind, value).owner] : [];
}

/** Which way a switch goes between two bodies, each null for no document; `edit` for every other kind. */
export function directionIn(kind: DocumentKind, before: unknown, after: unknown): SwitchDirection {
  if (kind !== 'switch') return 'edit';
  const read = (value: unknown) => (value === null ? null : readBody(kind, value));
  return directionOf(read(before), read(after));
}
