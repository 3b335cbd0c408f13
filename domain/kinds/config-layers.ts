import { isJsonObject, type JsonObject, pointerTo } from './json-pointer.ts';

export interface ConfigLayer {
  resource: string;
  value: JsonObject;
}

export interface MergedConfig {
  value: JsonObject;
  /** JSON Pointer of every scalar, array and empty object of `value` → the resource that it came from. */
  origins: Record<string, string>;
}

/** A config's name taken apart: a scope that starts with `_` is a layer, any other a service. */
export function configScope(resource: string): { scope: string; document: string; isLayer: boolean } {
  const [, scope = '', document = ''] = resource.split('/');
  return { scope, document, isLayer: scope.startsWith('_') };
}

/** The resources whose values make up what a service reads, in the order in which they merge: later wins. */
export function layersOf(service: string, document: string, tenant?: string): string[] {
  const scopes = ['_global', '_environment', ...(tenant === undefined ? [] : [`_tenant.${tenant}`]), service];
  return scopes.map((scope) => `config/${scope}/${document}`);
}

/**
 * Merges layers in their order: objects merge member by member, anything else replaces what an earlier layer had.
 * `null` replaces too and deletes nothing, unlike in RFC 7396: no layer can take away what a schema requires, and a
 * null means the same wherever it stands.
 */
export function mergeLayers(layers: readonly ConfigLayer[]): MergedConfig {
  const origins = new Map<string, string>();
  let value: unknown = {};
  for (const layer of layers) value = mergeInto(value, layer.value, '', layer.resource, origins);
  return {
    value: isJsonObject(value) ? value : {},
    origins: Object.fromEntries([...origins].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Where a value came from: the origin of the place itself, else of its nearest parent that has one. */
export function originOf(origins: Readonly<Record<string, string>>, pointer: string): string | null {
  for (let at = pointer; at !== ''; at = at.slice(0, at.lastIndexOf('/'))) {
    const origin = origins[at];
    if (origin !== undefined) return origin;
  }
  return null;
}

function mergeInto(
  under: unknown,
  over: unknown,
  pointer: string,
  resource: string,
  origins: Map<string, string>,
): unknown {
  if (!isJsonObject(over)) {
    if (isJsonObject(under)) forgetBelow(pointer, origins);
    origins.set(pointer, resource);
    return over;
  }
  const merged: JsonObject = isJsonObject(under) ? { ...under } : {};
  for (const [key, one] of Object.entries(over)) {
    merged[key] = mergeInto(merged[key], one, pointerTo(pointer, key), resource, origins);
  }
  // An object has the origins of its members; only an empty one has its own, of whoever made it so.
  if (pointer === '' || Object.keys(merged).length > 0) origins.delete(pointer);
  else if (!isJsonObject(under)) origins.set(pointer, resource);
  return merged;
}

function forgetBelow(pointer: string, origins: Map<string, string>): void {
  for (const one of origins.keys()) {
    if (one.startsWith(`${pointer}/`)) origins.delete(one);
  }
}
