import type { ChangeRequest } from '../domain/change/request.ts';
import { DomainError, type Violation } from '../domain/errors.ts';

export interface Position {
  /** Both from 1. */
  line: number;
  column: number;
}

export interface RequestFile {
  request: ChangeRequest;
  /** Where a violation's path (`spec.operations[0].body.ttl`) is in the file: itself, else its nearest parent. */
  positionOf(path: string): Position;
}

/** A violation that knows where in the file it is. */
export type LocatedViolation = Violation & { position?: Position };

/**
 * Reads a change request in YAML. Throws `TOO_LARGE`, `REQUEST_UNREADABLE` (not a readable file, broken YAML,
 * duplicate keys) or `SCHEMA_INVALID`; `details.violations` lists every problem as a `LocatedViolation`.
 */
export function readRequestFile(path: string): RequestFile {
  throw new DomainError('REQUEST_UNREADABLE', `${path} is not read yet.`);
}
