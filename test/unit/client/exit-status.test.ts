import { CommanderError } from 'commander';
import { describe, expect, it } from 'vitest';
import { errorJson, errorOfEnded, exitStatusOf } from '../../../client/cli/exit-status.ts';
import { DomainError, type ErrorCode, type Violation } from '../../../domain/errors.ts';
import { aStatus } from './a-status.ts';

const because = (code: ErrorCode): Violation => ({ code, rule: 'r', message: 'm', remedy: 'do' });

describe('exit statuses', () => {
  it.each([
    ['SCHEMA_INVALID', 3],
    ['SIGNATURE_INVALID', 4],
    ['STALE_BASE', 5],
    ['FROZEN', 6],
    ['APPROVAL_REJECTED', 7],
    ['CANARY_REGRESSED', 8],
    ['ENGINE_UNAVAILABLE', 9],
    ['ROLLBACK_INCOMPLETE', 10],
    ['LOG_FORKED', 11],
  ] as const)('%s is %i', (code, status) => {
    expect(exitStatusOf(new DomainError(code, 'x'))).toBe(status);
  });

  it('are 0 for help, 2 for wrong usage and 1 for a bug', () => {
    expect(exitStatusOf(new CommanderError(0, 'commander.helpDisplayed', ''))).toBe(0);
    expect(exitStatusOf(new CommanderError(1, 'commander.unknownOption', ''))).toBe(2);
    expect(exitStatusOf(new TypeError('x'))).toBe(1);
  });

  it.each([
    ['committed', [], null],
    ['approval', [], undefined],
    ['rejected', ['STALE_BASE', 'CYCLE'], 5],
    ['rejected', ['APPROVAL_REJECTED'], 7],
    ['rejected', ['ABORTED'], 7],
    ['rejected', [], 7],
    ['rolled-back', ['CANARY_REGRESSED'], 8],
    ['rolled-back', [], 8],
    ['rolled-back', ['VERIFY_MISMATCH', 'ABORTED'], 7],
  ] as const)('of a change that is %s for %j: %s', (phase, codes, expected) => {
    const error = errorOfEnded(aStatus({ phase, violations: codes.map(because) }));
    expect(error instanceof DomainError ? exitStatusOf(error) : error).toBe(expected);
  });
});

describe('errors as JSON', () => {
  it('hold code, kind, message, next and violations, always', () => {
    const violations = [because('CYCLE')];
    expect(errorJson(new DomainError('CYCLE', 'm', { next: 'n', violations }))).toEqual({
      error: { code: 'CYCLE', kind: 'invalid', message: 'm', next: 'n', violations },
    });
    expect(errorJson(new DomainError('CYCLE', 'm')).error).toMatchObject({ next: null, violations: [] });
    expect(errorJson(new TypeError('m')).error).toMatchObject({ code: 'BUG', kind: 'bug', message: 'm' });
    expect(errorJson(new CommanderError(1, 'c', 'm')).error).toMatchObject({ code: 'USAGE', kind: 'usage' });
  });
});
