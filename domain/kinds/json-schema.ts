import { Ajv2020, type ErrorObject, type ValidateFunction } from 'ajv/dist/2020.js';
import { isJsonObject, type JsonObject, membersOf, pointerSegments } from './json-pointer.ts';

/** What is wrong with a value, or with a schema, at a JSON Pointer into it. Never quotes the value. */
export interface SchemaFault {
  pointer: string;
  rule: 'matches-schema' | 'required-present' | 'required-not-blank';
  message: string;
}

export interface CompiledSchema {
  faultsOf(value: unknown): SchemaFault[];
}

const DRAFT = 'https://json-schema.org/draft/2020-12/schema';

/** Knows the draft's own schema; user schemas are only ever data to it, so it does not grow. */
const META = new Ajv2020({ allErrors: true, logger: false });

/**
 * Compiles a JSON Schema 2020-12 with Ajv in strict mode, where a misspelt keyword is an error and not a rule that
 * nobody enforces. `format` is an annotation, as the draft has it. Returns every problem of a schema that is none.
 */
export function compileSchema(schema: JsonObject): CompiledSchema | { problems: SchemaFault[] } {
  const problem = (message: string, pointer = ''): SchemaFault => ({
    pointer,
    rule: 'matches-schema',
    message,
  });
  if (schema.$schema !== undefined && schema.$schema !== DRAFT) {
    return { problems: [problem(`is of another draft; only ${DRAFT} is read`, '/$schema')] };
  }
  // Ajv's own extension: such a schema answers with a promise.
  if ('$async' in schema) return { problems: [problem('is no keyword of JSON Schema', '/$async')] };
  if (META.validateSchema(schema) !== true) return { problems: (META.errors ?? []).map(faultOf) };
  try {
    const ajv = new Ajv2020({
      allErrors: true,
      strict: true,
      strictTypes: false,
      strictRequired: false,
      strictTuples: false,
      // A property may be named and match a pattern too (JSON Schema 2020-12, Core §10.3.2): both apply.
      allowMatchingProperties: true,
      validateFormats: false,
      validateSchema: false,
      logger: false,
    });
    const validate = ajv.compile(schema);
    return {
      faultsOf: (value) => [
        ...validationFaults(validate, value),
        ...blankRequired(schema, schema, value, '', 0),
      ],
    };
  } catch (error) {
    return { problems: [problem(messageOf(error))] };
  }
}

function validationFaults(validate: ValidateFunction, value: unknown): SchemaFault[] {
  try {
    return validate(value) ? [] : (validate.errors ?? []).map(faultOf);
  } catch (error) {
    // Besides an endless schema: a key `valueOf` where Ajv compares objects. What cannot be judged does not pass.
    return [{ pointer: '', rule: 'matches-schema', message: `cannot be judged: ${messageOf(error)}` }];
  }
}

/** The stack is all that ends a schema whose `$ref`s lead round in a circle. */
function messageOf(error: unknown): string {
  if (error instanceof RangeError) return 'the schema refers to itself without end';
  return error instanceof Error ? error.message : String(error);
}

function faultOf({ keyword, instancePath, message, params }: ErrorObject): SchemaFault {
  const extra: unknown = params.additionalProperty ?? params.unevaluatedProperty ?? params.propertyName;
  const allowed: unknown = params.allowedValues ?? params.allowedValue;
  const detail = [
    ...(extra === undefined ? [] : [`: ${String(extra)}`]),
    ...(allowed === undefined ? [] : [`: ${JSON.stringify(allowed)}`]),
  ].join('');
  const rule = keyword === 'required' ? 'required-present' : 'matches-schema';
  return { pointer: instancePath, rule, message: `${message ?? `breaks "${keyword}"`}${detail}` };
}

/** Far above the nesting of schemas that people write; ends a `$ref` that leads round in a circle. */
const MAX_STEPS_IN_PLACE = 64;

/**
 * A field that a schema requires is there to say something. An empty value passes a schema's `required` and was what
 * took down a whole control plane in June 2025, when a policy with blank fields met code that read them. Follows
 * properties, items, `allOf` and local `$ref`; of `anyOf` and the like nobody can tell which branch was meant.
 */
function blankRequired(
  schema: unknown,
  root: JsonObject,
  value: unknown,
  pointer: string,
  stepsInPlace: number,
): SchemaFault[] {
  if (!isJsonObject(schema) || stepsInPlace > MAX_STEPS_IN_PLACE) return [];
  const required: unknown[] = Array.isArray(schema.required) ? schema.required : [];
  const inPlace = [
    ...(Array.isArray(schema.allOf) ? (schema.allOf as unknown[]) : []),
    ...(typeof schema.$ref === 'string' ? [definitionOf(root, schema.$ref)] : []),
  ];
  return [
    ...(isJsonObject(value) ? membersOf(value, pointer) : [])
      .filter((member) => required.includes(member.key) && isBlank(member.value))
      .map(
        (member): SchemaFault => ({
          pointer: member.pointer,
          rule: 'required-not-blank',
          message: 'is required and must not be blank, empty or null',
        }),
      ),
    ...inPlace.flatMap((one) => blankRequired(one, root, value, pointer, stepsInPlace + 1)),
    ...membersOf(value, pointer).flatMap((member, i) =>
      blankRequired(schemaOfMember(schema, value, member.key, i), root, member.value, member.pointer, 0),
    ),
  ];
}

function isBlank(value: unknown): boolean {
  if (value === null) return true;
  if (typeof value === 'string') return value.trim() === '';
  return typeof value === 'object' && Object.keys(value).length === 0;
}

function schemaOfMember(schema: JsonObject, value: unknown, key: string, position: number): unknown {
  if (Array.isArray(value)) {
    const first: unknown[] = Array.isArray(schema.prefixItems) ? schema.prefixItems : [];
    return position < first.length ? first[position] : schema.items;
  }
  const { properties } = schema;
  if (isJsonObject(properties) && Object.hasOwn(properties, key)) return properties[key];
  return schema.additionalProperties;
}

/** `#`, or a JSON Pointer behind it; undefined for what leads nowhere, which Ajv reports. */
function definitionOf(root: JsonObject, reference: string): unknown {
  if (!reference.startsWith('#')) return undefined;
  return pointerSegments(reference).reduce<unknown>(
    (node, key) => membersOf(node, '').find((member) => member.key === key)?.value,
    root,
  );
}
