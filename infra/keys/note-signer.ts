import { createPublicKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import type { Signer } from '../../domain/evidence/dsse.ts';
import { type NoteKey, type NoteKeyType, noteKey } from '../../domain/log/signed-note.ts';
import { rawPublicKey, readPersonSigner } from './person-keys.ts';

/**
 * Signs notes under a name with the Ed25519 key of a PEM file. Throws `NOT_FOUND` when it cannot be read,
 * `SCHEMA_INVALID` when it holds no Ed25519 private key or no note can have that name.
 */
export function openNoteSigner<T extends NoteKeyType>(
  type: T,
  name: string,
  pemPath: string,
): { key: NoteKey & { type: T }; signer: Signer } {
  const signer = readPersonSigner(pemPath);
  const publicKey = rawPublicKey(createPublicKey(readFileSync(pemPath)));
  return { key: noteKey(type, name, publicKey), signer };
}
