import {
  GetBucketPolicyCommand,
  GetBucketVersioningCommand,
  GetObjectLockConfigurationCommand,
  HeadBucketCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { z } from 'zod';
import { PortError } from '../../domain/errors.ts';
import { toPortError } from './aws-errors.ts';

/** What a bucket promises; null where whoever asks may not know. */
export interface BucketSettings {
  versioning: boolean | null;
  objectLock: boolean | null;
  /** Its policy denies puts that could replace an object, whoever asks. */
  refusesOverwrites: boolean | null;
  refusesDeletes: boolean | null;
}

/** Throws `STORE_UNAVAILABLE`, `NOT_FOUND`. */
export async function readBucketSettings(s3: S3Client, bucket: string): Promise<BucketSettings> {
  const [versioning, lock, policy] = await Promise.all([
    ask('versioning', async () => {
      const { Status } = await s3.send(new GetBucketVersioningCommand({ Bucket: bucket }));
      return Status === 'Enabled';
    }),
    ask('Object Lock', async () => {
      const answer = await s3.send(new GetObjectLockConfigurationCommand({ Bucket: bucket }));
      return answer.ObjectLockConfiguration?.ObjectLockEnabled === 'Enabled';
    }),
    ask('policy', async () => {
      const { Policy } = await s3.send(new GetBucketPolicyCommand({ Bucket: bucket }));
      return policySchema.parse(JSON.parse(Policy ?? '{}')).Statement;
    }),
  ]);
  return {
    versioning,
    objectLock: lock,
    refusesOverwrites: policy === null ? null : policy && denies(policy, 's3:PutObject'),
    refusesDeletes: policy === null ? null : policy && denies(policy, 's3:DeleteObjectVersion'),
  };
}

/** The store's own clock, by the date of an answer. Throws `STORE_UNAVAILABLE`, `NOT_FOUND`. */
export async function readStoreClock(s3: S3Client, bucket: string): Promise<number> {
  let date: string | undefined;
  const command = new HeadBucketCommand({ Bucket: bucket });
  command.middlewareStack.add(
    (next) => async (args) => {
      const result = await next(args);
      const { headers } = result.response as { headers?: Record<string, string> };
      date = headers?.date;
      return result;
    },
    { step: 'deserialize', priority: 'low' },
  );
  try {
    await s3.send(command);
  } catch (error) {
    throw toPortError('store', `reach the bucket ${bucket}`, error);
  }
  const dateMs = Date.parse(date ?? '');
  if (!Number.isNaN(dateMs)) return dateMs;
  throw new PortError('STORE_UNAVAILABLE', 'The store answered without its time.', {
    next: 'See what stands between this machine and the store.',
  });
}

const policySchema = z.object({
  Statement: z
    .array(
      z.object({
        Effect: z.string(),
        Principal: z.unknown(),
        Action: z.union([z.string(), z.array(z.string())]),
      }),
    )
    .default([]),
});

function denies(statements: z.infer<typeof policySchema>['Statement'], action: string): boolean {
  return statements.some(
    ({ Effect, Principal, Action }) =>
      Effect === 'Deny' && Principal === '*' && [Action].flat().includes(action),
  );
}

/** False where there is no such setting, null where asking is not allowed. */
async function ask<T>(what: string, question: () => Promise<T>): Promise<T | false | null> {
  try {
    return await question();
  } catch (error) {
    if (error instanceof Error && NOT_SET.test(error.name)) return false;
    const failure = toPortError('store', `ask the bucket for its ${what}`, error);
    if (failure.code === 'NOT_PERMITTED') return null;
    throw failure;
  }
}

const NOT_SET = /^(NoSuchBucketPolicy|ObjectLockConfigurationNotFoundError)$/;
