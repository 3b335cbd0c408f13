import { pointerSegments } from '../kinds/json-pointer.ts';

/** `spec.operations[0].body.ttl`; a key that is no plain word is quoted: `spec.base["dns/example.com/api/A"]`. */
export function jsonPath(path: readonly PropertyKey[]): string {
  return extendPath('', path);
}

/** The path of what a JSON Pointer names below `path`. A token of digits counts as a place in an array. */
export function jsonPathAt(path: string, pointer: string): string {
  const keys = pointerSegments(pointer).map((one) => (/^(0|[1-9]\d*)$/.test(one) ? Number(one) : one));
  return extendPath(path, keys);
}

function extendPath(start: string, keys: readonly PropertyKey[]): string {
  return keys.reduce<string>((text, key) => {
    if (typeof key === 'number') return `${text}[${key}]`;
    const name = String(key);
    if (!/^[A-Za-z_]\w*$/.test(name)) return `${text}[${JSON.stringify(name)}]`;
    return text === '' ? name : `${text}.${name}`;
  }, start);
}
