import type { Digest } from '../../domain/evidence/canonical-json.ts';
import type { Signer } from '../../domain/evidence/dsse.ts';

export interface PersonKey {
  /** PKCS #8, PEM. Keep it in a file of mode 0600. */
  privateKeyPem: string;
  /** Raw 32-byte public key, base64: what the trust document lists. */
  publicKey: string;
  keyId: Digest;
}

export function generatePersonKey(): PersonKey {
  throw new Error('not written yet');
}

/** Throws `NOT_FOUND`, `SCHEMA_INVALID`. */
export function readPersonSigner(_pemPath: string): Signer {
  throw new Error('not written yet');
}
