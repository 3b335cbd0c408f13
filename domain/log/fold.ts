import type { VerifySignature } from '../evidence/dsse.ts';
import type { TrustDocument } from '../evidence/trust.ts';
import type { EntryFate, LogState } from './state.ts';

export interface Fold {
  /** The live state: changes with every `apply`. */
  readonly state: LogState;
  /** Folds the next entry, whatever its bytes are, and never throws. */
  apply(entryBytes: Uint8Array): EntryFate;
}

export function createFold(_input: {
  environment: string;
  trust: TrustDocument;
  verify: VerifySignature;
  from?: LogState;
}): Fold {
  throw new Error('not written yet');
}

export function isFrozen(_state: LogState, _zone: string): boolean {
  throw new Error('not written yet');
}
