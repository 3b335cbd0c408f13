/** One way in which a schema got narrower. */
export interface Narrowing {
  /** JSON Pointer into the schema. */
  pointer: string;
  reason: string;
}

/** Compatible when the list is empty: whatever the old schema takes, the new one takes. When unsure: breaking. */
export function narrowings(before: unknown, after: unknown): Narrowing[] {
  throw new Error(`not written yet ${before} ${after}`);
}
