import { describe, expect, it } from 'vitest';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import {
  builtOn,
  fenceIndex,
  fenceName,
  forwardFence,
  landed,
  overrideFence,
  overrideMark,
  rollbackFence,
} from '../../domain/kinds/dns-fence.ts';

const forward = (intentIndex: number) => ({ intentIndex, direction: 'forward' as const });
const rollback = (intentIndex: number) => ({ intentIndex, direction: 'rollback' as const });

/** Intent → the fence it was to replace. 12 was rolled back on 17, and 20 was built on that. */
const EXPECTED = new Map<number, string | null>([
  [5, null],
  [12, '5'],
  [17, '12'],
  [18, '12'],
  [20, '17.r12'],
]);
const expectedFenceOf = (index: number) => EXPECTED.get(index);

describe('fence values', () => {
  it('order a rollback after what it is built on', () => {
    expect(fenceName('example.com')).toBe('_resilience-ctl.example.com');
    expect(forwardFence(17)).toBe('17');
    expect(rollbackFence('17', 12)).toBe('17.r12');
    expect(rollbackFence('17.r12', 17)).toBe('17.r12.r17');
    expect(fenceIndex('17.r12.r17')).toBe(17);
  });

  it('order an override without the log after what it is built on, and before the next index', () => {
    const mark = overrideMark(digestOf('what two people signed'));
    expect(mark).toMatch(/^[0-9a-f]{16}$/);
    const fence = overrideFence('17.r12', mark);
    expect(fence).toBe(`17.r12.o${mark}`);
    expect(overrideFence(null, mark)).toBe(`0.o${mark}`);
    expect(fenceIndex(fence)).toBe(17);
    expect(rollbackFence(fence, 17)).toBe(`17.r12.o${mark}.r17`);
    expect(builtOn(`17.r12.o${mark}.r17`)).toEqual([
      { rollbackOf: 12 },
      { override: mark },
      { rollbackOf: 17 },
    ]);
    // What was applied before it, and what was rolled back, still is; what it is ahead of is not.
    expect(landed(fence, forward(12), expectedFenceOf)).toBe(true);
    expect(landed(fence, rollback(12), expectedFenceOf)).toBe(true);
    expect(landed(fence, forward(18), expectedFenceOf)).toBe(false);
  });

  it.each([
    '',
    '017',
    '17.',
    '17.r',
    '17.12',
    ' 17',
    '-1',
    '"17"',
    '17.rx',
    '17.o',
    '17.o12',
    '17.oABCDEF0123456789',
    '17.o0123456789abcdefff',
  ])('"%s" is unreadable', (fence) => {
    expect(() => fenceIndex(fence)).toThrow(
      expect.objectContaining({ code: 'ENTRY_MALFORMED', kind: 'integrity' }),
    );
    expect(() => overrideFence(fence, '0123456789abcdef')).toThrow(
      expect.objectContaining({ code: 'ENTRY_MALFORMED' }),
    );
    expect(() => rollbackFence(fence, 1)).toThrow(expect.objectContaining({ code: 'ENTRY_MALFORMED' }));
    expect(() => landed(fence, forward(1), expectedFenceOf)).toThrow(
      expect.objectContaining({ code: 'ENTRY_MALFORMED' }),
    );
  });
});

describe('landed', () => {
  it.each([5, 12, 17, 20])('intent %i is in the chain', (index) => {
    expect(landed('20', forward(index), expectedFenceOf)).toBe(true);
  });

  it('an intent beside the chain, after it or before the first write did not land', () => {
    expect(landed('20', forward(18), expectedFenceOf)).toBe(false);
    expect(landed('20', forward(21), expectedFenceOf)).toBe(false);
    expect(landed('20', forward(4), expectedFenceOf)).toBe(false);
    expect(landed(null, forward(4), expectedFenceOf)).toBe(false);
  });

  it('finds rollbacks, and does not take one for the forward write', () => {
    expect(landed('20', rollback(12), expectedFenceOf)).toBe(true);
    expect(landed('20', rollback(17), expectedFenceOf)).toBe(false);
    expect(landed('20.r20', rollback(20), expectedFenceOf)).toBe(true);
    expect(landed('20', rollback(20), expectedFenceOf)).toBe(false);
    expect(landed('12.r12', forward(12), expectedFenceOf)).toBe(true);
  });

  it('finds the rollback of an intent that never landed, which shuts its late write out', () => {
    expect(landed(rollbackFence('12', 18), rollback(18), expectedFenceOf)).toBe(true);
    expect(landed(rollbackFence('12', 18), forward(18), expectedFenceOf)).toBe(false);
    expect(landed(rollbackFence(null, 5), rollback(5), expectedFenceOf)).toBe(true);
    expect(landed(rollbackFence(null, 5), forward(5), expectedFenceOf)).toBe(false);
  });

  it('needs no history below the effect, and says so when it lacks some above', () => {
    const nothing = () => undefined;
    expect(landed('17', forward(20), nothing)).toBe(false);
    expect(landed('17', forward(17), nothing)).toBe(true);
    expect(() => landed('20', forward(17), nothing)).toThrow(
      expect.objectContaining({ code: 'ENTRY_MALFORMED' }),
    );
  });

  it('does not walk in circles', () => {
    expect(() => landed('9', forward(3), () => '9')).toThrow(
      expect.objectContaining({ code: 'ENTRY_MALFORMED' }),
    );
  });
});
