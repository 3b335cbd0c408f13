import { describe, expect, it } from 'vitest';
import {
  DomainError,
  ERROR_KINDS,
  type ErrorCode,
  type ErrorKind,
  errorKind,
  isErrorCode,
  PortError,
  violationsOf,
} from '../../domain/errors.ts';

/** DESIGN §8, by hand. */
const KINDS: [ErrorKind, number, number, boolean][] = [
  ['invalid', 3, 422, false],
  ['forbidden', 4, 403, false],
  ['conflict', 5, 409, false],
  ['unsafe', 6, 428, false],
  ['denied', 7, 403, false],
  ['regressed', 8, 409, false],
  ['unavailable', 9, 503, true],
  ['stuck', 10, 500, false],
  ['integrity', 11, 500, false],
];

/** A record, so that a code without an exit status here does not compile. */
const EXIT_STATUSES: Record<ErrorCode, number> = {
  REQUEST_UNREADABLE: 3,
  SCHEMA_INVALID: 3,
  INVARIANT_VIOLATED: 3,
  CYCLE: 3,
  TOO_LARGE: 3,
  NOT_FOUND: 3,
  SIGNATURE_INVALID: 4,
  NONCE_REPLAYED: 4,
  NOT_PERMITTED: 4,
  BUNDLE_INCOMPLETE: 4,
  STALE_BASE: 5,
  STALE_FENCE: 5,
  DEPENDENCY_MISSING: 5,
  RESERVED: 5,
  ALREADY_ENDED: 5,
  FROZEN: 6,
  RISK_TOO_HIGH: 6,
  TRUST_EXPIRED: 6,
  APPROVAL_REJECTED: 7,
  APPROVAL_EXPIRED: 7,
  QUORUM_DENIED: 7,
  ABORTED: 7,
  CANARY_REGRESSED: 8,
  VERIFY_MISMATCH: 8,
  QUORUM_LOST: 9,
  STORE_UNAVAILABLE: 9,
  DNS_UNAVAILABLE: 9,
  SIGNER_UNAVAILABLE: 9,
  WITNESS_UNAVAILABLE: 9,
  ENGINE_UNAVAILABLE: 9,
  FACTOR_VERIFIER_UNAVAILABLE: 9,
  THROTTLED: 9,
  STACK_NOT_RUNNING: 9,
  ROLLBACK_INCOMPLETE: 10,
  LOG_FORKED: 11,
  DIGEST_MISMATCH: 11,
  ENTRY_MALFORMED: 11,
};

describe('error codes', () => {
  it.each(KINDS)('%s: exit %i, HTTP %i', (kind, exitStatus, httpStatus, retryable) => {
    expect(ERROR_KINDS[kind]).toEqual({ exitStatus, httpStatus, retryable });
  });

  it.each(Object.entries(EXIT_STATUSES))('%s: exit %i', (code, exitStatus) => {
    expect(isErrorCode(code) && ERROR_KINDS[errorKind(code)].exitStatus).toBe(exitStatus);
  });

  it('covers every kind', () => {
    expect(KINDS.map(([kind]) => kind).sort()).toEqual(Object.keys(ERROR_KINDS).sort());
  });

  it('knows no other names', () => {
    expect(['toString', 'constructor', ''].filter(isErrorCode)).toEqual([]);
  });
});

describe('violationsOf', () => {
  it('gives the violations that an error carries', () => {
    const violation = { code: 'CYCLE', rule: 'no-cycle', message: 'a → a', remedy: 'cut' } as const;
    expect(violationsOf(new DomainError('SCHEMA_INVALID', 'bad', { violations: [violation] }))).toEqual([
      violation,
    ]);
  });

  it('gives the error itself as one violation', () => {
    const cause = new Error('socket closed');
    const error = new PortError('STORE_UNAVAILABLE', 'The log is down.', { next: 'Wait.' }, cause);
    expect(violationsOf(error)).toEqual([
      { code: 'STORE_UNAVAILABLE', rule: 'store-unavailable', message: 'The log is down.', remedy: 'Wait.' },
    ]);
    expect(error).toMatchObject({ name: 'PortError', kind: 'unavailable', cause });
  });
});
