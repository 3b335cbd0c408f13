import { bytesToHex } from '@noble/hashes/utils.js';
import { fromBase64 } from './base64.ts';
import { type Digest, digestOfBytes } from './canonical-json.ts';

export const PUBLIC_KEY_BYTES = 32;

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

/** Whether 32 bytes are an Ed25519 key under which a signature fits many messages. */
export function isSmallOrder(raw: Uint8Array): boolean {
  return SMALL_ORDER_POINTS.has(bytesToHex(withoutSign(raw)));
}

/**
 * Why nobody should be enrolled with these 32 bytes, or null. The coordinate must be below the prime 2²⁵⁵ − 19 (RFC
 * 8032 §5.1.3, step 1), so that one point has one key id. Bytes that are no point at all cannot be told apart here;
 * nothing verifies under them.
 */
export function whyWeak(raw: Uint8Array): string | null {
  if (isSmallOrder(raw)) return 'is a point of small order';
  const [lowest = 0, ...others] = withoutSign(raw);
  const highest = others.pop();
  const reachesPrime = lowest >= 0xed && highest === 0x7f && others.every((byte) => byte === 0xff);
  return reachesPrime ? 'is not the canonical encoding of its point' : null;
}

/** What is wrong with a key of the trust document: its length, its id, or the point itself. Null when nothing is. */
export function whyUnusable({ keyId, publicKey }: { keyId: string; publicKey: string }): string | null {
  const raw = fromBase64(publicKey);
  if (raw?.length !== PUBLIC_KEY_BYTES) return `is not ${PUBLIC_KEY_BYTES} bytes`;
  if (keyIdOf(raw) !== keyId) return 'has another digest';
  return whyWeak(raw);
}

function withoutSign(raw: Uint8Array): Uint8Array {
  return raw.map((byte, i) => (i === PUBLIC_KEY_BYTES - 1 ? byte & 0x7f : byte));
}
