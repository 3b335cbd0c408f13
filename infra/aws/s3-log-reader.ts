import { GetObjectCommand, ListObjectVersionsCommand, type S3Client } from '@aws-sdk/client-s3';
import { DomainError, PortError } from '../../domain/errors.ts';
import { canonicalBytes, type Digest, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import { decodeLogObject, logObjectName, logObjectPrefix } from '../../domain/log/log-object.ts';
import { toPortError } from './aws-errors.ts';

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

export interface S3LogReader {
  /**
   * Follows the chain of names from a place to the head. Names beside the chain are ignored. With `last`, it first
   * checks that the object read or written last is still the first version of its name, and throws `LOG_FORKED`
   * when it is not.
   */
  follow(place: LogPlace, last?: SeenVersion): AsyncGenerator<StoredLogObject>;
}

export function createS3LogReader(input: { s3: S3Client; bucket: string; environment: string }): S3LogReader {
  const { s3, bucket, environment } = input;
  const prefix = logObjectPrefix(environment);

  async function* follow(start: LogPlace, last?: SeenVersion): AsyncGenerator<StoredLogObject> {
    let place = start;
    // Just before the names of this index, so that the one seen last is listed again.
    const marker = `${prefix}${String((last ?? start).first).padStart(20, '0')}`;
    let checked = last === undefined;
    for await (const versions of inGroups(firstVersions(marker))) {
      const again = versions.find(({ name }) => name === last?.name);
      if (again && again.versionId !== last?.versionId) throw forked(again.name);
      checked ||= again !== undefined;
      if (!checked) continue;
      const fresh = versions.filter((one) => one !== again);
      const bodies = await Promise.all(fresh.map(read));
      for (const [i, version] of fresh.entries()) {
        const bytes = bodies[i];
        if (!bytes || version.name !== logObjectName(environment, place.first, place.previous)) continue;
        const digest = digestOfBytes(bytes);
        const entries = entriesOf(bytes, place, digest);
        yield { seen: { first: place.first, ...version }, digest, entries };
        place = { first: place.first + entries.length, previous: digest };
      }
    }
    if (!checked && last) throw forked(last.name);
  }

  /** S3 lists names in order and, of one name, the newest version first; the last one seen is the first one put. */
  async function* firstVersions(marker: string): AsyncGenerator<{ name: string; versionId: string }> {
    let candidate: { name: string; versionId: string } | undefined;
    let page: { KeyMarker: string | undefined; VersionIdMarker?: string | undefined } | undefined = {
      KeyMarker: marker,
    };
    while (page) {
      const listed = await list(page);
      for (const { Key, VersionId } of listed.Versions ?? []) {
        if (Key === undefined) continue;
        if (candidate && candidate.name !== Key) yield candidate;
        candidate = { name: Key, versionId: VersionId ?? 'null' };
      }
      page = listed.IsTruncated
        ? { KeyMarker: listed.NextKeyMarker, VersionIdMarker: listed.NextVersionIdMarker }
        : undefined;
    }
    if (candidate) yield candidate;
  }

  async function list(page: { KeyMarker: string | undefined; VersionIdMarker?: string | undefined }) {
    try {
      return await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: prefix, ...page }));
    } catch (error) {
      throw toPortError('store', `list the log of ${environment}`, error);
    }
  }

  async function read({ name, versionId }: { name: string; versionId: string }): Promise<Uint8Array> {
    try {
      const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: name, VersionId: versionId }));
      return (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
    } catch (error) {
      throw toPortError('store', `read ${name}`, error);
    }
  }

  return { follow };
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
