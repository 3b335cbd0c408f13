import { satisfies, validRange } from 'semver';

/** What another document needs: a resource, and the versions of it that will do. */
export interface Reference {
  resource: string;
  /** A semver range as npm reads it; null when any version will do. */
  range: string | null;
}

/** `schema/timeouts@^1.2` taken apart at its first `@`. Whether the range is one, `isRange` says. */
export function parseReference(reference: string): Reference {
  const at = reference.indexOf('@');
  if (at < 0) return { resource: reference, range: null };
  return { resource: reference.slice(0, at), range: reference.slice(at + 1) };
}

export function isRange(range: string): boolean {
  return range !== '' && validRange(range) !== null;
}

/**
 * Whether a version is within a reference's range. No version at all (a resource that is no document) is within no
 * range but the absent one; a pre-release only where the range names one of the same version, as npm has it.
 */
export function isSatisfied({ range }: Reference, version: string | null): boolean {
  if (range === null) return true;
  return version !== null && satisfies(version, range);
}
