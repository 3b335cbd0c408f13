import { CommanderError } from 'commander';
import { DomainError, ERROR_KINDS, type ErrorCode, type ErrorKind, errorKind } from '../../domain/errors.ts';
import type { ChangeStatus } from '../../workflows/contract.ts';
import type { LocatedViolation } from '../request-file.ts';

/** DESIGN §8: 0 is success, 1 a bug, 2 wrong usage, the rest by the kind of error. */
export function exitStatusOf(error: unknown): number {
  if (error instanceof DomainError) return ERROR_KINDS[error.kind].exitStatus;
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : 2;
  return 1;
}

/** What `--json` prints instead of an answer. Documented in docs/cli.md; stable. */
export interface ErrorJson {
  error: {
    code: ErrorCode | 'USAGE' | 'BUG';
    kind: ErrorKind | 'usage' | 'bug';
    message: string;
    next: string | null;
    violations: readonly LocatedViolation[];
  };
}

export function errorJson(error: unknown): ErrorJson {
  if (error instanceof DomainError) {
    const { code, kind, message, details } = error;
    return {
      error: { code, kind, message, next: details.next ?? null, violations: details.violations ?? [] },
    };
  }
  const message = error instanceof Error ? error.message : String(error);
  if (error instanceof CommanderError) {
    return { error: { code: 'USAGE', kind: 'usage', message, next: 'See --help.', violations: [] } };
  }
  const next = 'This is a bug: please report it with the command that you ran.';
  return { error: { code: 'BUG', kind: 'bug', message, next, violations: [] } };
}

const ENDED_WITHOUT_COMMIT = {
  rejected: { code: 'QUORUM_DENIED', message: 'was rejected; production was not changed' },
  'rolled-back': { code: 'CANARY_REGRESSED', message: 'was rolled back; the records are as before' },
} as const satisfies Partial<Record<ChangeStatus['phase'], { code: ErrorCode; message: string }>>;

/** How a change that has ended is reported: null when it is live, else the error that ended it; undefined while open. */
export function errorOfEnded(status: ChangeStatus): DomainError | null | undefined {
  if (status.phase === 'committed') return null;
  if (status.phase !== 'rejected' && status.phase !== 'rolled-back') return undefined;
  const { code, message } = ENDED_WITHOUT_COMMIT[status.phase];
  const aborted = status.violations.find((violation) => violation.code === 'ABORTED');
  // Aborted or refused, the reason's own kind says how; a rollback without an abort is always a regression.
  const reason = aborted ?? (status.phase === 'rejected' ? status.violations[0] : undefined);
  const regressed = status.violations.find((violation) => errorKind(violation.code) === 'regressed');
  return new DomainError(reason?.code ?? regressed?.code ?? code, `Change ${status.changeId} ${message}.`, {
    next: 'Correct what the reasons name, and submit it again.',
    violations: status.violations,
  });
}
