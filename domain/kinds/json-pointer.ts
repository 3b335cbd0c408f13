/** JSON Pointer, RFC 6901, and plain questions about JSON values. */

export type JsonObject = Record<string, unknown>;

export function isJsonObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** RFC 6901 §3: `~` and `/` inside a key are written `~0` and `~1`. */
export function pointerTo(parent: string, key: string | number): string {
  return `${parent}/${String(key).replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** RFC 6901 §4. The empty pointer, the whole document, has no segments. */
export function pointerSegments(pointer: string): string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** Members of an object or elements of an array, each with its pointer, in the document's own order. */
export function membersOf(
  value: unknown,
  pointer: string,
): { key: string; pointer: string; value: unknown }[] {
  if (Array.isArray(value)) {
    return value.map((one: unknown, i) => ({ key: String(i), pointer: pointerTo(pointer, i), value: one }));
  }
  if (!isJsonObject(value)) return [];
  return Object.entries(value).map(([key, one]) => ({ key, pointer: pointerTo(pointer, key), value: one }));
}
