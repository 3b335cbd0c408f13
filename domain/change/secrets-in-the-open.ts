import type { Violation } from '../errors.ts';
import { secretLiterals } from '../kinds/secrets.ts';
import { jsonPathAt } from './json-path.ts';
import type { ChangeRequest } from './request.ts';

/**
 * Every place of a request that holds what looks like a secret. Part of reading a request, so that one is refused
 * before it is signed, stored or shown to anybody: a log that forgets nothing must not learn it.
 */
export function secretsInTheOpen({ spec }: ChangeRequest): Violation[] {
  return spec.operations.flatMap((operation, position) =>
    'set' in operation
      ? secretLiterals(operation.body).map(
          ({ pointer, rule, message }): Violation => ({
            code: 'SCHEMA_INVALID',
            rule,
            path: jsonPathAt(`spec.operations[${position}].body`, pointer),
            message: `${operation.set}${pointer === '' ? '' : ` at ${pointer}`} ${message}.`,
            remedy:
              'Keep it in a secret store, write {secretRef: its name, rotateBy: YYYY-MM-DD} here, and rotate it if anybody saw this file.',
          }),
        )
      : [],
  );
}
