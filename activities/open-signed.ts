import { DomainError, type Violation, violationsOf } from '../domain/errors.ts';
import type { Envelope, VerifySignature } from '../domain/evidence/dsse.ts';
import { openEnvelope, verifiedKeyIds } from '../domain/evidence/statement-codec.ts';
import type { Predicates, StatementType } from '../domain/evidence/statements.ts';
import type { VerifyEd25519 } from '../domain/log/signed-note.ts';

export interface SignedByPerson {
  verify: VerifyEd25519;
}

/** A statement that came from outside, and the keys that did sign it; or why it is nothing, for whoever sent it. */
export function openSigned<T extends StatementType>(
  envelope: Envelope,
  type: T,
  verify: VerifySignature,
): { predicate: Predicates[T]; keyIds: string[] } | { violations: readonly Violation[] } {
  try {
    const opened = openEnvelope(envelope);
    if (opened.type !== type) {
      throw new DomainError('NOT_PERMITTED', `A ${opened.type} statement is no ${type}.`, {
        next: `Sign a statement of type ${type}.`,
      });
    }
    const keyIds = verifiedKeyIds(opened, verify);
    if (keyIds.length === 0) {
      throw new DomainError('SIGNATURE_INVALID', `No key of the trust document signed this ${type}.`, {
        next: 'Sign it with a key that is enrolled in this environment.',
      });
    }
    return { predicate: opened.predicate as Predicates[T], keyIds };
  } catch (error) {
    if (error instanceof DomainError) return { violations: violationsOf(error) };
    throw error;
  }
}
