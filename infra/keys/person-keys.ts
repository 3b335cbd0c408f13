import { createPrivateKey, createPublicKey, generateKeyPairSync, type KeyObject, sign } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { DomainError } from '../../domain/errors.ts';
import type { Digest } from '../../domain/evidence/canonical-json.ts';
import type { Signer } from '../../domain/evidence/dsse.ts';
import { keyIdOf } from '../../domain/evidence/ed25519-key.ts';

export interface PersonKey {
  /** PKCS #8, PEM. Keep it in a file of mode 0600. */
  privateKeyPem: string;
  /** Raw 32-byte public key, base64: what the trust document lists. */
  publicKey: string;
  keyId: Digest;
}

export function generatePersonKey(): PersonKey {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519');
  const raw = rawPublicKey(publicKey);
  return {
    privateKeyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }).toString(),
    publicKey: raw.toString('base64'),
    keyId: keyIdOf(raw),
  };
}

/** Throws `NOT_FOUND` when the file cannot be read, `SCHEMA_INVALID` when it holds no Ed25519 private key. */
export function readPersonSigner(pemPath: string): Signer {
  const privateKey = parsePrivateKey(readPem(pemPath), pemPath);
  return {
    keyId: keyIdOf(rawPublicKey(createPublicKey(privateKey))),
    sign: async (message) => sign(null, message, privateKey),
  };
}

/** The 32 bytes of an Ed25519 public key. */
export function rawPublicKey(publicKey: KeyObject): Buffer {
  return Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url');
}

function readPem(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (cause) {
    throw new DomainError(
      'NOT_FOUND',
      `The private key ${path} cannot be read: ${cause instanceof Error ? cause.message : String(cause)}`,
      { next: 'Make one with `resilience-ctl keys create SUBJECT`, or correct the path.' },
      cause,
    );
  }
}

function parsePrivateKey(pem: string, path: string): KeyObject {
  let key: KeyObject;
  try {
    key = createPrivateKey(pem);
  } catch (cause) {
    // The cause is kept out of the message: it could quote the file.
    throw new DomainError('SCHEMA_INVALID', `${path} holds no private key in PEM.`, { next: NEXT }, cause);
  }
  if (key.asymmetricKeyType !== 'ed25519') {
    throw new DomainError(
      'SCHEMA_INVALID',
      `${path} holds a key of type ${key.asymmetricKeyType}, not Ed25519.`,
      {
        next: NEXT,
      },
    );
  }
  return key;
}

const NEXT =
  'Make a key with `resilience-ctl keys create SUBJECT` and have it enrolled in the trust document.';
