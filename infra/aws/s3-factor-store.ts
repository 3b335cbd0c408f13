import { DecryptCommand, EncryptCommand, type KMSClient } from '@aws-sdk/client-kms';
import {
  GetObjectCommand,
  PutObjectCommand,
  type PutObjectCommandInput,
  type S3Client,
} from '@aws-sdk/client-s3';
import type { SealedFactorStore } from '../../activities/ports/factor-store.ts';
import type { EnrolledFactor } from '../../domain/approval/enrolled-factor.ts';
import { type FactorUse, UNUSED } from '../../domain/approval/factor-use.ts';
import { PortError } from '../../domain/errors.ts';
import {
  canonicalBytes,
  type Digest,
  digestHex,
  digestOf,
  parseJsonBytes,
} from '../../domain/evidence/canonical-json.ts';
import { isNameTaken, toPortError } from './aws-errors.ts';

/**
 * Objects `factors/<environment>/<person>/<commitment>/secret`, encrypted with KMS for this environment and person, and
 * `…/use`, which is replaced by `If-Match` on what was read. Every version stays: the bucket refuses deletes.
 */
export function createS3FactorStore(input: {
  s3: S3Client;
  kms: KMSClient;
  bucket: string;
  environment: string;
  /** A symmetric key that only the factor-verifier may use. */
  keyArn: string;
}): SealedFactorStore {
  const { s3, kms, bucket, environment, keyArn } = input;
  const nameOf = (person: string, commitment: Digest, what: 'secret' | 'use') =>
    `factors/${environment}/${encodeURIComponent(person)}/${digestHex(commitment)}/${what}`;
  const contextOf = (person: string) => ({ environment, person });

  async function read(name: string): Promise<{ bytes: Uint8Array; version: string } | null> {
    try {
      const answer = await s3.send(new GetObjectCommand({ Bucket: bucket, Key: name }));
      const bytes = (await answer.Body?.transformToByteArray()) ?? new Uint8Array();
      return { bytes, version: answer.ETag ?? '' };
    } catch (error) {
      const failure = toPortError('store', `read ${name}`, error);
      if (failure.code === 'NOT_FOUND') return null;
      throw failure;
    }
  }

  async function put(
    name: string,
    bytes: Uint8Array,
    condition: Pick<PutObjectCommandInput, 'IfMatch' | 'IfNoneMatch'>,
  ): Promise<boolean> {
    try {
      await s3.send(new PutObjectCommand({ Bucket: bucket, Key: name, Body: bytes, ...condition }));
      return true;
    } catch (error) {
      if (isNameTaken(error)) return false;
      throw toPortError('store', `put ${name}`, error);
    }
  }

  async function encrypt(person: string, plaintext: Uint8Array): Promise<Uint8Array> {
    try {
      const answer = await kms.send(
        new EncryptCommand({ KeyId: keyArn, Plaintext: plaintext, EncryptionContext: contextOf(person) }),
      );
      if (answer.CiphertextBlob) return answer.CiphertextBlob;
    } catch (error) {
      throw toPortError('signer', `encrypt with ${keyArn}`, error);
    }
    throw emptyAnswer(keyArn);
  }

  async function decrypt(person: string, ciphertext: Uint8Array): Promise<Uint8Array> {
    try {
      const answer = await kms.send(
        new DecryptCommand({
          KeyId: keyArn,
          CiphertextBlob: ciphertext,
          EncryptionContext: contextOf(person),
        }),
      );
      if (answer.Plaintext) return answer.Plaintext;
    } catch (error) {
      throw toPortError('signer', `decrypt with ${keyArn}`, error);
    }
    throw emptyAnswer(keyArn);
  }

  async function sealed(person: string, commitment: Digest): Promise<Uint8Array> {
    const stored = await read(nameOf(person, commitment, 'secret'));
    if (stored !== null) return stored.bytes;
    throw new PortError('NOT_FOUND', `The second factor ${commitment} of ${person} is not kept here.`, {
      next: 'Make a new one with `resilience-ctl factor enrol` and have it listed instead.',
    });
  }

  async function open(person: string, commitment: Digest, bytes: Uint8Array): Promise<EnrolledFactor> {
    const factor = parseJsonBytes(await decrypt(person, bytes)) as EnrolledFactor;
    if (digestOf(factor) === commitment) return factor;
    throw new PortError('DIGEST_MISMATCH', `Kept for ${person} is another factor than ${commitment}.`, {
      next: 'Page: somebody changed the store of second factors.',
    });
  }

  return {
    sealed,
    open,
    factor: async (person, commitment) => open(person, commitment, await sealed(person, commitment)),
    async enrol(person, factor) {
      const commitment = digestOf(factor);
      const ciphertext = await encrypt(person, canonicalBytes(factor));
      await put(nameOf(person, commitment, 'secret'), ciphertext, { IfNoneMatch: '*' });
      return commitment;
    },
    async use(person, commitment) {
      const stored = await read(nameOf(person, commitment, 'use'));
      if (stored === null) return { use: UNUSED, version: null, isAlone: false };
      return { use: parseJsonBytes(stored.bytes) as FactorUse, version: stored.version, isAlone: false };
    },
    replaceUse: (person, commitment, use, version) =>
      put(
        nameOf(person, commitment, 'use'),
        canonicalBytes(use),
        version === null ? { IfNoneMatch: '*' } : { IfMatch: version },
      ),
  };
}

function emptyAnswer(keyArn: string): PortError {
  return new PortError('SIGNER_UNAVAILABLE', `KMS answered with nothing for ${keyArn}.`, {
    next: 'Try again.',
  });
}
