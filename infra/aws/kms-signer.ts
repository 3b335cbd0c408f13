import { createPublicKey } from 'node:crypto';
import { GetPublicKeyCommand, type KMSClient, SignCommand } from '@aws-sdk/client-kms';
import { PortError } from '../../domain/errors.ts';
import type { Signer } from '../../domain/evidence/dsse.ts';
import { keyIdOf } from '../../domain/evidence/ed25519-key.ts';
import { rawPublicKey } from '../keys/person-keys.ts';
import { toPortError } from './aws-errors.ts';

/** AWS KMS, `Sign`: the most that one call signs with `MessageType` RAW, the only one for plain Ed25519. */
export const MAX_KMS_MESSAGE_BYTES = 4096;

/** The raw 32-byte Ed25519 public key. Throws `NOT_FOUND`, `NOT_PERMITTED`, `SIGNER_UNAVAILABLE`. */
export async function readKmsPublicKey(input: { kms: KMSClient; keyArn: string }): Promise<Uint8Array> {
  const { kms, keyArn } = input;
  let der: Uint8Array | undefined;
  try {
    ({ PublicKey: der } = await kms.send(new GetPublicKeyCommand({ KeyId: keyArn })));
  } catch (error) {
    throw toPortError('signer', `read the public key of ${keyArn}`, error);
  }
  const publicKey = der && createPublicKey({ key: Buffer.from(der), format: 'der', type: 'spki' });
  if (publicKey?.asymmetricKeyType !== 'ed25519') {
    throw new PortError('SIGNER_UNAVAILABLE', `The KMS key ${keyArn} is no Ed25519 key.`, {
      next: 'Make a key of spec ECC_NIST_EDWARDS25519 for signing and enrol it in the trust document.',
    });
  }
  return rawPublicKey(publicKey);
}

/**
 * A role's signer. Reads the public key once, to know its own id. It signs plain Ed25519 over the DSSE encoding
 * itself, so that any DSSE verifier can check it; KMS takes at most 4096 bytes for that, and more is refused with
 * `TOO_LARGE` here, because the emulator would sign it and AWS would not.
 */
export async function openKmsSigner(input: { kms: KMSClient; keyArn: string }): Promise<Signer> {
  const { kms, keyArn } = input;
  const keyId = keyIdOf(await readKmsPublicKey(input));
  return {
    keyId,
    sign: async (message) => {
      if (message.length > MAX_KMS_MESSAGE_BYTES) {
        throw new PortError(
          'TOO_LARGE',
          `The statement has ${message.length} bytes; KMS signs at most ${MAX_KMS_MESSAGE_BYTES}.`,
          { next: 'Split the change into smaller ones and declare `dependsOn`.' },
        );
      }
      try {
        const answer = await kms.send(
          new SignCommand({
            KeyId: keyArn,
            Message: message,
            MessageType: 'RAW',
            SigningAlgorithm: 'ED25519_SHA_512',
          }),
        );
        if (answer.Signature) return answer.Signature;
      } catch (error) {
        throw toPortError('signer', `sign with ${keyArn}`, error);
      }
      throw new PortError('SIGNER_UNAVAILABLE', `KMS answered without a signature of ${keyArn}.`, {
        next: 'Try again.',
      });
    },
  };
}
