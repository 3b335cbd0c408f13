import { createPublicKey, type KeyObject, verify } from 'node:crypto';
import { DomainError } from '../../domain/errors.ts';
import { fromBase64 } from '../../domain/evidence/base64.ts';
import { type Digest, digestOfBytes } from '../../domain/evidence/canonical-json.ts';
import type { VerifySignature } from '../../domain/evidence/dsse.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';

const PUBLIC_KEY_BYTES = 32;

/**
 * Encodings of the points of order 1, 2, 4 and 8 (RFC 8032 §5.1; libsodium's list), sign bit cleared. Under such a
 * key a signature fits many messages. OpenSSL does not look.
 */
const SMALL_ORDER_POINTS: ReadonlySet<string> = new Set([
  '0000000000000000000000000000000000000000000000000000000000000000',
  '0100000000000000000000000000000000000000000000000000000000000000',
  '26e8958fc2b227b045c3f489f2ef98f0d5dfac05d3c63339b13802886d53fc05',
  'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
  'ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
  'eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f',
]);

/** The key id that the trust document lists: the digest of the raw 32-byte public key. */
export function keyIdOf(rawPublicKey: Uint8Array): Digest {
  return digestOfBytes(rawPublicKey);
}

/**
 * Verifies by the keys of the trust document, each parsed once; false for any other key. Throws `SCHEMA_INVALID` for
 * a key that is not 32 bytes, has another id, or is a point of small order. Bytes that are no point at all cannot
 * be told apart here; nothing verifies under them.
 */
export function createKeyring(trust: TrustDocument): VerifySignature {
  const keys = new Map<string, KeyObject>();
  for (const { keyId, publicKey } of [...trust.people, ...trust.services].flatMap((holder) => holder.keys)) {
    keys.set(keyId, parsePublicKey(keyId, publicKey));
  }
  return (keyId, message, signature) => {
    const key = keys.get(keyId);
    return key !== undefined && verify(null, message, key, signature);
  };
}

function parsePublicKey(keyId: string, publicKey: string): KeyObject {
  const raw = fromBase64(publicKey);
  if (raw?.length !== PUBLIC_KEY_BYTES) throw unusable(keyId, 'is not the base64 of 32 bytes');
  if (keyIdOf(raw) !== keyId) throw unusable(keyId, 'has another digest than its id says');
  if (isSmallOrder(raw)) throw unusable(keyId, 'is a point of small order');
  const x = Buffer.from(raw).toString('base64url');
  return createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x }, format: 'jwk' });
}

/** Whether 32 bytes are an Ed25519 key under which a signature fits many messages. */
export function isSmallOrder(raw: Uint8Array): boolean {
  const point = Buffer.from(raw);
  point.writeUInt8(point.readUInt8(PUBLIC_KEY_BYTES - 1) & 0x7f, PUBLIC_KEY_BYTES - 1);
  return SMALL_ORDER_POINTS.has(point.toString('hex'));
}

function unusable(keyId: string, why: string): DomainError {
  return new DomainError('SCHEMA_INVALID', `The public key ${keyId} of the trust document ${why}.`, {
    next: 'Replace the key, sign the trust document again and pin its new digest.',
  });
}
