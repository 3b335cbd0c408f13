import { DecryptCommand, EncryptCommand, type KMSClient } from '@aws-sdk/client-kms';
import type { SealedFactorStore } from '../../activities/ports/factor-store.ts';
import type { EnrolledFactor } from '../../domain/approval/enrolled-factor.ts';
import { parseFactorUse, UNUSED } from '../../domain/approval/factor-use.ts';
import { PortError } from '../../domain/errors.ts';
import {
  canonicalBytes,
  type Digest,
  digestHex,
  digestOf,
  parseJsonBytes,
} from '../../domain/evidence/canonical-json.ts';
import { toPortError } from './aws-errors.ts';
import { type Bucket, findObject, IF_ABSENT, inPlaceOf, putObject } from './s3-objects.ts';

/**
 * Objects `factors/<environment>/<person>/<commitment>/secret`, encrypted with KMS for this environment and person, and
 * `…/use`, which is replaced by `If-Match` on what was read. Every version stays: the bucket refuses deletes.
 */
export function createS3FactorStore(
  input: Bucket & {
    kms: KMSClient;
    environment: string;
    /** A symmetric key that only the factor-verifier may use. */
    keyArn: string;
  },
): SealedFactorStore {
  const { kms, environment, keyArn } = input;
  const nameOf = (person: string, commitment: Digest, what: 'secret' | 'use') =>
    `factors/${environment}/${encodeURIComponent(person)}/${digestHex(commitment)}/${what}`;
  const contextOf = (person: string) => ({ environment, person });

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
    const stored = await findObject(input, nameOf(person, commitment, 'secret'));
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
      await putObject(input, nameOf(person, commitment, 'secret'), ciphertext, IF_ABSENT);
      return commitment;
    },
    async use(person, commitment) {
      const stored = await findObject(input, nameOf(person, commitment, 'use'));
      if (stored === null) return { use: UNUSED, version: null, isAlone: false };
      return { use: parseFactorUse(stored.bytes), version: stored.version, isAlone: false };
    },
    async replaceUse(person, commitment, use, version) {
      const name = nameOf(person, commitment, 'use');
      return (await putObject(input, name, canonicalBytes(use), inPlaceOf(version))) !== null;
    },
  };
}

function emptyAnswer(keyArn: string): PortError {
  return new PortError('SIGNER_UNAVAILABLE', `KMS answered with nothing for ${keyArn}.`, {
    next: 'Try again.',
  });
}
