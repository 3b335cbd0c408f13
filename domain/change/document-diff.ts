import type { DocumentEdit } from './document-plan.ts';

/** The edits that turn one JSON value into another, in the order of their paths. `undefined` is no document at all. */
export function diffDocuments(before: unknown, after: unknown): DocumentEdit[] {
  throw new Error(`not written yet ${before} ${after}`);
}

/**
 * The document after exact edits; the one given is not touched. Throws `STALE_BASE` when an edit finds something else
 * than its `before`.
 */
export function applyEdits(document: unknown, edits: readonly DocumentEdit[]): unknown {
  throw new Error(`not written yet ${document} ${edits}`);
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

/** What two authors made of one base. Without conflicts, `both`, `theirs` and `mine` apply in any order. */
export function threeWayDiff(base: unknown, mine: unknown, theirs: unknown): ThreeWayDiff {
  throw new Error(`not written yet ${base} ${mine} ${theirs}`);
}
