import { satisfies as satisfiesRange, validRange } from 'semver';
import { DomainError } from '../errors.ts';

/** One thing that must be live: a resource in some version, or all that a change made. */
export interface Dependency {
  /** A resource, or `change/<id>`. */
  resource: string;
  /** SemVer range, as it was written; null: any version. */
  range: string | null;
}

const NAME = /^[a-z]+(\/[^/\s]+)*\/[^/\s@]+$/;

/**
 * Reads `config/payments@^2.1`, `dns/example.com/api/A` or `change/<id>`. Ranges are those of node-semver, without
 * spaces. Throws `SCHEMA_INVALID`.
 */
export function parseDependency(text: string): Dependency {
  const resource = dependencyTarget(text);
  const range = text === resource ? null : text.slice(resource.length + 1);
  if (!NAME.test(resource)) {
    throw unreadable(
      `${text} is no dependency.`,
      'Write kind/name, such as config/payments, and @range where a version matters.',
    );
  }
  if (range === null) return { resource, range };
  if (/^(dns|change)\//.test(resource)) {
    throw unreadable(
      `${text} names a range, but ${resource} has no versions.`,
      `Write ${resource} without a range.`,
    );
  }
  if (range === '' || validRange(range) === null) {
    throw unreadable(
      `${text}: "${range}" is no range of versions.`,
      `Write a SemVer range without spaces, such as ${resource}@^2.1, @~2.1.3 or @2.x.`,
    );
  }
  return { resource, range };
}

function unreadable(message: string, next: string): DomainError {
  return new DomainError('SCHEMA_INVALID', message, { next });
}

/** The resource, or `change/<id>`, that a dependency names, whether or not its range can be read. */
export function dependencyTarget(text: string): string {
  // `@` by itself is the apex in a DNS name; a range follows the last part of a name.
  const separator = text.indexOf('@', text.lastIndexOf('/') + 2);
  return separator < 0 ? text : text.slice(0, separator);
}

/** Whether a version will do. Something without a version, such as a DNS record, is in no range. */
export function satisfies(version: string | null, range: string | null): boolean {
  return range === null || (version !== null && satisfiesRange(version, range));
}
