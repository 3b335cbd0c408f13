import type { S3Client } from '@aws-sdk/client-s3';
import type { ChangeLog } from '../../activities/ports/change-log.ts';
import type { Digest } from '../../domain/evidence/canonical-json.ts';
import type { VerifySignature } from '../../domain/evidence/dsse.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import type { LogState } from '../../domain/log/state.ts';

/** A folded prefix of the log, and what its next object is named by. */
export interface LogPosition {
  state: LogState;
  /** Digest of the last object folded. */
  previous: Digest;
}

export interface S3ChangeLogInput {
  s3: S3Client;
  bucket: string;
  environment: string;
  trust: TrustDocument;
  verify: VerifySignature;
  /** Where a snapshot ends; absent: the log is folded from its first entry. */
  from?: LogPosition;
}

export interface S3ChangeLog extends ChangeLog {
  /** The prefix that this instance has folded, for a snapshot. */
  position(): LogPosition;
}

export function createS3ChangeLog(_input: S3ChangeLogInput): S3ChangeLog {
  throw new Error('not written yet');
}
