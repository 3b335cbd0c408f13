import type { ErrorCode } from '../../domain/errors.ts';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import type { ApprovalPredicate } from '../../domain/evidence/statements.ts';

interface KnownFacts {
  /** A change that is live. */
  otherChange: string;
  /** The nonce of an approval that was accepted. */
  usedNonce: string;
}

/** Signed statements that look like an approval and are none. */
export interface BadApproval {
  rule: string;
  code: ErrorCode;
  /** What it says instead. */
  says?: (known: KnownFacts) => Partial<ApprovalPredicate>;
  /** Whose key signs. */
  key?: string;
  /** What the entry says that the answer names. Null: nobody signed it, so it is answered and not recorded. */
  entry?: string | null;
}

export const inMinutes = (minutes: number): string => new Date(Date.now() + minutes * 60_000).toISOString();

export const BAD_APPROVALS: Readonly<Record<string, BadApproval>> = {
  expired: {
    rule: 'not-expired',
    code: 'APPROVAL_EXPIRED',
    says: () => ({ issuedAt: inMinutes(-10), expiresAt: inMinutes(-5) }),
  },
  'of a life too long': {
    rule: 'lifetime',
    code: 'NOT_PERMITTED',
    says: () => ({ expiresAt: inMinutes(60) }),
  },
  'from the future': {
    rule: 'not-from-the-future',
    code: 'NOT_PERMITTED',
    says: () => ({ issuedAt: inMinutes(5), expiresAt: inMinutes(10) }),
  },
  'over another plan': {
    rule: 'same-plan',
    code: 'STALE_BASE',
    says: () => ({ planDigest: digestOf('another') }),
  },
  'of another change': {
    rule: 'audience',
    code: 'NOT_PERMITTED',
    says: ({ otherChange }) => ({ changeId: otherChange }),
  },
  'for another environment': {
    rule: 'audience',
    code: 'NOT_PERMITTED',
    says: () => ({ environment: 'production' }),
  },
  'with a nonce that was used': {
    rule: 'single-use',
    code: 'NONCE_REPLAYED',
    says: ({ usedNonce }) => ({ nonce: usedNonce }),
  },
  'by its author': {
    rule: 'not-the-author',
    code: 'NOT_PERMITTED',
    says: () => ({ approver: 'alice' }),
    key: 'alice',
  },
  'by nobody who is known': {
    rule: 'approver-role',
    code: 'NOT_PERMITTED',
    says: () => ({ approver: 'dave' }),
  },
  'by a name of 768 bytes': {
    rule: 'approver-role',
    code: 'NOT_PERMITTED',
    says: () => ({ approver: '漢'.repeat(256) }),
  },
  'signed by another person': { rule: 'own-key', code: 'SIGNATURE_INVALID', key: 'bob' },
  'signed by a stranger': {
    rule: 'signature-invalid',
    code: 'SIGNATURE_INVALID',
    key: 'mallory',
    entry: null,
  },
};
