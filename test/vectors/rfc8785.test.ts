import { describe, expect, test } from 'vitest';
import { canonicalText, parseCanonicalBytes } from '../../domain/evidence/canonical-json.ts';

/** RFC 8785 (JSON Canonicalization Scheme). */

function doubleOf(hex: string): number {
  const view = new DataView(new ArrayBuffer(8));
  view.setBigUint64(0, BigInt(`0x${hex}`));
  return view.getFloat64(0);
}

describe('Appendix B, number serialization samples', () => {
  test.each([
    ['0000000000000000', '0'],
    ['8000000000000000', '0'],
    ['0000000000000001', '5e-324'],
    ['8000000000000001', '-5e-324'],
    ['7fefffffffffffff', '1.7976931348623157e+308'],
    ['ffefffffffffffff', '-1.7976931348623157e+308'],
    ['4340000000000000', '9007199254740992'],
    ['c340000000000000', '-9007199254740992'],
    ['4430000000000000', '295147905179352830000'],
    ['44b52d02c7e14af5', '9.999999999999997e+22'],
    ['44b52d02c7e14af6', '1e+23'],
    ['44b52d02c7e14af7', '1.0000000000000001e+23'],
    ['444b1ae4d6e2ef4e', '999999999999999700000'],
    ['444b1ae4d6e2ef4f', '999999999999999900000'],
    ['444b1ae4d6e2ef50', '1e+21'],
    ['3eb0c6f7a0b5ed8c', '9.999999999999997e-7'],
    ['3eb0c6f7a0b5ed8d', '0.000001'],
    ['41b3de4355555553', '333333333.3333332'],
    ['41b3de4355555554', '333333333.33333325'],
    ['41b3de4355555555', '333333333.3333333'],
    ['41b3de4355555556', '333333333.3333334'],
    ['41b3de4355555557', '333333333.33333343'],
    ['becbf647612f3696', '-0.0000033333333333333333'],
    ['43143ff3c1cb0959', '1424953923781206.2'],
  ])('%s is %s', (hex, text) => {
    expect(canonicalText(doubleOf(hex))).toBe(text);
  });

  test.each(['7fffffffffffffff', '7ff0000000000000'])('%s is refused', (hex) => {
    expect(() => canonicalText(doubleOf(hex))).toThrow();
  });
});

test('§3.2.2, the sample of primitive types', () => {
  const text =
    '{"numbers":[333333333.33333329,1E30,4.50,2e-3,0.000000000000000000000000001],' +
    '"string":"\\u20ac$\\u000F\\u000aA\'\\u0042\\u0022\\u005c\\\\\\"\\/","literals":[null,true,false]}';
  expect(canonicalText(JSON.parse(text))).toBe(
    '{"literals":[null,true,false],"numbers":[333333333.3333333,1e+30,4.5,0.002,1e-27],' +
      '"string":"€$\\u000f\\nA\'B\\"\\\\\\\\\\"/"}',
  );
});

test('§3.2.3, keys sort by UTF-16 code units', () => {
  const value = {
    '\u20ac': 'Euro Sign',
    '\r': 'Carriage Return',
    '\ufb33': 'Hebrew Letter Dalet With Dagesh',
    '1': 'One',
    '\ud83d\ude00': 'Emoji: Grinning Face',
    '\u0080': 'Control',
    '\u00f6': 'Latin Small Letter O With Diaeresis',
  };
  const sorted = Object.values(JSON.parse(canonicalText(value)) as Record<string, string>);
  const order = [...canonicalText(value).matchAll(/:"([^"]*)"/g)].map(([, name]) => name);
  expect(sorted).toHaveLength(7);
  expect(order).toEqual([
    'Carriage Return',
    'One',
    'Control',
    'Latin Small Letter O With Diaeresis',
    'Euro Sign',
    'Emoji: Grinning Face',
    'Hebrew Letter Dalet With Dagesh',
  ]);
});

test('§3.2.2.2, a lone surrogate is refused', () => {
  expect(() => canonicalText({ text: '\ud800' })).toThrow();
});

test.each([
  ['a duplicate key', '{"a":1,"a":1}'],
  ['spacing', '{"a": 1}'],
  ['unsorted keys', '{"b":1,"a":1}'],
  ['another spelling of a number', '{"a":1.0}'],
  ['a needless escape', '{"a":"\\u0041"}'],
  ['a lone surrogate', '"\\ud800"'],
  ['a byte order mark', '\ufeff{"a":1}'],
])('bytes with %s are not canonical', (_, text) => {
  expect(() => parseCanonicalBytes(new TextEncoder().encode(text))).toThrow(
    expect.objectContaining({ code: 'ENTRY_MALFORMED' }),
  );
});

test('bytes that are no UTF-8 are refused', () => {
  expect(() => parseCanonicalBytes(Uint8Array.of(0x22, 0xff, 0x22))).toThrow(
    expect.objectContaining({ code: 'ENTRY_MALFORMED' }),
  );
});
