import { type GovernedSchema, isChanged } from '../change/governed-document.ts';
import { jsonPathAt } from '../change/json-path.ts';
import type { Violation } from '../errors.ts';
import { compileSchema } from '../kinds/json-schema.ts';
import { narrowings } from '../kinds/schema-compatibility.ts';
import type { WouldBeDocuments } from './would-be-documents.ts';

/** Judges each schema of a plan: that it is one, and that whatever it breaks moves with it. */
export function judgeSchemas(schemas: readonly GovernedSchema[], world: WouldBeDocuments): Violation[] {
  return schemas.filter(isChanged).flatMap((schema) => {
    if (schema.after === null) return [];
    const compiled = compileSchema(schema.after);
    const problems = 'problems' in compiled ? compiled.problems : [];
    const found =
      (rule: string, remedy: string) =>
      (fault: { pointer: string; message: string }): Violation => ({
        code: 'INVARIANT_VIOLATED',
        rule,
        path: jsonPathAt(`${schema.path}.body`, fault.pointer),
        message: `${schema.resource}${fault.pointer === '' ? '' : ` at ${fault.pointer}`}: ${fault.message}.`,
        remedy,
      });
    return [
      ...problems.map(found('schema-is-one', 'Write a JSON Schema of draft 2020-12, whole in itself.')),
      ...judgeBreaking(schema, world),
    ];
  });
}

/** Whoever reads by the old promise must be brought along in the same instant. */
function judgeBreaking(
  { resource, path, before, after }: GovernedSchema,
  world: WouldBeDocuments,
): Violation[] {
  const broken = before === null ? [] : narrowings(before, after);
  if (broken.length === 0) return [];
  const left = world.configsOf(resource).filter((config) => config.path === null);
  if (left.length === 0) return [];
  const reasons = broken.map((one) => `${one.pointer || '/'} ${one.reason}`);
  const shown = [...reasons.slice(0, 5), ...(reasons.length > 5 ? [`${reasons.length - 5} more`] : [])];
  const names = left.map((config) => config.resource).join(', ');
  return [
    {
      code: 'INVARIANT_VIOLATED',
      rule: 'breaking-moves-dependents',
      path: `${path}.body`,
      message: `${resource} breaks what was valid (${shown.join('; ')}), and ${names} would stay behind.`,
      remedy: `Add operations on ${names} to this request, or keep the schema compatible.`,
    },
  ];
}
