import { DomainError, type ErrorCode } from '../domain/errors.ts';
import type { EntryFate } from '../domain/log/state.ts';

/** Under which code an entry of ours does not count. */
export function codeOf(fate: Extract<EntryFate, { fate: 'void' | 'inert' }>): ErrorCode {
  return fate.fate === 'void' ? fate.code : 'NOT_PERMITTED';
}

/** The index at which an entry of ours counts; an error when it does not. */
export function indexOfFate(fate: EntryFate | undefined): number {
  switch (fate?.fate) {
    case 'honoured':
      return fate.index;
    case 'duplicate':
      return fate.firstIndex;
    case 'void':
      throw new DomainError(codeOf(fate), `Entry ${fate.index} does not count: ${fate.reason}`, {
        next: 'See what the log says about the change that came first.',
      });
    case 'inert':
      throw new DomainError(codeOf(fate), `Entry ${fate.index} is inert: ${fate.reason}`, {
        next: "Check that this role's key is in the trust document with this role.",
      });
    case undefined:
      throw new DomainError('STORE_UNAVAILABLE', 'The log answered without a fate.', { next: 'Try again.' });
  }
}
