import { dependencyTarget, parseDependency, satisfies } from '../causality/dependency.ts';
import { type GovernedConfig, isChanged } from '../change/governed-document.ts';
import { jsonPathAt } from '../change/json-path.ts';
import type { Violation } from '../errors.ts';
import { configFaults } from '../kinds/config-invariants.ts';
import { configScope, mergeLayers, originOf } from '../kinds/config-layers.ts';
import { type CompiledSchema, compileSchema, type SchemaFault } from '../kinds/json-schema.ts';
import { secretReferenceFaults } from '../kinds/secrets.ts';
import type { WouldBeDocument, WouldBeDocuments } from './would-be-documents.ts';

/** Judges each config of a plan by itself: size, growth, duplicates and secrets that are due. `nowMs` since the epoch. */
export function judgeConfigs(configs: readonly GovernedConfig[], nowMs: number): Violation[] {
  return configs.filter(isChanged).flatMap(({ resource, path, before, after }) => {
    if (after === null) return [];
    const at = (pointer: string) => jsonPathAt(`${path}.body.value`, pointer);
    const limits = configFaults(before, after).map(
      ({ pointer, rule, message, remedy }): Violation => ({
        code: 'INVARIANT_VIOLATED',
        rule,
        path: at(pointer),
        message: `${placeIn(resource, pointer)} ${message}.`,
        remedy,
      }),
    );
    const secrets = secretReferenceFaults(after.value, nowMs).map(
      ({ pointer, rule, message }): Violation => ({
        code: 'INVARIANT_VIOLATED',
        rule,
        path: at(pointer),
        message: `${placeIn(resource, pointer)} ${message}.`,
        remedy: 'Rotate the secret and write the day of its next rotation, as {secretRef, rotateBy}.',
      }),
    );
    return [...limits, ...secrets];
  });
}

/**
 * Holds every config that a plan can affect against its schema: those it changes, those of a schema it changes, and
 * what services read through a layer it changes. A layer may leave out what is required, since a service's own
 * document may add it; what a service reads in the end may not.
 */
export function judgeAgainstSchemas(world: WouldBeDocuments): Violation[] {
  const compiled = new Map<string, CompiledSchema | null>();
  return affectedConfigs(world).flatMap((config) => {
    const { resource, range } = parseDependency(config.body.schema);
    const schema = world.get('schema', resource);
    if (schema === null || !satisfies(schema.version, range)) return [outOfRange(config, schema, world)];
    let known = compiled.get(resource);
    if (known === undefined) {
      const result = compileSchema(schema.body);
      known = 'faultsOf' in result ? result : null;
      compiled.set(resource, known);
    }
    // A schema that does not compile is a violation of its own.
    return known === null ? [] : judgeValue(config, known, world);
  });
}

function affectedConfigs(world: WouldBeDocuments): WouldBeDocument<'config'>[] {
  const direct = world.documents.filter(isChanged).flatMap((one): string[] => {
    if (one.kind === 'config') return [one.resource];
    return one.kind === 'schema' ? world.configsOf(one.resource).map((config) => config.resource) : [];
  });
  const layered = world.documents
    .filter((one) => one.kind === 'config' && isChanged(one))
    .map((one) => configScope(one.resource))
    .filter((one) => one.isLayer)
    .flatMap(({ document }) => world.scopesOf(document).map((scope) => `config/${scope}/${document}`))
    .filter((resource) => !configScope(resource).isLayer);
  return [...new Set([...direct, ...layered])]
    .map((resource) => world.get('config', resource))
    .filter((config) => config !== null);
}

function outOfRange(
  config: WouldBeDocument<'config'>,
  schema: WouldBeDocument<'schema'> | null,
  world: WouldBeDocuments,
): Violation {
  const target = dependencyTarget(config.body.schema);
  const found =
    schema === null ? 'it would not exist' : `it would be ${schema.version ?? 'without a version'}`;
  const moved = world.documents.find((one) => one.resource === target);
  return {
    code: 'DEPENDENCY_MISSING',
    rule: 'schema-in-range',
    path: config.path === null ? (moved?.path ?? 'spec.operations') : `${config.path}.body.schema`,
    message: `${config.resource} needs ${config.body.schema}, and ${found}.`,
    remedy:
      config.path === null
        ? `Change ${config.resource} in the same request.`
        : 'Name a schema and range that would be live, or set the schema in the same request.',
  };
}

function judgeValue(
  config: WouldBeDocument<'config'>,
  schema: CompiledSchema,
  world: WouldBeDocuments,
): Violation[] {
  const { scope, document, isLayer } = configScope(config.resource);
  if (isLayer) {
    return schema
      .faultsOf(config.body.value)
      .filter((fault) => fault.rule !== 'required-present')
      .map((fault) => schemaViolation(fault, config.resource, config, ''));
  }
  const tenants = world
    .scopesOf(document)
    .filter((one) => one.startsWith('_tenant.'))
    .map((one) => one.slice('_tenant.'.length));
  const seen = new Set<string>();
  return [undefined, ...tenants].flatMap((tenant) => {
    const layers = world.layers(scope, document, tenant);
    const merged = mergeLayers(
      layers.map((layer) => ({ resource: layer.resource, value: layer.body.value })),
    );
    const touched = layers.find((layer) => layer.path !== null) ?? config;
    return schema
      .faultsOf(merged.value)
      .filter((fault) => !seen.has(keyOf(fault)) && seen.add(keyOf(fault)))
      .map((fault) => {
        const origin = originOf(merged.origins, fault.pointer);
        const place = layers.find((layer) => layer.resource === origin && layer.path !== null) ?? touched;
        const reader = tenant === undefined ? '' : ` for the tenant ${tenant}`;
        return schemaViolation(fault, config.resource, place, reader);
      });
  });
}

function keyOf({ pointer, rule, message }: SchemaFault): string {
  return `${pointer} ${rule} ${message}`;
}

/** `place` is the document whose text is at fault, as far as anybody can tell. */
function schemaViolation(
  { pointer, rule, message }: SchemaFault,
  resource: string,
  place: WouldBeDocument<'config'>,
  reader: string,
): Violation {
  const via = place.resource === resource ? '' : ` (through ${place.resource})`;
  return {
    code: 'INVARIANT_VIOLATED',
    rule,
    path: place.path === null ? 'spec.operations' : jsonPathAt(`${place.path}.body.value`, pointer),
    message: `${placeIn(resource, pointer)}${reader}${via} ${message}.`,
    remedy:
      place.path === null
        ? `Change ${resource} in the same request, so that it satisfies its schema.`
        : 'Correct the value, or the schema in the same request.',
  };
}

function placeIn(resource: string, pointer: string): string {
  return pointer === '' ? resource : `${resource} at ${pointer}`;
}
