import {
  GetObjectCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import { PortError } from '../../domain/errors.ts';
import { isNameTaken, toPortError } from './aws-errors.ts';

/** What every store of objects does with its bucket. All throw `STORE_UNAVAILABLE`, `THROTTLED`, `NOT_PERMITTED`. */
export interface Bucket {
  s3: S3Client;
  bucket: string;
}

export interface StoredObject {
  bytes: Uint8Array;
  /** Its ETag: what an `If-Match` names. */
  version: string;
}

/** The version that is asked for, else the newest. Throws `NOT_FOUND`. */
export async function readObject(
  { s3, bucket }: Bucket,
  name: string,
  versionId?: string,
): Promise<StoredObject> {
  try {
    const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: name, VersionId: versionId }));
    return {
      bytes: (await answer.Body?.transformToByteArray()) ?? new Uint8Array(),
      version: answer.ETag ?? '',
    };
  } catch (error) {
    throw toPortError('store', `read ${name}`, error);
  }
}

/** Null where there is none. */
export async function findObject(store: Bucket, name: string): Promise<StoredObject | null> {
  try {
    return await readObject(store, name);
  } catch (error) {
    if (error instanceof PortError && error.code === 'NOT_FOUND') return null;
    throw error;
  }
}

/** No put of this product is unconditional: the bucket's policy would refuse it. */
export type PutCondition = Required<Pick<PutObjectCommandInput, 'IfMatch'>> | { IfNoneMatch: '*' };

/** Only where there is none yet, or in the place of exactly the version that was read. */
export function inPlaceOf(version: string | null): PutCondition {
  return version === null ? IF_ABSENT : { IfMatch: version };
}

export const IF_ABSENT: PutCondition = { IfNoneMatch: '*' };

/** The ETag of what was put; null when another is there, or is being put right now. */
export async function putObject(
  { s3, bucket }: Bucket,
  name: string,
  bytes: Uint8Array,
  condition: PutCondition,
  contentType?: string,
): Promise<string | null> {
  try {
    const answer = await s3.send(
      new PutObjectCommand({
        ...{ Bucket: bucket, Key: name, Body: bytes, ...condition },
        ...(contentType === undefined ? {} : { ContentType: contentType }),
      }),
    );
    return answer.ETag ?? '';
  } catch (error) {
    if (isNameTaken(error)) return null;
    throw toPortError('store', `put ${name}`, error);
  }
}

/** Every object under a prefix, in the order of their names; `what` they are, for an error. */
export async function* listObjects(
  { s3, bucket }: Bucket,
  prefix: string,
  what: string,
): AsyncGenerator<{ name: string; sizeBytes: number }> {
  let token: string | undefined;
  try {
    do {
      const page = await s3.send(
        new ListObjectsV2Command({ Bucket: bucket, Prefix: prefix, ContinuationToken: token }),
      );
      for (const { Key, Size } of page.Contents ?? []) {
        if (Key !== undefined) yield { name: Key, sizeBytes: Size ?? 0 };
      }
      token = page.NextContinuationToken;
    } while (token !== undefined);
  } catch (error) {
    throw toPortError('store', `list ${what}`, error);
  }
}
