import { gt, inc, major } from 'semver';
import { canonicalText } from '../evidence/canonical-json.ts';
import type { DocumentKind } from '../kinds/documents.ts';
import { narrowings } from '../kinds/schema-compatibility.ts';

/** A document's last version and what becomes of it; `after` is what would be live. */
export interface Succession {
  kind: DocumentKind;
  /** Null when there never was one. */
  last: string | null;
  before: unknown;
  after: unknown;
}

/**
 * The version that follows (Semantic Versioning 2.0.0): major for a schema that breaks, else minor, since whoever
 * reads a document goes by its schema. The first is 1.0.0. A body that stays as it is keeps its version.
 */
export function nextVersion(succession: Succession): string {
  const { last } = succession;
  if (last === null) return '1.0.0';
  if (isUnchanged(succession)) return last;
  return inc(last, isBreaking(succession) ? 'major' : 'minor') ?? '1.0.0';
}

/** Why a version that the author chose cannot follow; null when it can, and when none was chosen. */
export function versionProblem(chosen: string | undefined, succession: Succession): string | null {
  const { last } = succession;
  if (chosen === undefined || last === null) return null;
  if (isUnchanged(succession)) return chosen === last ? null : `is not ${last}, and the body stays as it is`;
  if (!gt(chosen, last)) return `does not follow ${last}, the last version`;
  if (isBreaking(succession) && major(chosen) === major(last)) {
    return `must have another first number than ${last}, because the schema breaks what was valid`;
  }
  return null;
}

function isUnchanged({ before, after }: Succession): boolean {
  return before !== null && canonicalText(before) === canonicalText(after);
}

function isBreaking({ kind, before, after }: Succession): boolean {
  if (kind !== 'schema') return false;
  // A schema that was gone for a while promises nothing about what it was.
  return before === null || narrowings(before, after).length > 0;
}
