import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../domain/kinds/json-pointer.ts';
import { narrowings } from '../../../domain/kinds/schema-compatibility.ts';

const closed = (properties: JsonObject, rest: JsonObject = {}) => ({
  type: 'object',
  properties,
  additionalProperties: false,
  ...rest,
});
const A = { a: { type: 'string' } };

describe('narrowings', () => {
  it.each<[string, unknown, unknown]>([
    ['nothing', closed(A), closed(A)],
    ['annotations', closed(A), closed({ a: { type: 'string', title: 'A', default: 'x' } })],
    ['a new optional property of a closed object', closed(A), closed({ ...A, b: { type: 'string' } })],
    ['opening an object', closed(A), { type: 'object', properties: A }],
    ['removing a property that may still be there', { properties: A }, { properties: {} }],
    ['requiring less', closed(A, { required: ['a'] }), closed(A)],
    ['integer to number', { type: 'integer' }, { type: 'number' }],
    ['one more type', { type: 'string' }, { type: ['string', 'null'] }],
    ['one more value', { enum: [1] }, { enum: [2, 1] }],
    ['const to enum', { const: 1 }, { enum: [1, 2] }],
    ['a lower minimum', { minimum: 2 }, { minimum: 1 }],
    ['a higher maximum', { maxLength: 2 }, { maxLength: 3 }],
    ['a length of at least 0', {}, { minLength: 0 }],
    ['no pattern any more', { pattern: 'a' }, {}],
    ['no uniqueness any more', { uniqueItems: true }, { uniqueItems: false }],
    ['wider items', { items: { type: 'integer' } }, { items: { type: 'number' } }],
    ['everything', { type: 'string' }, true],
    ['after nothing', false, { type: 'string' }],
    ['a change beside what stays', { allOf: [{}], minimum: 2 }, { allOf: [{}], minimum: 1 }],
    [
      'a change beside local references',
      { $ref: '#/$defs/x', $defs: { x: {} }, minimum: 2 },
      { $ref: '#/$defs/x', $defs: { x: {} } },
    ],
  ])('takes as compatible: %s', (_, before, after) => expect(narrowings(before, after)).toEqual([]));

  it.each<[string, unknown, unknown, string]>([
    ['newly required', closed(A), closed(A, { required: ['a'] }), '/required'],
    ['a removed property', closed(A), closed({}), '/properties/a'],
    ['closing an object', { properties: A }, closed(A), '/type'],
    ['a new property of an open object', { properties: {} }, { properties: A }, '/properties/a'],
    ['number to integer', { type: 'number' }, { type: 'integer' }, '/type'],
    ['a type where there was none', {}, { type: 'string' }, '/type'],
    ['fewer values', { enum: [1, 2] }, { enum: [1] }, '/enum'],
    ['values where there were none', {}, { enum: [1] }, '/enum'],
    ['enum to const', { enum: [1, 2] }, { const: 1 }, '/const'],
    ['a higher minimum', { minimum: 1 }, { minimum: 2 }, '/minimum'],
    ['a new minimum', {}, { minimum: 0 }, '/minimum'],
    ['a lower maximum', { maxItems: 2 }, { maxItems: 1 }, '/maxItems'],
    ['another pattern', { pattern: 'a' }, { pattern: 'b' }, '/pattern'],
    ['uniqueness', {}, { uniqueItems: true }, '/uniqueItems'],
    ['narrower items', {}, { items: { type: 'string' } }, '/items/type'],
    [
      'a deep one',
      { properties: { a: { items: { minimum: 1 } } } },
      { properties: { a: { items: { minimum: 2 } } } },
      '/properties/a/items/minimum',
    ],
    ['what nobody compares', { anyOf: [{ minimum: 1 }] }, { anyOf: [{ minimum: 0 }] }, '/anyOf'],
    ['another definition', { $defs: { a: { minimum: 1 } } }, { $defs: { a: {} } }, '/$defs'],
    ['what else depends on it', { patternProperties: {}, properties: A }, { patternProperties: {} }, ''],
    [
      'a reference elsewhere',
      { not: { $ref: '#/properties/a' }, properties: A },
      { not: { $ref: '#/properties/a' }, properties: { a: {} } },
      '',
    ],
    ['nothing at all', { type: 'string' }, false, ''],
  ])('takes as breaking: %s', (_, before, after, pointer) => {
    expect(narrowings(before, after).map((one) => one.pointer)).toContain(pointer);
  });

  it('gives every reason', () => {
    const before = closed({ a: { type: 'integer', minimum: 1 }, b: {} });
    const after = closed({ a: { type: 'string', minimum: 2 } }, { required: ['a'] });
    expect(
      narrowings(before, after)
        .map((one) => one.pointer)
        .sort(),
    ).toEqual(['/properties/a/minimum', '/properties/a/type', '/properties/b', '/required']);
  });
});
