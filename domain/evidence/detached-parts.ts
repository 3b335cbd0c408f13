import { DomainError } from '../errors.ts';
import { type Digest, digestOf } from './canonical-json.ts';
import type { StatementType } from './statements.ts';

/**
 * Fields that grow with the batch, or with what somebody else signed. AWS KMS signs at most 4096 bytes (`Sign`, `Message`), which a commit of ten
 * documents exceeds, so the signed payload has the digest of such a field in its place and the field itself stands
 * beside it in the envelope. The signature covers it through the digest; an entry holds about 180 moves.
 */
const DETACHED: { [T in StatementType]?: string } = {
  acceptance: 'approval',
  commit: 'moves',
  plan: 'resources',
  ruling: 'command',
};

type Fields = Record<string, unknown>;

/** The predicate as it is signed, and the parts that travel beside it; undefined when there are none. */
export function detach(type: StatementType, predicate: object): { signed: object; parts?: Fields } {
  const field = DETACHED[type];
  if (field === undefined) return { signed: predicate };
  const part = (predicate as Fields)[field];
  return { signed: { ...predicate, [field]: digestOf(part) }, parts: { [field]: part } };
}

/** The whole predicate again. Throws `ENTRY_MALFORMED` for a part that is missing, too many or not the signed one. */
export function attach(type: StatementType, signed: unknown, parts: Fields | undefined): unknown {
  const field = DETACHED[type];
  const given = Object.keys(parts ?? {});
  if (field === undefined) {
    if (parts !== undefined) throw malformed(`A ${type} statement has no parts beside it.`);
    return signed;
  }
  if (given.length !== 1 || given[0] !== field) {
    throw malformed(`A ${type} statement has its ${field} beside it, and nothing else.`);
  }
  if (typeof signed !== 'object' || signed === null) return signed;
  const part = parts?.[field];
  const expected = (signed as Fields)[field] as Digest;
  if (digestOf(part) !== expected) throw malformed(`Its ${field} are not those that were signed for.`);
  return { ...signed, [field]: part };
}

function malformed(why: string): DomainError {
  return new DomainError('ENTRY_MALFORMED', why, { next: 'Sign the canonical statement again.' });
}
