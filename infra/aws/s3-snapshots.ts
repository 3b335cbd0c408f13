import type { Signer } from '../../domain/evidence/dsse.ts';
import type { S3ChangeLog, S3ChangeLogInput } from './s3-change-log.ts';

/**
 * A log that starts from the newest snapshot that it can prove, else from the first entry. Whoever signs snapshots
 * (the orchestrator) is then believed about what came before it: enactors and voters, who believe nobody, use
 * `createS3ChangeLog` and fold everything.
 */
export function openS3ChangeLog(_input: Omit<S3ChangeLogInput, 'from'>): Promise<S3ChangeLog> {
  throw new Error('not written yet');
}

/** Stores the state folded so far, then appends the signed entry that names it. */
export function writeSnapshot(
  _input: Pick<S3ChangeLogInput, 's3' | 'bucket' | 'environment'> & {
    log: S3ChangeLog;
    signer: Signer;
    at: string;
  },
): Promise<void> {
  throw new Error('not written yet');
}
