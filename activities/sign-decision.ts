import type { Envelope } from '../domain/evidence/dsse.ts';
import { signStatement } from '../domain/evidence/statement-codec.ts';
import type { MadeBy, Predicates, StatementType } from '../domain/evidence/statements.ts';
import type { CommonPorts } from './role-ports.ts';

/** Statements that say which program decided. */
export type Decision = {
  [T in StatementType]: 'madeBy' extends keyof Predicates[T] ? T : never;
}[StatementType];

/** Signs what this role decided, with the build, the rules and the run that it decided by. Throws as `signStatement`. */
export function signDecision<T extends Decision>(
  { signer, madeBy }: Pick<CommonPorts, 'signer' | 'madeBy'>,
  type: T,
  predicate: Predicates[T],
): Promise<Envelope> {
  const made: Predicates[T] & { madeBy?: MadeBy } = { ...predicate, madeBy: madeBy() };
  return signStatement(signer, type, made);
}
