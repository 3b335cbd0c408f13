import { DomainError } from '../domain/errors.ts';
import { configScope, layersOf, mergeLayers } from '../domain/kinds/config-layers.ts';
import { readBody } from '../domain/kinds/document-bodies.ts';
import type { JsonObject } from '../domain/kinds/json-pointer.ts';
import type { Instant, Store, StoredVersion } from './store.ts';

/** What a service reads, and the layers that it is merged from. */
export interface Explained {
  resource: string;
  tenant: string | null;
  /** Those that were live, in the order in which they merge: later wins. */
  layers: StoredVersion[];
  value: JsonObject;
  /** JSON Pointer of every scalar, array and empty object of `value` → the resource that it came from. */
  origins: Record<string, string>;
}

/**
 * The config `config/SERVICE/DOCUMENT` as its service read it at an instant. Throws `NOT_FOUND` when no layer of it was
 * live, and as `Store`.
 */
export async function explain(
  store: Store,
  resource: string,
  { tenant, instant }: { tenant: string | null; instant: Instant },
): Promise<Explained> {
  const { scope, document } = configScope(resource);
  const { versions } = await store.stateAt(instant);
  const layers = layersOf(scope, document, tenant ?? undefined).flatMap(
    (layer) => versions.find((one) => one.resource === layer) ?? [],
  );
  if (layers.length === 0) {
    throw new DomainError('NOT_FOUND', `No layer of ${resource} was live.`, {
      next: 'See `resilience-ctl ls config/` for what there is.',
    });
  }
  const merged = mergeLayers(
    await Promise.all(
      layers.map(async (layer) => ({
        resource: layer.resource,
        value: readBody('config', await store.bodyOf(layer)).value,
      })),
    ),
  );
  return { resource, tenant, layers, ...merged };
}
