import { closeSync, openSync, readSync } from 'node:fs';
import { isMap, isScalar, isSeq, LineCounter, type ParsedNode, parseDocument } from 'yaml';
import { type ChangeRequest, parseChangeRequest } from '../domain/change/request.ts';
import { DomainError, type ErrorCode, type Violation, violationsOf } from '../domain/errors.ts';

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

/** Well under Temporal's and S3's limits, and far above what a person writes. */
export const MAX_REQUEST_BYTES = 256 * 1024;

/**
 * Reads a change request in YAML 1.2. Throws `TOO_LARGE`, `REQUEST_UNREADABLE` (no such file, not text, broken
 * YAML, duplicate keys) or `SCHEMA_INVALID`; `details.violations` lists every problem as a `LocatedViolation`.
 */
export function readRequestFile(path: string): RequestFile {
  return parseRequestText(decode(readAtMost(path, MAX_REQUEST_BYTES), path), path);
}

/** `readRequestFile` without the file: `path` only names the text in messages. */
export function parseRequestText(text: string, path: string): RequestFile {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, prettyErrors: false });
  const at = (offset: number): Position => {
    const { line, col } = lines.linePos(offset);
    return { line: Math.max(line, 1), column: Math.max(col, 1) };
  };

  const faults = [...document.errors, ...document.warnings];
  if (faults.length > 0) {
    throw unreadable(
      path,
      faults.map((fault) => ({
        code: 'REQUEST_UNREADABLE',
        rule: `yaml-${fault.code.toLowerCase().replaceAll('_', '-')}`,
        message: `${fault.message}.`.replace(/\.\.$/, '.'),
        remedy: 'Correct the YAML here.',
        position: at(fault.pos[0]),
      })),
    );
  }

  const positionOf = (jsonPath: string) => at(offsetOf(document.contents, jsonPath));
  try {
    return { request: parseChangeRequest(plainData(() => document.toJS(), path)), positionOf };
  } catch (error) {
    throw error instanceof DomainError ? located(error, path, positionOf) : error;
  }
}

/** The same violations, each with its place in the file. */
export function locate(
  violations: readonly Violation[],
  positionOf: (path: string) => Position,
): LocatedViolation[] {
  return violations.map((violation) =>
    violation.path === undefined ? violation : { ...violation, position: positionOf(violation.path) },
  );
}

function located(error: DomainError, path: string, positionOf: (path: string) => Position): DomainError {
  const violations = locate(violationsOf(error), positionOf);
  return new DomainError(
    error.code,
    `${path} is not a valid change request.`,
    { ...error.details, file: path, violations },
    error,
  );
}

/** Aliases are resolved here, with the library's limit on how much they may expand. */
function plainData(toJS: () => unknown, path: string): unknown {
  try {
    return toJS();
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw unreadable(path, [
      { code: 'REQUEST_UNREADABLE', rule: 'yaml-alias', message, remedy: 'Write the value out in full.' },
    ]);
  }
}

/**
 * Finds the node that a path names. Keys may hold dots and slashes (`spec.base.dns/example.com/api/A`), so each
 * map is asked which of its keys the rest of the path begins with; the longest wins.
 */
function offsetOf(root: ParsedNode | null, path: string): number {
  let node: unknown = root;
  let offset = root?.range[0] ?? 0;
  let rest = path;
  while (rest !== '') {
    const step = isMap(node) ? mapStep(node.items, rest) : isSeq(node) ? seqStep(node.items, rest) : null;
    if (step === null) return offset;
    offset = step.offset;
    node = step.node;
    rest = step.rest;
  }
  return offset;
}

interface Step {
  node: unknown;
  offset: number;
  rest: string;
}

function mapStep(items: readonly { key: unknown; value: unknown }[], rest: string): Step | null {
  let best: (Step & { length: number }) | null = null;
  for (const { key, value } of items) {
    if (!isScalar(key)) continue;
    const name = String(key.value);
    for (const spelling of [name, `[${JSON.stringify(name)}]`]) {
      const after = rest.slice(spelling.length);
      if (!rest.startsWith(spelling) || !/^($|[.[])/.test(after) || (best?.length ?? 0) > spelling.length)
        continue;
      best = {
        node: value,
        offset: key.range?.[0] ?? 0,
        rest: after.replace(/^\./, ''),
        length: spelling.length,
      };
    }
  }
  return best;
}

function seqStep(items: readonly unknown[], rest: string): Step | null {
  const match = /^(?:\[(\d+)\]|(\d+))\.?/.exec(rest);
  const node = match ? items[Number(match[1] ?? match[2])] : undefined;
  if (!match || !isNodeWithRange(node)) return null;
  return { node, offset: node.range[0], rest: rest.slice(match[0].length) };
}

function isNodeWithRange(node: unknown): node is ParsedNode {
  return typeof node === 'object' && node !== null && 'range' in node && Array.isArray(node.range);
}

/** Bounded even when the path names a pipe or a device. */
function readAtMost(path: string, limit: number): Uint8Array {
  const buffer = Buffer.alloc(limit + 1);
  let size = 0;
  try {
    const file = openSync(path, 'r');
    try {
      for (let read = -1; read !== 0 && size <= limit; size += read) {
        read = readSync(file, buffer, size, buffer.length - size, null);
      }
    } finally {
      closeSync(file);
    }
  } catch (cause) {
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new DomainError(
      'REQUEST_UNREADABLE',
      `${path} cannot be read: ${why}`,
      { next: 'Check the path.' },
      cause,
    );
  }
  if (size > limit) {
    throw refusal(
      'TOO_LARGE',
      `${path} is larger than ${limit / 1024} KiB.`,
      'Split it into several changes.',
    );
  }
  return buffer.subarray(0, size);
}

function decode(bytes: Uint8Array, path: string): string {
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch {
    throw refusal('REQUEST_UNREADABLE', `${path} is not UTF-8 text.`, 'Save it as UTF-8.');
  }
}

function refusal(code: ErrorCode, message: string, next: string): DomainError {
  return new DomainError(code, message, { next });
}

function unreadable(path: string, violations: LocatedViolation[]): DomainError {
  return new DomainError('REQUEST_UNREADABLE', `${path} is not readable YAML.`, {
    next: 'Correct the file and try again; nothing was changed.',
    file: path,
    violations,
  });
}
