import { dependencyTarget } from '../causality/dependency.ts';
import { dependentsIndex } from '../causality/dependency-graph.ts';
import { bodyOf, type GovernedDocument } from '../change/governed-document.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import { configScope, layersOf } from '../kinds/config-layers.ts';
import type { BodyOf } from '../kinds/document-bodies.ts';
import { type DocumentKind, documentKindOf } from '../kinds/documents.ts';
import type { LogState } from '../log/state.ts';

/** A document that would be live. */
export interface WouldBeDocument<K extends DocumentKind> {
  resource: string;
  body: BodyOf[K];
  version: string | null;
  /** Its place in the request; null when the plan does not touch it. */
  path: string | null;
}

/**
 * The documents that would be live after a plan. Bodies are read when they are asked for; which those can be,
 * `liveBodiesJudged` says ahead of time.
 */
export class WouldBeDocuments {
  readonly documents: readonly GovernedDocument[];
  readonly #live: LogState['live'];
  readonly #bodies: ReadonlyMap<Digest, unknown>;
  readonly #planned: ReadonlyMap<string, GovernedDocument>;
  /** Both are made of everything that is live, and most plans ask for neither. */
  #dependents: ReadonlyMap<string, readonly string[]> | null = null;
  #scopes: ReadonlyMap<string, readonly string[]> | null = null;

  constructor(
    documents: readonly GovernedDocument[],
    live: LogState['live'],
    bodies: ReadonlyMap<Digest, unknown>,
  ) {
    this.documents = documents;
    this.#live = live;
    this.#bodies = bodies;
    this.#planned = new Map(documents.map((one) => [one.resource, one]));
  }

  /** Null for one that would not be there. Throws `NOT_FOUND` for a live body that was not loaded. */
  get<K extends DocumentKind>(kind: K, resource: string): WouldBeDocument<K> | null {
    const planned = this.#planned.get(resource);
    if (documentKindOf(resource) !== kind) return null;
    const body = bodyOf(kind, this.#digestOf(resource), this.#bodies);
    if (body === null) return null;
    const version = planned ? planned.targetVersion : (this.#live[resource]?.version ?? null);
    return { resource, body, version, path: planned?.path ?? null };
  }

  /** Configs, with or without the plan's own, that would be held against a schema. */
  configsOf(schema: string): WouldBeDocument<'config'>[] {
    this.#dependents ??= dependentsIndex(this.#live);
    const candidates = new Set([...(this.#dependents.get(schema) ?? []), ...this.#planned.keys()]);
    return [...candidates]
      .sort()
      .map((resource) => (documentKindOf(resource) === 'config' ? this.get('config', resource) : null))
      .filter((config) => config !== null)
      .filter(({ body }) => dependencyTarget(body.schema) === schema);
  }

  /** All scopes in which a config document of this name would exist, sorted. */
  scopesOf(document: string): readonly string[] {
    this.#scopes ??= this.#scopesByDocument();
    return this.#scopes.get(document) ?? [];
  }

  /** The layers that would exist of what a service reads, lowest first. */
  layers(service: string, document: string, tenant?: string): WouldBeDocument<'config'>[] {
    return layersOf(service, document, tenant)
      .map((resource) => this.get('config', resource))
      .filter((layer) => layer !== null);
  }

  #scopesByDocument(): ReadonlyMap<string, readonly string[]> {
    const configs = [...new Set([...Object.keys(this.#live), ...this.#planned.keys()])]
      .filter((resource) => documentKindOf(resource) === 'config' && this.#digestOf(resource) !== null)
      .map(configScope);
    return new Map(
      [...Map.groupBy(configs, (one) => one.document)].map(([document, scopes]) => [
        document,
        scopes.map((one) => one.scope).sort(),
      ]),
    );
  }

  #digestOf(resource: string): Digest | null {
    const planned = this.#planned.get(resource);
    return planned ? planned.targetDigest : (this.#live[resource]?.digest ?? null);
  }
}
