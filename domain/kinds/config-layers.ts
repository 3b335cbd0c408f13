import type { JsonObject } from './json-pointer.ts';

export interface ConfigLayer {
  resource: string;
  value: JsonObject;
}

/** The resources whose values make up a service's config, in the order in which they merge: later wins. */
export function layersOf(service: string, document: string, tenant?: string): string[] {
  const scopes = ['_global', '_environment', ...(tenant === undefined ? [] : [`_tenant.${tenant}`]), service];
  return scopes.map((scope) => `config/${scope}/${document}`);
}

export function mergeLayers(layers: readonly ConfigLayer[]): {
  value: JsonObject;
  origins: Record<string, string>;
} {
  throw new Error(`not written yet ${layers}`);
}
