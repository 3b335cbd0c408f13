import { DomainError } from '../errors.ts';
import { type Digest, digestOf } from './canonical-json.ts';
import type { StatementType } from './statements.ts';

/**
 * Fields that grow with the batch, or with what somebody else signed. AWS KMS signs at most 4096 bytes (`Sign`,
 * `Message`), which a commit of ten documents exceeds, and a trust document nearly always. So the signed payload has the
 * digest of such a field in its place, and the field itself stands beside it in the envelope. The signature covers it
 * through the digest; an entry holds about 180 moves.
 */
const DETACHED: { [T in StatementType]?: readonly string[] } = {
  acceptance: ['approval', 'mfa'],
  commit: ['moves'],
  override: ['moves', 'records'],
  'override-commit': ['override', 'factors'],
  'override-intent': ['override', 'factors', 'resources'],
  plan: ['resources'],
  ruling: ['command'],
  trust: ['document'],
};

type Fields = Record<string, unknown>;

/** The predicate as it is signed, and the parts that travel beside it; undefined when there are none. */
export function detach(type: StatementType, predicate: object): { signed: object; parts?: Fields } {
  const fields = presentIn(type, predicate);
  if (fields.length === 0) return { signed: predicate };
  const parts = Object.fromEntries(fields.map((field) => [field, (predicate as Fields)[field]]));
  const digests = Object.fromEntries(fields.map((field) => [field, digestOf(parts[field])]));
  return { signed: { ...predicate, ...digests }, parts };
}

/** The whole predicate again. Throws `ENTRY_MALFORMED` for a part that is missing, too many or not the signed one. */
export function attach(type: StatementType, signed: unknown, parts: Fields | undefined): unknown {
  const fields = typeof signed === 'object' && signed !== null ? presentIn(type, signed) : [];
  if (fields.length === 0) {
    if (parts !== undefined) throw malformed(`This ${type} statement has no parts beside it.`);
    return signed;
  }
  if (
    Object.keys(parts ?? {})
      .sort()
      .join() !== fields.toSorted().join()
  ) {
    throw malformed(`This ${type} statement has its ${fields.join(' and ')} beside it, and nothing else.`);
  }
  for (const field of fields) {
    if (digestOf(parts?.[field]) !== ((signed as Fields)[field] as Digest)) {
      throw malformed(`Its ${field} are not those that were signed for.`);
    }
  }
  return { ...(signed as Fields), ...parts };
}

function presentIn(type: StatementType, predicate: object): readonly string[] {
  return (DETACHED[type] ?? []).filter((field) => Object.hasOwn(predicate, field));
}

function malformed(why: string): DomainError {
  return new DomainError('ENTRY_MALFORMED', why, { next: 'Sign the canonical statement again.' });
}
