import { DomainError } from '../domain/errors.ts';

export function unknownChange(changeId: string): DomainError {
  return new DomainError('NOT_FOUND', `The log knows no change ${changeId}.`, {
    next: 'See `resilience-ctl status` for the changes that it knows.',
  });
}

export function alreadyEnded(changeId: string, ended: { status: string; index: number }): DomainError {
  return new DomainError(
    'ALREADY_ENDED',
    `Change ${changeId} ended as ${ended.status} at entry ${ended.index}.`,
    {
      next: `See \`resilience-ctl history ${changeId}\`; submit a new change to go on.`,
    },
  );
}
