import {
  GetObjectCommand,
  ListObjectVersionsCommand,
  type ListObjectVersionsCommandOutput,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { StoredName, StoredObjects, StoredPart } from '../../activities/ports/stored-objects.ts';
import { PortError } from '../../domain/errors.ts';
import { genesisDigest } from '../../domain/log/log-object.ts';
import { isNameTaken, toPortError } from './aws-errors.ts';
import { bodyName } from './s3-bodies.ts';
import { followLog, type LogStore } from './s3-log-reader.ts';
import { snapshotName } from './s3-snapshots.ts';
import { tileName } from './s3-tile-store.ts';

/** `keeper`: the one who may put over what is there; without it `restore` is refused. */
export function createS3StoredObjects(store: LogStore, keeper: S3Client | null): StoredObjects {
  const { s3, bucket, environment } = store;
  return {
    async *log() {
      const start = { first: 0, previous: genesisDigest(environment) };
      for await (const { seen, digest, entries } of followLog(store, start)) {
        yield { name: seen.name, first: seen.first, digest, entries };
      }
    },

    list: (part) => listVersions(store, part),

    async read(name, versionId) {
      try {
        const answer = await s3.send(
          new GetObjectCommand({ Bucket: bucket, Key: name, VersionId: versionId }),
        );
        return (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      } catch (error) {
        throw toPortError('store', `read version ${versionId} of ${name}`, error);
      }
    },

    async restore(name, bytes, over) {
      if (keeper === null) throw notTheKeeper(name);
      const condition = over === null ? { IfNoneMatch: '*' } : { IfMatch: over };
      try {
        await keeper.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: bytes, ...condition }));
      } catch (error) {
        if (isNameTaken(error)) throw movedMeanwhile(name);
        throw toPortError('store', `restore ${name}`, error);
      }
    },

    names: {
      body: (digest) => bodyName(environment, digest),
      snapshot: ({ size, stateDigest }) => snapshotName(environment, size, stateDigest),
      tile: (path) => tileName(environment, path),
    },
  };
}

/** S3 lists the newest version of a name first. */
async function listVersions(
  { s3, bucket, environment }: LogStore,
  part: StoredPart,
): Promise<Map<string, StoredName>> {
  const names = new Map<string, StoredName>();
  const of = (name: string) => {
    const known = names.get(name) ?? { name, versions: [], isDeleted: false };
    names.set(name, known);
    return known;
  };
  const Prefix = `${part}/${environment}/`;
  let page: { KeyMarker?: string | undefined; VersionIdMarker?: string | undefined } = {};
  for (;;) {
    let listed: ListObjectVersionsCommandOutput;
    try {
      listed = await s3.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix, ...page }));
    } catch (error) {
      throw toPortError('store', `list ${Prefix}`, error);
    }
    for (const { Key, VersionId, ETag } of listed.Versions ?? []) {
      if (Key !== undefined) of(Key).versions.unshift({ versionId: VersionId ?? 'null', tag: ETag ?? '' });
    }
    for (const { Key, IsLatest } of listed.DeleteMarkers ?? []) {
      if (Key !== undefined && IsLatest) of(Key).isDeleted = true;
    }
    if (!listed.IsTruncated) return names;
    page = { KeyMarker: listed.NextKeyMarker, VersionIdMarker: listed.NextVersionIdMarker };
  }
}

function notTheKeeper(name: string): PortError {
  return new PortError('NOT_PERMITTED', `Only the bucket's keeper may restore ${name}.`, {
    next: "Run it where the installation has the keeper's credentials.",
  });
}

function movedMeanwhile(name: string): PortError {
  return new PortError('STALE_BASE', `Something else was put as ${name} meanwhile.`, {
    next: 'Check the store again.',
  });
}
