import { describe, expect, it } from 'vitest';
import {
  configFaults,
  MAX_CONFIG_BYTES,
  MAX_CONFIG_ENTRIES,
  newFields,
} from '../../../domain/kinds/config-invariants.ts';
import type { JsonObject } from '../../../domain/kinds/json-pointer.ts';

const body = (value: JsonObject) => ({ schema: 'schema/x@^1', value });
const found = (before: JsonObject | null, after: JsonObject) =>
  configFaults(before === null ? null : body(before), body(after)).map((one) => `${one.rule} ${one.pointer}`);
const features = (count: number) => ({ f: Array.from({ length: count }, (_, i) => ({ id: 1000 + i })) });

describe('configFaults', () => {
  it('limits bytes, to the byte', () => {
    // {"t":"…"} has 8 characters around the text.
    expect(found(null, { t: 'x'.repeat(MAX_CONFIG_BYTES - 8) })).toEqual([]);
    expect(found(null, { t: 'x'.repeat(MAX_CONFIG_BYTES - 7) })).toEqual(['config-size ']);
    expect(found(null, { t: 'ü'.repeat(MAX_CONFIG_BYTES / 2) })).toEqual(['config-size ']);
  });

  it('limits entries at every depth', () => {
    const list = (n: number) => ({ list: Array.from({ length: n }, (_, i) => i) });
    expect(found(null, list(MAX_CONFIG_ENTRIES - 1))).toEqual([]);
    expect(found(null, list(MAX_CONFIG_ENTRIES))).toEqual(['config-size ']);
  });

  it('refuses to more than double what consumers hold', () => {
    expect(found(features(100), features(200))).toEqual([]);
    expect(found(features(100), features(210))).toEqual(['config-growth ', 'config-growth ']);
    expect(found({ t: 'x'.repeat(600) }, { t: 'x'.repeat(1400) })).toEqual(['config-growth ']);
    expect(found(null, features(210))).toEqual([]);
  });

  it('lets a small document grow', () => {
    expect(found({ a: 1 }, { a: 1, b: 2, c: 3, d: 4 })).toEqual([]);
    expect(found({ l: [1] }, { l: Array.from({ length: 20 }, (_, i) => i) })).toEqual(['config-growth ']);
  });

  it('finds what an array has twice', () => {
    expect(
      found(null, {
        a: [1, 2, 1],
        b: {
          c: [
            { x: 1, y: 2 },
            { y: 2, x: 1 },
          ],
        },
      }),
    ).toEqual(['entries-unique /a/2', 'entries-unique /b/c/1']);
    expect(
      found(null, {
        a: [
          { id: 1, v: 1 },
          { id: 1, v: 2 },
        ],
      }),
    ).toEqual(['entries-unique /a/1']);
    expect(
      found(null, {
        a: [
          { name: 'n', v: 1 },
          { name: 'n', v: 2 },
        ],
      }),
    ).toEqual(['entries-unique /a/1']);
    expect(
      found(null, {
        a: [
          { id: 1, name: 'n' },
          { id: 2, name: 'n' },
        ],
      }),
    ).toEqual([]);
    expect(found(null, { a: [1, '1', [1], { id: 1 }, { name: 1 }] })).toEqual([]);
  });
});

describe('newFields', () => {
  it('names what the live document has nowhere, and no new elements of a list', () => {
    const before = body({ a: { b: 1 }, list: [{ x: 1 }] });
    expect(newFields(before, body({ a: { b: { c: 1 } }, list: [{ x: 1 }, { x: 2, y: 3 }], d: 1 }))).toEqual([
      '/a/b/c',
      '/d',
      '/list/*/y',
    ]);
    expect(newFields(before, body({ a: { b: 2 }, list: [{ x: 1 }, { x: 2 }] }))).toEqual([]);
    expect(newFields(before, body({}))).toEqual([]);
  });
});
