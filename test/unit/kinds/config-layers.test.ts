import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { configScope, layersOf, mergeLayers, originOf } from '../../../domain/kinds/config-layers.ts';
import { isJsonObject, type JsonObject, membersOf } from '../../../domain/kinds/json-pointer.ts';

describe('mergeLayers', () => {
  it('merges objects and replaces everything else, and says where each value came from', () => {
    const merged = mergeLayers([
      { resource: 'global', value: { a: { x: 1, y: 1 }, list: [1, 2], n: 1, gone: { deep: 1 }, e: {} } },
      { resource: 'env', value: { a: { y: 2 }, list: [3], n: null, gone: 'text' } },
      { resource: 'service', value: { a: { z: 3 }, e: {}, 'k/~': 1, gone: { other: 1 } } },
    ]);
    expect(merged.value).toEqual({
      a: { x: 1, y: 2, z: 3 },
      list: [3],
      n: null,
      gone: { other: 1 },
      e: {},
      'k/~': 1,
    });
    expect(merged.origins).toEqual({
      '/a/x': 'global',
      '/a/y': 'env',
      '/a/z': 'service',
      '/e': 'global',
      '/gone/other': 'service',
      '/k~1~0': 'service',
      '/list': 'env',
      '/n': 'env',
    });
  });

  it('finds the origin of what is inside a value, and of nothing in particular', () => {
    const { origins } = mergeLayers([{ resource: 'r', value: { list: [{ a: 1 }], o: { p: 1 } } }]);
    expect(originOf(origins, '/list/0/a')).toBe('r');
    expect(originOf(origins, '/o')).toBeNull();
    expect(originOf(origins, '')).toBeNull();
  });

  const value = fc.letrec<{ node: unknown; object: JsonObject }>((tie) => ({
    object: fc.dictionary(fc.constantFrom('a', 'b', 'c/d', 'constructor'), tie('node'), { maxKeys: 3 }),
    node: fc.oneof(
      { depthSize: 'small', withCrossShrink: true },
      fc.constantFrom(null, 1, 'x', [1]),
      tie('object'),
    ),
  })).object;

  it('has exactly one origin for every leaf, and it is the last layer that has it so', () => {
    fc.assert(
      fc.property(fc.array(value, { minLength: 1, maxLength: 4 }), (values) => {
        const layers = values.map((one, i) => ({ resource: `layer-${i}`, value: one }));
        const merged = mergeLayers(layers);
        const leaves = leavesOf(merged.value, '');
        expect(Object.keys(merged.origins).sort()).toEqual(leaves.map((one) => one.pointer).sort());
        for (const leaf of leaves) {
          const origin = layers.find((one) => one.resource === merged.origins[leaf.pointer]);
          expect(leavesOf(origin?.value, '')).toContainEqual(leaf);
        }
      }),
    );
  });

  it('of one layer twice is that layer', () => {
    fc.assert(
      fc.property(value, (one) => {
        const layers = ['a', 'b'].map((resource) => ({ resource, value: one }));
        expect(mergeLayers(layers).value).toEqual(one);
      }),
    );
  });
});

function leavesOf(value: unknown, pointer: string): { pointer: string; value: unknown }[] {
  const members = isJsonObject(value) ? membersOf(value, pointer) : [];
  if (members.length === 0) return pointer === '' ? [] : [{ pointer, value }];
  return members.flatMap((one) => leavesOf(one.value, one.pointer));
}

it('names the layers of a service in their order', () => {
  expect(layersOf('payments', 'timeouts', 'acme')).toEqual([
    'config/_global/timeouts',
    'config/_environment/timeouts',
    'config/_tenant.acme/timeouts',
    'config/payments/timeouts',
  ]);
  expect(layersOf('payments', 'timeouts')).toHaveLength(3);
  expect(configScope('config/_tenant.acme/timeouts')).toEqual({
    scope: '_tenant.acme',
    document: 'timeouts',
    isLayer: true,
  });
});
