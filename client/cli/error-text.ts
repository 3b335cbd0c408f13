import { DomainError } from '../../domain/errors.ts';
import type { LocatedViolation } from '../request-file.ts';
import { errorJson } from './exit-status.ts';
import type { Style } from './style.ts';

/** Each reason with its place, its rule and its remedy. `file` names the request that the places are in. */
export function violationsText(violations: readonly LocatedViolation[], style: Style, file?: string): string {
  return violations.map((violation) => violationText(violation, style, file)).join('');
}

function violationText(
  { position, path, rule, message, remedy }: LocatedViolation,
  style: Style,
  file?: string,
): string {
  const place =
    file !== undefined && position ? `${file}:${position.line}:${position.column}` : (path ?? null);
  const head = place === null ? '' : `${style('bold', place)}  `;
  return `  ${style('red', '✗')} ${head}${style('yellow', rule)}  ${message}\n      → ${remedy}\n`;
}

/** What failed, why, and what to do next. */
export function errorText(error: unknown, style: Style): string {
  const { code, message, next, violations } = errorJson(error).error;
  const lines = [`${style('red', 'error')} ${message} ${style('dim', `[${code}]`)}\n`];
  lines.push(violationsText(violations, style, fileOf(error)));
  // A single reason's remedy often is all that is to be done.
  if (next !== null && !violations.some(({ remedy }) => remedy === next))
    lines.push(`${style('bold', 'next')}  ${next}\n`);
  if (code === 'BUG' && error instanceof Error && error.stack) lines.push(`${style('dim', error.stack)}\n`);
  return lines.join('');
}

/** The request file that an error's places are in. */
function fileOf(error: unknown): string | undefined {
  const file = error instanceof DomainError ? error.details.file : undefined;
  return typeof file === 'string' ? file : undefined;
}
