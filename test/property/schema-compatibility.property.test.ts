import fc from 'fast-check';
import { expect, it } from 'vitest';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import { isJsonObject, type JsonObject } from '../../domain/kinds/json-pointer.ts';
import { compileSchema } from '../../domain/kinds/json-schema.ts';
import { narrowings } from '../../domain/kinds/schema-compatibility.ts';

const NAMES = ['a', 'b'];
const small = fc.nat(3);
const scalar = fc.constantFrom<unknown>(null, true, 0, 1, 1.5, 2, '', 'a', 'ab', 'abc');

/** Each is there in a third of the schemas: a schema with everything changes in too many places at once. */
const perhaps = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 2 }, { arbitrary, weight: 1 });
const rarely = <T>(arbitrary: fc.Arbitrary<T>) =>
  fc.oneof({ arbitrary: fc.constant(undefined), weight: 19 }, { arbitrary, weight: 1 });

const { schema, object } = fc.letrec<{ schema: unknown; object: JsonObject }>((tie) => ({
  schema: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<unknown>({}, true, false, { type: 'string' }),
    tie('object'),
  ),
  object: fc
    .record({
      type: perhaps(
        fc.oneof(
          fc.constantFrom('object', 'array', 'string', 'integer', 'number', 'null'),
          fc.constantFrom(['string', 'null'], ['integer', 'object'], ['array', 'object', 'number']),
        ),
      ),
      enum: rarely(fc.uniqueArray(scalar, { minLength: 1, maxLength: 3 })),
      const: rarely(scalar),
      minimum: perhaps(small),
      exclusiveMaximum: perhaps(small),
      minLength: perhaps(small),
      maxLength: perhaps(small),
      maxItems: perhaps(small),
      minProperties: perhaps(small),
      pattern: rarely(fc.constantFrom('a', 'b')),
      multipleOf: rarely(fc.constantFrom(1, 2)),
      uniqueItems: rarely(fc.boolean()),
      required: perhaps(fc.uniqueArray(fc.constantFrom(...NAMES), { maxLength: 2 })),
      properties: perhaps(fc.dictionary(fc.constantFrom(...NAMES), tie('schema'), { maxKeys: 2 })),
      additionalProperties: perhaps(tie('schema')),
      items: perhaps(tie('schema')),
      not: rarely(tie('schema')),
      anyOf: rarely(fc.array(tie('schema'), { minLength: 1, maxLength: 2 })),
      prefixItems: rarely(fc.array(tie('schema'), { minLength: 1, maxLength: 1 })),
      patternProperties: rarely(fc.dictionary(fc.constantFrom('a', 'c'), tie('schema'), { maxKeys: 1 })),
      unevaluatedProperties: rarely(tie('schema')),
    })
    .map((one) => Object.fromEntries(Object.entries(one).filter(([, keyword]) => keyword !== undefined))),
}));

const { value } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    scalar,
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'b', 'c'), tie('value'), { maxKeys: 3, noNullPrototype: true }),
  ),
}));

interface Mutation {
  keyword: number;
  does: 'drop' | 'take' | 'raise' | 'lower' | 'inside';
}
const mutation: fc.Arbitrary<Mutation> = fc.record({
  keyword: fc.nat(20),
  does: fc.constantFrom('drop', 'take', 'raise', 'lower', 'inside'),
});

/** One place of a schema changed, with a part of another where one is needed. */
function mutate(before: JsonObject, other: JsonObject, { keyword, does }: Mutation): JsonObject {
  const pick = (keys: string[]) => keys[keyword % Math.max(keys.length, 1)] ?? 'title';
  const name = pick(Object.keys(before));
  const { [name]: value, ...rest } = before;
  switch (does) {
    case 'drop':
      return rest;
    case 'take': {
      const taken = pick(Object.keys(other));
      return { ...before, ...(taken in other ? { [taken]: other[taken] } : {}) };
    }
    case 'raise':
    case 'lower':
      if (typeof value !== 'number' || name === 'multipleOf') return before;
      return { ...rest, [name]: Math.max(0, value + (does === 'raise' ? 1 : -1)) };
    case 'inside': {
      if (name === 'properties' && isJsonObject(value)) {
        return {
          ...rest,
          properties: {
            ...value,
            a: isJsonObject(value.a) ? mutate(value.a, other, { keyword: keyword + 1, does: 'drop' }) : other,
          },
        };
      }
      if (!['items', 'additionalProperties'].includes(name) || !isJsonObject(value)) return before;
      return { ...rest, [name]: mutate(value, other, { keyword: keyword + 1, does: 'drop' }) };
    }
  }
}

function valid(one: JsonObject, candidate: unknown): boolean {
  const compiled = compileSchema(one);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.faultsOf(candidate).every((fault) => fault.rule === 'required-not-blank');
}

it('what a compatible schema refuses, the old one refused', () => {
  let changedAndCompatible = 0;
  fc.assert(
    fc.property(
      object,
      object,
      mutation,
      fc.array(value, { minLength: 8, maxLength: 8 }),
      (before, other, change, values) => {
        const after = mutate(before, other, change);
        if (digestOf(before) === digestOf(after) || narrowings(before, after).length > 0) return;
        changedAndCompatible += 1;
        for (const one of values) {
          if (valid(before, one)) expect([one, valid(after, one)]).toEqual([one, true]);
        }
      },
    ),
    { numRuns: 800 },
  );
  expect(changedAndCompatible).toBeGreaterThan(100);
});

it('a schema is compatible with itself', () => {
  fc.assert(
    fc.property(schema, (one) => {
      expect(narrowings(one, one)).toEqual([]);
    }),
  );
});
