import type { KMSClient } from '@aws-sdk/client-kms';
import type { Signer } from '../../domain/evidence/dsse.ts';

/** Raw 32-byte Ed25519 public key. */
export function readKmsPublicKey(_input: { kms: KMSClient; keyArn: string }): Promise<Uint8Array> {
  throw new Error('not written yet');
}

export function openKmsSigner(_input: { kms: KMSClient; keyArn: string }): Promise<Signer> {
  throw new Error('not written yet');
}
