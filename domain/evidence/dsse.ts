import { concatBytes, utf8ToBytes } from '@noble/hashes/utils.js';

/** DSSE v1.0 envelope (secure-systems-lab/dsse, envelope.md); payload and signatures are standard base64. */
export interface Envelope {
  payload: string;
  payloadType: string;
  signatures: { keyid: string; sig: string }[];
  /**
   * Parts of the statement that its payload names by digest (`detached-parts.ts`). DSSE has consumers ignore fields
   * that they do not know, so any DSSE tool verifies the signature.
   */
  parts?: Record<string, unknown>;
}

/** The in-toto attestation framework's DSSE payload type. */
export const STATEMENT_PAYLOAD_TYPE = 'application/vnd.in-toto+json';

/** DSSE pre-authentication encoding (protocol.md): what is actually signed. Lengths are in bytes. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Uint8Array {
  const type = utf8ToBytes(payloadType);
  return concatBytes(
    utf8ToBytes(`DSSEv1 ${type.length} `),
    type,
    utf8ToBytes(` ${payload.length} `),
    payload,
  );
}

/**
 * Checks one Ed25519 signature by a key of the trust document. Pure code gets it from its caller, which owns
 * parsed keys. `keyId` is the digest of the raw public key.
 */
export type VerifySignature = (keyId: string, message: Uint8Array, signature: Uint8Array) => boolean;

/** One role's or person's Ed25519 key. */
export interface Signer {
  /** Digest of the raw public key, as the trust document lists it. */
  readonly keyId: string;
  /** Raw 64-byte signature. Throws `SIGNER_UNAVAILABLE`, `THROTTLED`, `NOT_PERMITTED`. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}
