import type { S3Client } from '@aws-sdk/client-s3';
import type { TrustDocument } from '../domain/evidence/trust.ts';
import { createS3Client } from '../infra/aws/aws-clients.ts';
import { createS3Bodies } from '../infra/aws/s3-bodies.ts';
import { createS3ChangeLog, type S3ChangeLog } from '../infra/aws/s3-change-log.ts';
import { verifyEd25519 } from '../infra/keys/verify-ed25519.ts';
import { DocumentHistory } from '../test/support/document-history.ts';
import { signedTrust } from '../test/support/sample-log.ts';
import type { BenchStack } from './stack.ts';

/**
 * An environment of its own in the stack's bucket, whose roles sign here instead of in KMS: what is measured is the
 * store.
 */
export class SampleStore {
  readonly trust: TrustDocument;
  readonly bucket: string;
  readonly s3: S3Client;
  readonly log: S3ChangeLog;
  readonly history: DocumentHistory;

  constructor({ workers }: BenchStack, environment: string) {
    const { aws } = workers.orchestrator;
    this.trust = signedTrust(environment);
    this.bucket = aws.bucket;
    this.s3 = createS3Client(aws);
    const store = { s3: this.s3, bucket: aws.bucket, environment };
    this.log = createS3ChangeLog({ ...store, trust: this.trust, verify: verifyEd25519 });
    this.history = new DocumentHistory({
      environment,
      append: (envelopes) => this.log.append(envelopes),
      putBody: createS3Bodies(store).put,
    });
  }

  close(): void {
    this.s3.destroy();
  }
}
