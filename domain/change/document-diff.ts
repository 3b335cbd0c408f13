import { DomainError } from '../errors.ts';
import { canonicalText } from '../evidence/canonical-json.ts';
import { isJsonObject, pointerSegments, pointerTo } from '../kinds/json-pointer.ts';
import type { DocumentEdit } from './document-plan.ts';

/**
 * The edits that turn one JSON value into another, in a fixed order; `undefined` is no document at all. Objects are
 * compared member by member, arrays of equal length element by element. An array that grew or shrank is one edit:
 * which of its elements moved, nobody can know.
 */
export function diffDocuments(before: unknown, after: unknown): DocumentEdit[] {
  return diffAt('', before, after);
}

function diffAt(path: string, before: unknown, after: unknown): DocumentEdit[] {
  if (sameValue(before, after)) return [];
  if (isJsonObject(before) && isJsonObject(after)) {
    const keys = [...new Set([...Object.keys(before), ...Object.keys(after)])].sort();
    return keys.flatMap((key) => diffAt(pointerTo(path, key), memberOf(before, key), memberOf(after, key)));
  }
  if (Array.isArray(before) && Array.isArray(after) && before.length === after.length) {
    return before.flatMap((one: unknown, i) => diffAt(pointerTo(path, i), one, after[i]));
  }
  return [{ path, ...(before === undefined ? {} : { before }), ...(after === undefined ? {} : { after }) }];
}

/**
 * The document after exact edits; the one given is not touched. Throws `STALE_BASE` when an edit finds something else
 * than its `before`.
 */
export function applyEdits(document: unknown, edits: readonly DocumentEdit[]): unknown {
  return edits.reduce((now, edit) => editAt(now, pointerSegments(edit.path), edit), document);
}

function editAt(value: unknown, segments: readonly string[], edit: DocumentEdit): unknown {
  const [key, ...rest] = segments;
  if (key === undefined) {
    if (!sameValue(value, edit.before)) throw foundOtherwise(edit);
    return edit.after;
  }
  if (Array.isArray(value)) {
    const elements: readonly unknown[] = value;
    if (!/^\d+$/.test(key) || Number(key) >= elements.length) throw foundOtherwise(edit);
    return elements.with(Number(key), editAt(elements[Number(key)], rest, edit));
  }
  if (!isJsonObject(value)) throw foundOtherwise(edit);
  const { [key]: old, ...others } = value;
  const member = editAt(Object.hasOwn(value, key) ? old : undefined, rest, edit);
  return member === undefined ? others : { ...others, [key]: member };
}

function foundOtherwise({ path }: DocumentEdit): DomainError {
  return new DomainError('STALE_BASE', `The document no longer has at "${path}" what the edit replaces.`, {
    next: 'Compare with the document as it is now, and make the edit anew.',
  });
}

export interface Conflict {
  /** JSON Pointer of the smallest place that holds both sides' edits. */
  path: string;
  mine: DocumentEdit[];
  theirs: DocumentEdit[];
}

export interface ThreeWayDiff {
  /** Edits that only one side made, and that no edit of the other overlaps. */
  mine: DocumentEdit[];
  theirs: DocumentEdit[];
  /** Edits that both made alike. */
  both: DocumentEdit[];
  conflicts: Conflict[];
}

/** What two authors made of one base. Without conflicts, `both`, `mine` and `theirs` apply to it in any order. */
export function threeWayDiff(base: unknown, mine: unknown, theirs: unknown): ThreeWayDiff {
  const [ours, others] = [diffDocuments(base, mine), diffDocuments(base, theirs)];
  const isAlike = (edit: DocumentEdit, edits: readonly DocumentEdit[]) =>
    edits.some((one) => one.path === edit.path && sameValue(one.after, edit.after));
  const [left, right] = [
    ours.filter((edit) => !isAlike(edit, others)),
    others.filter((edit) => !isAlike(edit, ours)),
  ];
  // Edits of one side never overlap, so where two sides meet, one of the paths is the place that holds both.
  const paths = new Set(
    left.flatMap((edit) =>
      right.filter((one) => overlaps(edit, one)).map((one) => shorter(edit.path, one.path)),
    ),
  );
  const conflicts = [...paths].sort().map((path) => ({
    path,
    mine: left.filter((edit) => isWithin(edit.path, path)),
    theirs: right.filter((edit) => isWithin(edit.path, path)),
  }));
  const isFree = (edit: DocumentEdit) => !conflicts.some(({ path }) => isWithin(edit.path, path));
  return {
    mine: left.filter(isFree),
    theirs: right.filter(isFree),
    both: ours.filter((edit) => isAlike(edit, others)),
    conflicts,
  };
}

function overlaps(a: DocumentEdit, b: DocumentEdit): boolean {
  return isWithin(a.path, b.path) || isWithin(b.path, a.path);
}

function isWithin(path: string, outer: string): boolean {
  return path === outer || path.startsWith(`${outer}/`);
}

function shorter(a: string, b: string): string {
  return a.length <= b.length ? a : b;
}

function memberOf(value: Record<string, unknown>, key: string): unknown {
  return Object.hasOwn(value, key) ? value[key] : undefined;
}

function sameValue(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined) return false;
  return canonicalText(a) === canonicalText(b);
}
