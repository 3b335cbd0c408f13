import { join } from 'node:path';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import type { Person } from '../../domain/evidence/trust.ts';
import { createKmsClient, createS3Client } from '../aws/aws-clients.ts';
import { createS3FactorStore } from '../aws/s3-factor-store.ts';
import { ensureCodeFile } from '../keys/code-file.ts';
import type { EnvironmentResources } from './bootstrap.ts';

/**
 * Second factors of the local environment's people: made once, kept beside their keys (`keys/<subject>.factor.json`),
 * and enrolled with the factor-verifier's own rights. Returns what the trust document lists of each.
 */
export async function enrolPeople(
  { environment, dir }: { environment: string; dir: string },
  { endpoint, region, bucket, roles, factorKeyArn }: EnvironmentResources,
  subjects: readonly string[],
): Promise<Map<string, Person['secondFactors']>> {
  const connection = { endpoint, region, credentials: roles['factor-verifier'].credentials };
  const [s3, kms] = [createS3Client(connection), createKmsClient(connection)];
  const store = createS3FactorStore({ s3, kms, bucket, environment, keyArn: factorKeyArn });
  try {
    const enrolled = subjects.map(async (subject) => {
      const factor = await ensureCodeFile(join(dir, 'keys', `${subject}.factor.json`));
      await store.enrol(subject, factor);
      return [subject, [{ type: 'totp' as const, commitment: digestOf(factor) }]] as const;
    });
    return new Map((await Promise.all(enrolled)).map(([subject, factors]) => [subject, [...factors]]));
  } finally {
    s3.destroy();
    kms.destroy();
  }
}
