import { type Digest, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import type { VerifySignature } from '../../domain/evidence/dsse.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';

/** The key id that the trust document lists: the digest of the raw 32-byte public key. */
export function keyIdOf(rawPublicKey: Uint8Array): Digest {
  return digestOfBytes(rawPublicKey);
}

/** Verifies by the keys of the trust document, each parsed once. Throws `SCHEMA_INVALID` for an unusable key. */
export function createKeyring(_trust: TrustDocument): VerifySignature {
  throw new Error('not written yet');
}
