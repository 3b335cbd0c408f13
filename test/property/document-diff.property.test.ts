import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { applyEdits, diffDocuments, threeWayDiff } from '../../domain/change/document-diff.ts';
import { DomainError } from '../../domain/errors.ts';

const { value: json } = fc.letrec<{ value: unknown }>((tie) => ({
  value: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.constantFrom<unknown>(null, true, 0, 1, '', 'a'),
    fc.array(tie('value'), { maxLength: 3 }),
    fc.dictionary(fc.constantFrom('a', 'ab', 'c/~', '0', '', 'constructor'), tie('value'), { maxKeys: 4 }),
  ),
}));
const document = fc.oneof({ arbitrary: json, weight: 9 }, { arbitrary: fc.constant(undefined), weight: 1 });

describe('diffDocuments', () => {
  it('applies, and its opposite undoes it, for any two documents', () => {
    fc.assert(
      fc.property(document, document, (a, b) => {
        expect(applyEdits(a, diffDocuments(a, b))).toEqual(b);
        expect(applyEdits(b, diffDocuments(b, a))).toEqual(a);
      }),
      { numRuns: 500 },
    );
  });

  it('is empty for what is equal, and no edit changes nothing', () => {
    fc.assert(
      fc.property(document, document, (a, b) => {
        expect(diffDocuments(a, structuredClone(a))).toEqual([]);
        for (const edit of diffDocuments(a, b)) expect(edit.before).not.toEqual(edit.after);
      }),
    );
  });

  it('names the smallest places, in order', () => {
    const before = { z: 1, a: { 'x/y': 1, same: 1, gone: 1 }, list: [1, { b: 1 }], grows: [1] };
    const after = { z: 2, a: { 'x/y': 2, same: 1, new: null }, list: [1, { b: 2 }], grows: [1, 2] };
    expect(diffDocuments(before, after)).toEqual([
      { path: '/a/gone', before: 1 },
      { path: '/a/new', after: null },
      { path: '/a/x~1y', before: 1, after: 2 },
      { path: '/grows', before: [1], after: [1, 2] },
      { path: '/list/1/b', before: 1, after: 2 },
      { path: '/z', before: 1, after: 2 },
    ]);
    expect(diffDocuments(undefined, after)).toEqual([{ path: '', after }]);
  });
});

describe('applyEdits', () => {
  it.each<[unknown, string]>([
    [{ a: 2 }, '/a'],
    [{}, '/a'],
    [[1], '/1'],
    [[1], '/x'],
    ['text', '/a'],
    [{ a: 'text' }, '/a/b'],
  ])('refuses %j at %s, which is not what the edit replaces', (found, path) => {
    expect(() => applyEdits(found, [{ path, before: 1, after: 3 }])).toThrow(DomainError);
  });

  it('adds nothing to an array but as a whole', () => {
    expect(() => applyEdits([1], [{ path: '/1', after: 2 }])).toThrow(DomainError);
  });

  it('leaves the document that it was given alone', () => {
    const before = { a: { b: [1] } };
    expect(applyEdits(before, [{ path: '/a/b/0', before: 1, after: 2 }])).toEqual({ a: { b: [2] } });
    expect(before).toEqual({ a: { b: [1] } });
  });
});

describe('threeWayDiff', () => {
  it('without conflicts leads to one document, whichever side goes first', () => {
    let merged = 0;
    fc.assert(
      fc.property(document, document, document, (base, mine, theirs) => {
        const diff = threeWayDiff(base, mine, theirs);
        if (diff.conflicts.length > 0) return;
        merged += 1;
        const oneWay = applyEdits(base, [...diff.both, ...diff.mine, ...diff.theirs]);
        expect(applyEdits(base, [...diff.theirs, ...diff.mine, ...diff.both])).toEqual(oneWay);
        if (diff.theirs.length === 0) expect(oneWay).toEqual(mine);
        if (diff.mine.length === 0) expect(oneWay).toEqual(theirs);
      }),
      { numRuns: 500 },
    );
    expect(merged).toBeGreaterThan(20);
  });

  it('loses no edit of either side, and sides may change places', () => {
    fc.assert(
      fc.property(document, document, document, (base, mine, theirs) => {
        const diff = threeWayDiff(base, mine, theirs);
        const swapped = threeWayDiff(base, theirs, mine);
        expect(swapped.conflicts).toEqual(
          diff.conflicts.map((one) => ({ path: one.path, mine: one.theirs, theirs: one.mine })),
        );
        const paths = (side: 'mine' | 'theirs') =>
          new Set(
            [...diff[side], ...diff.both, ...diff.conflicts.flatMap((one) => one[side])].map(
              (one) => one.path,
            ),
          );
        expect(paths('mine')).toEqual(new Set(diffDocuments(base, mine).map((one) => one.path)));
        expect(paths('theirs')).toEqual(new Set(diffDocuments(base, theirs).map((one) => one.path)));
      }),
    );
  });

  it('does not take a longer name for a place inside', () => {
    const diff = threeWayDiff({ a: 1, ab: 1 }, { a: 2, ab: 1 }, { a: 1, ab: 2 });
    expect(diff.conflicts).toEqual([]);
  });

  it('shows both sides of a conflict at the place that holds both', () => {
    const base = { a: { x: 1, y: 1 }, b: 1, c: 1, d: 1 };
    const diff = threeWayDiff(base, { a: { x: 2, y: 2 }, b: 2, c: 2, d: 1 }, { b: 3, c: 2, d: 2 });
    expect(diff).toEqual({
      mine: [],
      theirs: [{ path: '/d', before: 1, after: 2 }],
      both: [{ path: '/c', before: 1, after: 2 }],
      conflicts: [
        {
          path: '/a',
          mine: [
            { path: '/a/x', before: 1, after: 2 },
            { path: '/a/y', before: 1, after: 2 },
          ],
          theirs: [{ path: '/a', before: { x: 1, y: 1 } }],
        },
        {
          path: '/b',
          mine: [{ path: '/b', before: 1, after: 2 }],
          theirs: [{ path: '/b', before: 1, after: 3 }],
        },
      ],
    });
  });
});
