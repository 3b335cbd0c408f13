import { describe, expect, it } from 'vitest';
import type { JsonObject } from '../../../domain/kinds/json-pointer.ts';
import { compileSchema } from '../../../domain/kinds/json-schema.ts';

function faults(schema: JsonObject, value: unknown): string[] {
  const compiled = compileSchema(schema);
  if ('problems' in compiled) throw new Error(JSON.stringify(compiled.problems));
  return compiled.faultsOf(value).map((one) => `${one.rule} ${one.pointer}`);
}

describe('compileSchema', () => {
  it.each<[string, JsonObject]>([
    ['a misspelt keyword', { propertees: {} }],
    ['a keyword with a wrong value', { type: 'text' }],
    ['another draft', { $schema: 'http://json-schema.org/draft-07/schema#' }],
    ['a reference outside', { $ref: 'https://example.com/schema' }],
    ['a reference to nothing', { $ref: '#/$defs/none' }],
    ["Ajv's promises", { $async: true }],
    ['no pattern', { pattern: '(' }],
  ])('refuses %s', (_, schema) => {
    const compiled = compileSchema(schema);
    expect('problems' in compiled && compiled.problems.length).toBeGreaterThan(0);
  });

  it('names every problem of a schema', () => {
    const compiled = compileSchema({ type: 'text', properties: { a: { minimum: 'x' } } });
    const pointers = 'problems' in compiled ? compiled.problems.map((one) => one.pointer) : [];
    expect(pointers).toEqual(expect.arrayContaining(['/type', '/properties/a/minimum']));
  });

  it('knows what one schema defines apart from what another does', () => {
    const first = { $id: 'https://example.com/x', type: 'string' };
    expect(faults(first, 1)).toHaveLength(1);
    expect(faults({ ...first, type: 'integer' }, 1)).toEqual([]);
  });

  it('finds every fault, each at its place', () => {
    const schema = {
      type: 'object',
      properties: { a: { type: 'string' }, b: { enum: [1, 2] } },
      required: ['a', 'c'],
      additionalProperties: false,
    };
    expect(faults(schema, { a: 1, b: 3, d: 4 }).sort()).toEqual([
      'matches-schema ',
      'matches-schema /a',
      'matches-schema /b',
      'required-present ',
    ]);
  });

  it.each([null, '', ' \n', [], {}])('takes %j for a blank where a field is required', (blank) => {
    const schema = {
      type: 'object',
      properties: {
        must: {},
        list: { type: 'array', items: { $ref: '#/$defs/rule' } },
        both: { allOf: [{ required: ['x'] }] },
      },
      additionalProperties: { required: ['z'] },
      $defs: { rule: { type: 'object', required: ['action'] } },
      required: ['must'],
    };
    expect(faults(schema, { must: blank })).toEqual(['required-not-blank /must']);
    expect(faults(schema, { must: 1, list: [{ action: 1 }, { action: blank, other: blank }] })).toEqual([
      'required-not-blank /list/1/action',
    ]);
    expect(faults(schema, { must: 1, both: { x: blank } })).toEqual(['required-not-blank /both/x']);
    expect(faults(schema, { must: 1, more: { z: blank } })).toEqual(['required-not-blank /more/z']);
  });

  it.each([0, false, 'x', [null], { a: null }])('takes %j for no blank', (value) => {
    expect(faults({ required: ['must'] }, { must: value })).toEqual([]);
  });

  it('does not pass what Ajv cannot judge', () => {
    expect(faults({ uniqueItems: true }, [{ valueOf: 1 }, { valueOf: 2 }])).toEqual(['matches-schema ']);
  });

  it('lets a property be named and match a pattern too, and asks for both', () => {
    const schema = { properties: { ab: { type: 'string' } }, patternProperties: { '^a': { minLength: 2 } } };
    expect(faults(schema, { ab: 'xy' })).toEqual([]);
    expect(faults(schema, { ab: 'x' })).toEqual(['matches-schema /ab']);
    expect(faults(schema, { ab: 12 })).toEqual(['matches-schema /ab']);
  });

  it('ends with a schema that refers to itself', () => {
    const endless = compileSchema({ $defs: { a: { $ref: '#/$defs/a' } }, $ref: '#/$defs/a' });
    expect('problems' in endless && endless.problems[0]?.message).toContain('without end');
    expect(faults({ allOf: [{ $ref: '#' }] }, {})).toEqual(['matches-schema ']);
    const tree = { type: 'object', properties: { next: { $ref: '#' } }, required: ['v'] };
    expect(faults(tree, { v: 1, next: { v: '' } })).toEqual(['required-not-blank /next/v']);
  });
});
