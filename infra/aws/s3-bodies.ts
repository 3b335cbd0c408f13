import type { S3Client } from '@aws-sdk/client-s3';
import type { Bodies } from '../../activities/ports/bodies.ts';

export function createS3Bodies(_input: { s3: S3Client; bucket: string; environment: string }): Bodies {
  throw new Error('not written yet');
}
