import { type NoteKeyType, noteKey } from '../../domain/log/signed-note.ts';
import { signerOf, trustedKeys } from './sample-log.ts';

/** A key under a note's name, made from its holder's name; see `signerOf`. */
export function noteSigner<T extends NoteKeyType>(type: T, name: string, holder = name) {
  const [trusted] = trustedKeys(holder);
  const publicKey = new Uint8Array(Buffer.from(trusted?.publicKey ?? '', 'base64'));
  return { key: noteKey(type, name, publicKey), sign: signerOf(holder).sign };
}
