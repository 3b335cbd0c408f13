import { expect, test } from 'vitest';
import { parseCheckpoint, verifiedSignature } from '../../domain/log/checkpoint.ts';
import {
  decodeNote,
  encodeNote,
  formatVkey,
  noteKey,
  parseVkey,
  signaturesOf,
} from '../../domain/log/signed-note.ts';
import { verifyEd25519 } from '../../infra/keys/verify-ed25519.ts';
import { hex } from '../support/merkle.ts';

const text = new TextEncoder();

/** Notes that others signed: of C2SP signed-note, and of the documentation of Go's `sumdb/note`. */
const SIGNED = [
  {
    vkey: 'example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k',
    note: `This is an example message.

— example.com/foo Uw2QOkn8srV1yJGh2VYRlL1Tnagv1YEq6TfXppzi2ONncAlTgK7Ztg1ERYNZXsYjOBH3mFXmRKuwHjG1Yu72IneyaQM=
`,
  },
  {
    vkey: 'PeterNeumann+c74f20a3+ARpc2QcUPDhMQegwxbzhKqiBfsVkmqq/LDE4izWy10TW',
    note: `If you think cryptography is the answer to your problem,
then you don't know what your problem is.

— PeterNeumann x08go/ZJkuBS9UG/SffcvIAQxVBtiFupLLr8pAcElZInNIuGUgYN1FFYC2pZSNXgKvqfqdngotpRZb6KE6RyyBwJnAM=
`,
  },
];

test.each(SIGNED)('$vkey verifies the note that it signed', ({ vkey, note }) => {
  const key = parseVkey(vkey);
  const decoded = decodeNote(text.encode(note));
  const [own] = signaturesOf(decoded, key);
  expect(own && verifiedSignature(decoded.text, own.signature, key, verifyEd25519)).toEqual({ timeS: null });
  expect(own && verifiedSignature(`${decoded.text}x\n`, own.signature, key, verifyEd25519)).toBeNull();
  expect(hex(encodeNote(decoded))).toBe(hex(text.encode(note)));
  expect(key.type === 'ed25519' && formatVkey({ ...key, type: key.type })).toBe(vkey);
});

test('the text may have empty lines: the last one divides', () => {
  const note = `Ognuno sta solo sul cuor della terra
trafitto da un raggio di sole:

ed è subito sera.

— quasimodo.example/salvatore NnugSzTjtVAewIS+Z/iJhUPeFDkO/5QQ2i5ddnGITLlC+EhfLW9oJKONrMouFSQU0xMcXxj99ihAQwaqP3ZekRwNtIc=
`;
  const decoded = decodeNote(text.encode(note));
  expect(decoded.text.endsWith('ed è subito sera.\n')).toBe(true);
  expect(decoded.signatures.map(({ name, keyId }) => [name, keyId])).toEqual([
    ['quasimodo.example/salvatore', '367ba04b'],
  ]);
});

test("the cosigned checkpoint of C2SP tlog-cosignature is read, its witness's time included", () => {
  const decoded = decodeNote(
    text.encode(`example.com/behind-the-sofa
20852163
CsUYapGGPo4dkMgIAUqom/Xajj7h2fB2MPA3j2jxq2I=

— example.com/behind-the-sofa Az3grlgtzPICa5OS8npVmf1Myq/5IZniMp+ZJurmRDeOoRDe4URYN7u5/Zhcyv2q1gGzGku9nTo+zyWE+xeMcTOAYQ8=
— witness.example.com/w1 jWbPPwAAAABkGFDLEZMHwSRaJNiIDoe9DYn/zXcrtPHeolMI5OWXEhZCB9dlrDJsX3b2oyin1nPZqhf5nNo0xUe+mbIUBkBIfZ+qnA==
`),
  );
  const { origin, size } = parseCheckpoint(decoded.text);
  expect({ origin, size }).toEqual({ origin: 'example.com/behind-the-sofa', size: 20_852_163 });
  const [, cosignature] = decoded.signatures;
  // Nobody published the keys. What is signed shows in what the verifier is asked.
  const asked: string[] = [];
  const key = noteKey('cosignature/v1', 'witness.example.com/w1', new Uint8Array(32));
  const verdict = verifiedSignature(
    decoded.text,
    cosignature?.signature ?? new Uint8Array(),
    key,
    (_, message, rest) => {
      asked.push(new TextDecoder().decode(message));
      return rest.length === 64;
    },
  );
  expect(verdict).toEqual({ timeS: 1_679_315_147 });
  expect(asked).toEqual([`cosignature/v1\ntime 1679315147\n${decoded.text}`]);
});

test('the same key under another type has another id', () => {
  const publicKey = parseVkey(SIGNED[0]?.vkey ?? '').publicKey;
  expect(noteKey('ed25519', 'example.com/foo', publicKey).keyId).toBe('530d903a');
  expect(noteKey('cosignature/v1', 'example.com/foo', publicKey).keyId).not.toBe('530d903a');
});
