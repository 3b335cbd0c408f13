/**
 * The closed set of ways in which this product fails, and their one exhaustive map to the outside
 * (Temporal failure, HTTP problem, exit status). An error says what failed, why, and what to do next.
 */

export type ErrorKind =
  | 'invalid'
  | 'forbidden'
  | 'conflict'
  | 'unsafe'
  | 'denied'
  | 'regressed'
  | 'unavailable'
  | 'stuck'
  | 'integrity';

/** Every code belongs to exactly one kind; adding one here is the only way to make one. */
const KIND_OF_CODE = {
  REQUEST_UNREADABLE: 'invalid',
  SCHEMA_INVALID: 'invalid',
  INVARIANT_VIOLATED: 'invalid',
  CYCLE: 'invalid',
  TOO_LARGE: 'invalid',
  NOT_FOUND: 'invalid',
  SIGNATURE_INVALID: 'forbidden',
  NONCE_REPLAYED: 'forbidden',
  NOT_PERMITTED: 'forbidden',
  BUNDLE_INCOMPLETE: 'forbidden',
  STALE_BASE: 'conflict',
  STALE_FENCE: 'conflict',
  DEPENDENCY_MISSING: 'conflict',
  RESERVED: 'conflict',
  ALREADY_ENDED: 'conflict',
  FROZEN: 'unsafe',
  RISK_TOO_HIGH: 'unsafe',
  TRUST_EXPIRED: 'unsafe',
  APPROVAL_REJECTED: 'denied',
  APPROVAL_EXPIRED: 'denied',
  QUORUM_DENIED: 'denied',
  ABORTED: 'denied',
  CANARY_REGRESSED: 'regressed',
  VERIFY_MISMATCH: 'regressed',
  QUORUM_LOST: 'unavailable',
  STORE_UNAVAILABLE: 'unavailable',
  DNS_UNAVAILABLE: 'unavailable',
  SIGNER_UNAVAILABLE: 'unavailable',
  WITNESS_UNAVAILABLE: 'unavailable',
  ENGINE_UNAVAILABLE: 'unavailable',
  FACTOR_VERIFIER_UNAVAILABLE: 'unavailable',
  THROTTLED: 'unavailable',
  STACK_NOT_RUNNING: 'unavailable',
  ROLLBACK_INCOMPLETE: 'stuck',
  LOG_FORKED: 'integrity',
  DIGEST_MISMATCH: 'integrity',
  ENTRY_MALFORMED: 'integrity',
} as const satisfies Record<string, ErrorKind>;

export type ErrorCode = keyof typeof KIND_OF_CODE;

export interface ErrorKindFacts {
  /** Whether trying the same call again can help. */
  retryable: boolean;
  httpStatus: number;
  exitStatus: number;
}

export const ERROR_KINDS: Record<ErrorKind, ErrorKindFacts> = {
  invalid: { retryable: false, httpStatus: 422, exitStatus: 3 },
  forbidden: { retryable: false, httpStatus: 403, exitStatus: 4 },
  conflict: { retryable: false, httpStatus: 409, exitStatus: 5 },
  unsafe: { retryable: false, httpStatus: 428, exitStatus: 6 },
  denied: { retryable: false, httpStatus: 403, exitStatus: 7 },
  regressed: { retryable: false, httpStatus: 409, exitStatus: 8 },
  unavailable: { retryable: true, httpStatus: 503, exitStatus: 9 },
  stuck: { retryable: false, httpStatus: 500, exitStatus: 10 },
  integrity: { retryable: false, httpStatus: 500, exitStatus: 11 },
};

export function isErrorCode(code: string): code is ErrorCode {
  return Object.hasOwn(KIND_OF_CODE, code);
}

export function errorKind(code: ErrorCode): ErrorKind {
  return KIND_OF_CODE[code];
}

/**
 * One reason among several. Guards and validators return all they find, never only the first.
 * `path` is a JSON path into the request file (`spec.operations[0].body.ttl`), from which the
 * command line derives line and column.
 */
export interface Violation {
  code: ErrorCode;
  /** The rule's short kebab-case name, such as `cname-alone`. */
  rule: string;
  path?: string;
  message: string;
  /** What the author can do about it. */
  remedy: string;
}

export interface ErrorDetails {
  /** What to do next, one sentence. */
  next?: string;
  violations?: readonly Violation[];
  [fact: string]: unknown;
}

/** A refusal or failure that the product itself decided on. */
export class DomainError extends Error {
  override readonly name: string = 'DomainError';
  readonly kind: ErrorKind;
  readonly code: ErrorCode;
  readonly details: ErrorDetails;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.code = code;
    this.kind = errorKind(code);
    this.details = details;
  }
}

/** A failure of something outside, translated by the adapter that met it. */
export class PortError extends DomainError {
  override readonly name = 'PortError';
}

/** The violations of an error, or the error itself as one violation. */
export function violationsOf(error: DomainError): readonly Violation[] {
  return (
    error.details.violations ?? [
      {
        code: error.code,
        rule: error.code.toLowerCase().replaceAll('_', '-'),
        message: error.message,
        remedy: error.details.next ?? 'See the message.',
      },
    ]
  );
}
