import { type ChangeRequest, parseChangeRequest } from '../domain/change/request.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import type { RecordSet } from '../domain/kinds/dns-records.ts';
import type { Store, StoredVersion } from './store.ts';

/** From what is live to what is wanted again; either may be a removal, `from` also null for what never was. */
export interface Return {
  from: StoredVersion | null;
  to: StoredVersion;
}

/** A change request as an author would write it, before it is read. */
export interface RequestText {
  apiVersion: 'resilience-ctl/v1';
  kind: 'ChangeRequest';
  metadata: { environment: string; reason: string };
  spec: { operations: object[]; base: Record<string, Digest | null> };
}

interface About {
  environment: string;
  reason: string;
  returns: readonly Return[];
}

/**
 * A change request that makes old versions live again: a change like any other, with bases, so that it is refused when
 * the world has moved since it was written. `file` is as an author would write it, `request` as it is read. Throws
 * `SCHEMA_INVALID` where the resources have no target in common, and what `Store.bodyOf` throws.
 */
export async function wayBack(
  store: Store,
  about: About,
): Promise<{ file: RequestText; request: ChangeRequest }> {
  const file = await requestFor(store, about);
  return { file, request: parseChangeRequest(file) };
}

/** As `wayBack`, and not read. */
export async function requestFor(store: Store, about: About): Promise<RequestText> {
  const operations = await Promise.all(
    about.returns.map(async ({ to }) => {
      const body = await store.bodyOf(to);
      if (body === undefined) return { remove: to.resource };
      return { set: to.resource, body: to.resource.startsWith('dns/') ? dnsBody(body as RecordSet[]) : body };
    }),
  );
  const base = Object.fromEntries(about.returns.map(({ from, to }) => [to.resource, from?.digest ?? null]));
  return {
    apiVersion: 'resilience-ctl/v1',
    kind: 'ChangeRequest',
    metadata: { environment: about.environment, reason: about.reason },
    spec: { operations, base },
  };
}

function dnsBody(group: readonly RecordSet[]): object {
  const ttl = group[0]?.ttlSeconds;
  const [only] = group;
  if (only && only.setIdentifier === undefined) return { ttl, values: only.values };
  return {
    ttl,
    weighted: group.map(({ setIdentifier, weight, values }) => ({ id: setIdentifier, weight, values })),
  };
}
