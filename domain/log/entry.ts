import { DomainError } from '../errors.ts';
import { canonicalBytes, canonicalText, digestOf, parseCanonicalBytes } from '../evidence/canonical-json.ts';
import type { Envelope } from '../evidence/dsse.ts';
import { type OpenedStatement, openEnvelope } from '../evidence/statement-codec.ts';
import type { Predicates, Rollout, StatementType } from '../evidence/statements.ts';

/** C2SP tlog-tiles, "Log entries": an entry bundle gives each entry's length in 16 bits. */
export const MAX_ENTRY_BYTES = 65_535;

/** An entry's final bytes: the canonical JSON (RFC 8785) of its DSSE envelope. Throws `TOO_LARGE`. */
export function encodeEntry(envelope: Envelope): Uint8Array {
  const bytes = canonicalBytes(envelope);
  if (bytes.length > MAX_ENTRY_BYTES) {
    throw new DomainError(
      'TOO_LARGE',
      `The entry has ${bytes.length} bytes; a log entry has at most ${MAX_ENTRY_BYTES}.`,
      {
        next: 'Split a change into smaller ones and declare `dependsOn`; list fewer people, services or zones in a trust document.',
      },
    );
  }
  return bytes;
}

/** Throws `ENTRY_MALFORMED`. Verifies no signature. */
export function decodeEntry(bytes: Uint8Array): OpenedStatement {
  if (bytes.length > MAX_ENTRY_BYTES) {
    throw new DomainError(
      'ENTRY_MALFORMED',
      `The entry has ${bytes.length} bytes, over ${MAX_ENTRY_BYTES}.`,
      {
        next: 'Find out who appended it.',
      },
    );
  }
  return openEnvelope(parseCanonicalBytes(bytes));
}

/** A statement as far as the state keeps it: without the statements inside an acceptance. */
export type Keyed = {
  [T in StatementType]: Omit<Predicates[T], 'approval' | 'mfa' | 'command' | 'override' | 'factors'>;
};

/** As `decodeEntry`; bytes that cannot be read are the reason why not. */
export function readEntry(bytes: Uint8Array): OpenedStatement | string {
  try {
    return decodeEntry(bytes);
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

/**
 * The idempotency key (DESIGN G2): two honoured entries never have the same, whoever retried. Times of signing are
 * not part of it, so that a second attempt is recognised.
 */
export function entryKey<T extends StatementType>(type: T, predicate: Keyed[T]): string {
  return canonicalText([type, ...KEY_PARTS[type](predicate)]);
}

/** Whether a commit takes its canary arm back (see `CommitPredicate`). */
export function isWithdrawal({ percent, zones }: Rollout): boolean {
  return percent === 0 && zones.length === 0;
}

const KEY_PARTS: { [T in StatementType]: (about: Keyed[T]) => (string | number | null)[] } = {
  trust: (about) => [digestOf(about.document)],
  request: (about) => [about.changeId],
  plan: (about) => [about.changeId, about.planDigest],
  vote: (about) => [about.changeId, about.planDigest, about.voter, about.round],
  approval: (about) => [about.changeId, about.nonce],
  mfa: (about) => [about.changeId, about.nonce, about.person],
  // Another's decision with the same nonce is an attempt of its own, which is recorded as refused.
  acceptance: ({ changeId, nonce, approver, planDigest, decision }) => [
    changeId,
    nonce,
    approver,
    planDigest,
    decision,
  ],
  command: (about) => [about.changeId, about.nonce],
  ruling: ({ changeId, nonce, person, action }) => [changeId, nonce, person, action],
  'stage-verdict': (about) => [
    about.changeId,
    about.planDigest,
    about.stage,
    about.intentIndex,
    about.bakeStartedAt,
  ],
  intent: (about) => [about.changeId, about.planDigest, about.stage, 'forward', about.expectedFence],
  // A rollback that did not land is tried again, so its result is part of the key; a forward effect that did not
  // land never can, because the fence that it expected is gone.
  outcome: (about) => [
    about.changeId,
    about.intentIndex,
    about.direction,
    ...(about.direction === 'rollback' ? [about.result] : []),
  ],
  // An exposure and its withdrawal may have the same stage.
  commit: ({ changeId, rollout }) =>
    rollout === null
      ? [changeId]
      : [changeId, rollout.stage, isWithdrawal(rollout) ? 'withdrawn' : 'exposed'],
  version: (about) => [about.resource, about.digest],
  end: (about) => [about.changeId],
  freeze: (about) => [about.nonce],
  fence: (about) => [about.zone, about.expectedFence, about.cause.index],
  recovery: (about) => [about.nonce],
  override: (about) => [about.changeId, about.nonce],
  'override-intent': (about) => [about.changeId],
  'override-outcome': (about) => [about.changeId],
  'override-commit': (about) => [about.changeId],
  review: (about) => [about.changeId],
  resumption: (about) => [about.freezeIndex, about.az, about.verdict],
  'factor-lock': (about) => [about.person, about.until],
  snapshot: (about) => [about.size],
};
