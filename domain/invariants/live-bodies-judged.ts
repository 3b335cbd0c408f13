import { dependencyTarget } from '../causality/dependency.ts';
import { type ChangeRequest, resourceOf } from '../change/request.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import { configScope } from '../kinds/config-layers.ts';
import { readBody, referencesIn } from '../kinds/document-bodies.ts';
import { documentKindOf } from '../kinds/documents.ts';
import type { LogState } from '../log/state.ts';

/**
 * The live bodies that planning a request for documents and judging the plan can ask for, so that nobody reads a whole
 * environment for one change of it. It follows from the folded state and the request alone:
 *
 * - what the request changes;
 * - the configs that depend on a schema of it;
 * - the services' configs that merge with a layer of it;
 * - for each config so affected, the layers under it and the schemas that it depends on.
 *
 * All other rules (the graph, versions, who is affected) need no body. One that was forgotten here is not passed over:
 * whoever asks for it throws `NOT_FOUND`. Operations about no document are left out. Throws `SCHEMA_INVALID` for a
 * body that is none of its kind.
 */
export function liveBodiesJudged(request: ChangeRequest, live: LogState['live']): Set<Digest> {
  const batch = request.spec.operations.map(resourceOf).filter((one) => documentKindOf(one) !== null);
  const affected = affectedConfigs(batch, live);
  const documents = new Set(affected.map((one) => configScope(one).document));
  const layers = Object.keys(live).filter((one) => isConfig(one) && isLayerOf(documents, one));
  const schemas = [
    ...affected.flatMap((resource) => live[resource]?.dependsOn ?? []),
    ...request.spec.operations.flatMap((operation) => {
      const kind = documentKindOf(resourceOf(operation));
      return 'set' in operation && kind !== null ? referencesIn(kind, readBody(kind, operation.body)) : [];
    }),
  ]
    .map(dependencyTarget)
    .filter((one) => documentKindOf(one) === 'schema');
  const digests = [...batch, ...affected, ...layers, ...schemas].map((one) => live[one]?.digest ?? null);
  return new Set(digests.filter((digest) => digest !== null));
}

/** The batch's own, and the live ones that would be held against another schema or merged with another layer. */
function affectedConfigs(batch: readonly string[], live: LogState['live']): string[] {
  const schemas = new Set(batch.filter((one) => documentKindOf(one) === 'schema'));
  const layered = new Set(
    batch
      .filter(isConfig)
      .map(configScope)
      .filter((one) => one.isLayer)
      .map((one) => one.document),
  );
  const others =
    schemas.size === 0 && layered.size === 0
      ? []
      : Object.entries(live)
          .filter(([resource]) => isConfig(resource))
          .filter(
            ([resource, { dependsOn }]) =>
              layered.has(configScope(resource).document) ||
              dependsOn.some((one) => schemas.has(dependencyTarget(one))),
          )
          .map(([resource]) => resource);
  return [...batch.filter(isConfig), ...others];
}

function isLayerOf(documents: ReadonlySet<string>, resource: string): boolean {
  const { document, isLayer } = configScope(resource);
  return isLayer && documents.has(document);
}

function isConfig(resource: string): boolean {
  return documentKindOf(resource) === 'config';
}
