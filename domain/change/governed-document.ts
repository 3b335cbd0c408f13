import { DomainError } from '../errors.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import { type BodyOf, readBody } from '../kinds/document-bodies.ts';
import type { DocumentKind } from '../kinds/documents.ts';
import type { DocumentPlan, PlannedDocument } from './document-plan.ts';

interface Governed<K extends DocumentKind> extends PlannedDocument {
  kind: K;
  /** Where the request declares it: `spec.operations[0]`. */
  path: string;
  /** Null where there is no document. */
  before: BodyOf[K] | null;
  after: BodyOf[K] | null;
}

export type GovernedConfig = Governed<'config'>;
export type GovernedSchema = Governed<'schema'>;
export type GovernedSwitch = Governed<'switch'>;
export type GovernedPolicy = Governed<'policy'>;

/** A document of a plan with its bodies, and with its place in the request. */
export type GovernedDocument = GovernedConfig | GovernedSchema | GovernedSwitch | GovernedPolicy;

/**
 * A plan lists its documents in the order of the request's operations. Throws `NOT_FOUND` for a body not in `bodies`,
 * `SCHEMA_INVALID` for one that is none of its kind.
 */
export function governedDocuments(
  { resources }: Pick<DocumentPlan, 'resources'>,
  bodies: ReadonlyMap<Digest, unknown>,
): GovernedDocument[] {
  return resources.map((planned, position) => governed(planned, `spec.operations[${position}]`, bodies));
}

function governed(
  planned: PlannedDocument,
  path: string,
  bodies: ReadonlyMap<Digest, unknown>,
): GovernedDocument {
  const pair = <K extends DocumentKind>(kind: K) => ({
    before: bodyOf(kind, planned.baseDigest, bodies),
    after: bodyOf(kind, planned.targetDigest, bodies),
  });
  switch (planned.kind) {
    case 'config':
      return { ...planned, kind: planned.kind, path, ...pair(planned.kind) };
    case 'schema':
      return { ...planned, kind: planned.kind, path, ...pair(planned.kind) };
    case 'switch':
      return { ...planned, kind: planned.kind, path, ...pair(planned.kind) };
    case 'policy':
      return { ...planned, kind: planned.kind, path, ...pair(planned.kind) };
  }
}

/** The body of a digest in canonical form; null for no document. Throws as `governedDocuments`. */
export function bodyOf<K extends DocumentKind>(
  kind: K,
  digest: Digest | null,
  bodies: ReadonlyMap<Digest, unknown>,
): BodyOf[K] | null {
  if (digest === null) return null;
  if (!bodies.has(digest)) {
    throw new DomainError('NOT_FOUND', `The body ${digest} of a ${kind} was not loaded.`, {
      next: 'This is a defect of the program that planned or judged: report it, with the request.',
    });
  }
  return readBody(kind, bodies.get(digest));
}

/** Whether the plan changes it at all: a request may name what is live already. */
export function isChanged({ baseDigest, targetDigest }: PlannedDocument): boolean {
  return baseDigest !== targetDigest;
}
