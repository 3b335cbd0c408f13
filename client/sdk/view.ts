import { type Arm, armFor, type ConsumerPlace } from '../../domain/canary/consumer-arm.ts';
import { type Digest, parseJsonBytes } from '../../domain/evidence/canonical-json.ts';
import { readBody } from '../../domain/kinds/document-bodies.ts';
import { type DocumentKind, documentKindOf } from '../../domain/kinds/documents.ts';
import type { LiveVersion, LogState } from '../../domain/log/state.ts';
import type { LiveDocument } from './control-plane-client.ts';

/** All that one consumer is served at one size of the log. It is replaced whole, so that nobody sees half a batch. */
export interface View {
  index: number;
  documents: ReadonlyMap<string, LiveDocument>;
  exposures: readonly Exposure[];
}

/** A resource of which a change exposes another version, and what this consumer got of it. */
export interface Exposure {
  changeId: string;
  resource: string;
  arm: Arm;
  digest: Digest | null;
}

const CONCURRENT_LOADS = 16;

interface Wanted {
  resource: string;
  kind: DocumentKind;
  version: string;
  digest: Digest;
  arm: Arm;
  index: number;
}

/**
 * What a state means to one consumer. Bodies of `before` are not loaded again. Throws what `load` throws, and
 * `SCHEMA_INVALID` or `ENTRY_MALFORMED` for a body that is none of its kind: then there is no view at all.
 */
export async function viewOf(
  state: LogState,
  consumer: ConsumerPlace,
  before: View | null,
  load: (digest: Digest) => Promise<Uint8Array>,
): Promise<View> {
  const documents = new Map<string, LiveDocument>();
  const { wanted, exposures } = wantedOf(state, consumer);
  const missing: Wanted[] = [];
  for (const one of wanted) {
    const known = before?.documents.get(one.resource);
    if (known?.digest === one.digest) documents.set(one.resource, documentOf(one, known.value));
    else missing.push(one);
  }
  for (let at = 0; at < missing.length; at += CONCURRENT_LOADS) {
    const group = missing.slice(at, at + CONCURRENT_LOADS);
    await Promise.all(
      group.map(async (one) => {
        documents.set(one.resource, documentOf(one, readValue(one.kind, await load(one.digest))));
      }),
    );
  }
  return { index: state.size, documents, exposures };
}

/** Bodies worth keeping: of both arms, so that a withdrawal can be followed without asking anybody. */
export function digestsIn({ live }: LogState): Set<Digest> {
  const documents = Object.entries(live).filter(([resource]) => documentKindOf(resource) !== null);
  const digests = documents.flatMap(([, { digest, canary }]) => [digest, canary?.digest ?? null]);
  return new Set(digests.filter((digest) => digest !== null));
}

function wantedOf({ live }: LogState, consumer: ConsumerPlace) {
  const wanted: Wanted[] = [];
  const exposures: Exposure[] = [];
  for (const [resource, base] of Object.entries(live)) {
    const kind = documentKindOf(resource);
    if (kind === null) continue;
    const { arm, digest, version, index } = appliedOf(base, consumer);
    if (base.canary) exposures.push({ changeId: base.canary.changeId, resource, arm, digest });
    if (digest !== null && version !== null) wanted.push({ resource, kind, version, digest, arm, index });
  }
  return { wanted, exposures };
}

function appliedOf(
  base: LiveVersion,
  consumer: ConsumerPlace,
): Pick<LiveVersion, 'digest' | 'version' | 'index'> & { arm: Arm } {
  const { canary } = base;
  return canary && armFor(consumer, canary) === 'canary'
    ? { ...canary, arm: 'canary' }
    : { ...base, arm: 'stable' };
}

function documentOf({ resource, version, digest, arm, index }: Wanted, value: LiveDocument['value']) {
  return Object.freeze({ resource, version, digest, arm, index, value });
}

function readValue(kind: DocumentKind, bytes: Uint8Array): LiveDocument['value'] {
  const body = parseJsonBytes(bytes);
  switch (kind) {
    case 'config':
      return deepFreeze(readBody(kind, body).value);
    case 'schema':
      return deepFreeze(readBody(kind, body));
    case 'switch':
      return deepFreeze(readBody(kind, body));
    case 'policy':
      return deepFreeze(readBody(kind, body));
  }
}

export function deepFreeze<T>(value: T): T {
  if (typeof value === 'object' && value !== null && !Object.isFrozen(value)) {
    Object.freeze(value);
    for (const one of Object.values(value)) deepFreeze(one);
  }
  return value;
}

/** Resources whose served version is another, or that came or went. */
export function movedBetween(before: View | null, after: View): string[] {
  if (before === after) return [];
  const of = (view: View | null, resource: string) => view?.documents.get(resource)?.digest;
  const resources = new Set([...(before?.documents.keys() ?? []), ...after.documents.keys()]);
  return [...resources].filter((resource) => of(before, resource) !== of(after, resource));
}
