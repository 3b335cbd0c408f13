/** One role's or person's Ed25519 key. */
export interface Signer {
  /** Digest of the raw public key, as the trust document lists it. */
  readonly keyId: string;
  /** Raw 64-byte signature. Throws `SIGNER_UNAVAILABLE`, `THROTTLED`, `NOT_PERMITTED`. */
  sign(message: Uint8Array): Promise<Uint8Array>;
}
