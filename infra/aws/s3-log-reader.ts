import { ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import { DomainError, PortError } from '../../domain/errors.ts';
import { canonicalBytes, type Digest, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import { decodeLogObject, logObjectName, logObjectPrefix } from '../../domain/log/log-object.ts';
import { toPortError } from './aws-errors.ts';
import { type Bucket, readObject } from './s3-objects.ts';

/** Where the next object of the log belongs. */
export interface LogPlace {
  first: number;
  previous: Digest;
}

/** Which version of an object was read: the first that was ever put under its name. */
export interface SeenVersion {
  first: number;
  name: string;
  versionId: string;
}

export interface StoredLogObject {
  seen: SeenVersion;
  digest: Digest;
  /** At least one; an object that is no part of a log counts as one entry that says so. */
  entries: readonly Uint8Array[];
}

const CONCURRENT_READS = 16;

/** Where a log is kept. */
export interface LogStore extends Bucket {
  environment: string;
}

interface Version {
  name: string;
  versionId: string;
}

/**
 * Follows the chain of names from a place to the head. Names beside the chain are ignored. With `last`, it first
 * checks that the object read or written last is still the first version of its name.
 * Throws `LOG_FORKED` when it is not, `STORE_UNAVAILABLE`, `THROTTLED`, `NOT_PERMITTED`.
 */
export async function* followLog(
  store: LogStore,
  start: LogPlace,
  last?: SeenVersion,
): AsyncGenerator<StoredLogObject> {
  let place = start;
  let checked = last === undefined;
  // Just before the names of this index, so that the one seen last is listed again.
  const listedFrom = Math.min(start.first, last?.first ?? start.first);
  const marker = `${logObjectPrefix(store.environment)}${String(listedFrom).padStart(20, '0')}`;
  for await (const versions of inGroups(firstVersions(store, marker))) {
    const again = versions.find(({ name }) => name === last?.name);
    if (again && again.versionId !== last?.versionId) throw forked(again.name);
    checked ||= again !== undefined;
    // It is behind the place to go on from, unless somebody who knows it folds the log anew.
    const fresh = versions.filter((one) => one !== again || start.first <= (last?.first ?? -1));
    const bodies = await Promise.all(
      fresh.map(async (one) => ({ ...one, ...(await readObject(store, one.name, one.versionId)) })),
    );
    for (const { name, versionId, bytes } of bodies) {
      if (name !== logObjectName(store.environment, place.first, place.previous)) continue;
      const digest = digestOfBytes(bytes);
      const entries = entriesOf(bytes, place, digest);
      yield { seen: { first: place.first, name, versionId }, digest, entries };
      place = { first: place.first + entries.length, previous: digest };
    }
  }
  if (!checked && last) throw forked(last.name);
}

/** S3 lists names in order and, of one name, the newest version first; the last one listed is the first one put. */
async function* firstVersions(store: LogStore, marker: string): AsyncGenerator<Version> {
  let candidate: Version | undefined;
  for await (const version of allVersions(store, marker)) {
    if (candidate && candidate.name !== version.name) yield candidate;
    candidate = version;
  }
  if (candidate) yield candidate;
}

async function* allVersions({ s3, bucket, environment }: LogStore, marker: string): AsyncGenerator<Version> {
  const Prefix = logObjectPrefix(environment);
  let page: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = { KeyMarker: marker };
  try {
    for (;;) {
      const listed = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix, ...page }));
      for (const { Key, VersionId } of listed.Versions ?? []) {
        if (Key !== undefined) yield { name: Key, versionId: VersionId ?? 'null' };
      }
      if (!listed.IsTruncated) return;
      page = { KeyMarker: listed.NextKeyMarker, VersionIdMarker: listed.NextVersionIdMarker };
    }
  } catch (error) {
    throw toPortError('store', `list the log of ${environment}`, error);
  }
}

/**
 * Whoever may append may put rubbish under the next name. It must not stop the log, and everyone must count it
 * alike: it is one inert entry that names the object.
 */
function entriesOf(bytes: Uint8Array, place: LogPlace, digest: Digest): readonly Uint8Array[] {
  try {
    return decodeLogObject(bytes, place).entries;
  } catch (error) {
    if (error instanceof DomainError) return [canonicalBytes({ unreadableObject: digest })];
    throw error;
  }
}

async function* inGroups<T>(items: AsyncIterable<T>): AsyncGenerator<T[]> {
  let group: T[] = [];
  for await (const item of items) {
    group.push(item);
    if (group.length === CONCURRENT_READS) {
      yield group;
      group = [];
    }
  }
  if (group.length > 0) yield group;
}

function forked(name: string): PortError {
  return new PortError('LOG_FORKED', `The log object ${name} is not the one that was first put there.`, {
    next: 'Page: somebody with administrator rights changed the log. Its bucket holds every version; nothing is written meanwhile.',
  });
}
