import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { isSmallOrder, PUBLIC_KEY_BYTES } from '../../domain/evidence/ed25519-key.ts';
import type { VerifyEd25519 } from '../../domain/log/signed-note.ts';

/** Keys are parsed once: those of every trust document so far, of logs and of witnesses. */
const MAX_PARSED = 4096;
const parsed = new Map<string, KeyObject | null>();

/** By OpenSSL. False, too, for a key that is none, and for a point of small order, under which much would verify. */
export const verifyEd25519: VerifyEd25519 = (publicKey, message, signature) => {
  const key = parse(publicKey);
  return key !== null && verify(null, message, key, signature);
};

function parse(publicKey: Uint8Array): KeyObject | null {
  const x = Buffer.from(publicKey).toString('base64url');
  const known = parsed.get(x);
  if (known !== undefined) return known;
  const usable = publicKey.length === PUBLIC_KEY_BYTES && !isSmallOrder(publicKey);
  const key = usable ? createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' }) : null;
  if (parsed.size >= MAX_PARSED) parsed.clear();
  parsed.set(x, key);
  return key;
}
