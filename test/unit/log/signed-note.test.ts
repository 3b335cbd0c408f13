import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { verifiedSignature } from '../../../domain/log/checkpoint.ts';
import {
  decodeNote,
  encodeNote,
  formatVkey,
  type NoteSignature,
  parseVkey,
  signaturesOf,
} from '../../../domain/log/signed-note.ts';
import { verifyEd25519 } from '../../../infra/keys/verify-ed25519.ts';
import { noteSigner } from '../../support/note-keys.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const LINE = '— example.com/foo AAAAAAE=\n';

describe('a note', () => {
  test.each([
    ['nothing', ''],
    ['no empty line', `text\n${LINE}`],
    ['no signature', 'text\n\n'],
    ['no text', `\n${LINE}`],
    ['a signature line that does not end', `text\n\n${LINE.trimEnd()}`],
    ['a hyphen for the dash', 'text\n\n- example.com/foo AAAAAAE=\n'],
    ['two spaces', 'text\n\n— example.com/foo  AAAAAAE=\n'],
    ['a space of another kind in the name', 'text\n\n— example.com/\u00a0foo AAAAAAE=\n'],
    ['plus in the name', 'text\n\n— example.com+foo AAAAAAE=\n'],
    ['a signature of nothing but the id', 'text\n\n— example.com/foo AAAAAA==\n'],
    ['loose base64', 'text\n\n— example.com/foo AAAAAAF=\n'],
    ['a carriage return', `text\r\n\n${LINE}`],
    ['a control character in a name', 'text\n\n— example.com/\u0001foo AAAAAAE=\n'],
    ['something after the signatures', `text\n\n${LINE}rest\n`],
    ['101 signatures', `text\n\n${LINE.repeat(101)}`],
  ])('with %s is refused', (_, note) => {
    expect(() => decodeNote(bytesOf(note))).toThrow(expect.objectContaining({ code: 'ENTRY_MALFORMED' }));
  });

  test('of no UTF-8, or over a megabyte, is refused', () => {
    const note = bytesOf(`text é\n\n${LINE}`);
    expect(() => decodeNote(note.filter((byte) => byte !== 0xc3))).toThrow('no UTF-8');
    expect(() => decodeNote(bytesOf(`${'x'.repeat(1_000_000)}\n\n${LINE}`))).toThrow('bytes');
  });

  test('with 100 signatures, and with an unknown one, is read', () => {
    expect(decodeNote(bytesOf(`text\n\n${LINE.repeat(100)}`)).signatures).toHaveLength(100);
  });

  test('is the same after writing and reading', () => {
    const signature = fc.record({
      name: fc.stringMatching(/^[a-z./é—]{1,20}$/),
      keyId: fc.stringMatching(/^[0-9a-f]{8}$/),
      signature: fc.uint8Array({ minLength: 1, maxLength: 80 }),
    });
    fc.assert(
      fc.property(
        fc.array(fc.string({ unit: 'grapheme' }).filter((line) => [...line].every((char) => char >= ' '))),
        fc.array(signature, { minLength: 1, maxLength: 5 }),
        (lines, signatures) => {
          const note = { text: `${['first', ...lines].join('\n')}\n`, signatures };
          expect(decodeNote(encodeNote(note))).toEqual(note);
        },
      ),
      { seed: 5 },
    );
  });

  test.each(['no line feed', 'a\ttab\n', '\ud800\n'])('cannot be made of %j', (text) => {
    expect(() => encodeNote({ text, signatures: [] })).toThrow('no note');
  });
});

describe('a vkey', () => {
  const { key } = noteSigner('ed25519', 'example.com/foo');
  const vkey = formatVkey(key);

  test('is the same after writing and reading', () => {
    expect(parseVkey(vkey)).toEqual(key);
    const witness = noteSigner('cosignature/v1', 'w.example/1').key;
    expect(parseVkey(formatVkey(witness))).toEqual(witness);
  });

  test('of an unknown type is read and verifies nothing', () => {
    const other = parseVkey('example.com/foo+12345678+BgEC');
    expect(other).toEqual({
      name: 'example.com/foo',
      keyId: '12345678',
      type: 'unknown',
      publicKey: Uint8Array.of(1, 2),
    });
    const always = () => true;
    expect(verifiedSignature('text\n', new Uint8Array(64), other, always)).toBeNull();
  });

  test.each([
    ['another id', vkey.replace(key.keyId, '00000000')],
    [
      'an id in capitals',
      vkey.replace(key.keyId, key.keyId.toUpperCase().padEnd(9).slice(0, 8).replace(/\d/g, 'A')),
    ],
    ['another name', vkey.replace('foo', 'bar')],
    ['a short key', `example.com/foo+${key.keyId}+AQEC`],
    ['no key', `example.com/foo+${key.keyId}+`],
    ['no base64', `example.com/foo+${key.keyId}+!!!!`],
    ['a space in the name', vkey.replace('foo', 'f o')],
    ['nothing', ''],
    ['a line feed', `${vkey}\n`],
  ])('with %s is refused', (_, text) => {
    expect(() => parseVkey(text)).toThrow(expect.objectContaining({ code: 'SCHEMA_INVALID' }));
  });
});

test("only a key's own signatures are its own: by name and id", () => {
  const { key } = noteSigner('ed25519', 'example.com/foo');
  const own: NoteSignature = { name: key.name, keyId: key.keyId, signature: Uint8Array.of(1) };
  const again = { ...own, signature: Uint8Array.of(2) };
  const others = [
    { ...own, name: 'example.com/bar' },
    { ...own, keyId: '00000000' },
  ];
  expect(signaturesOf({ text: 'text\n', signatures: [...others, own, again] }, key)).toEqual([own, again]);
});

test('keys of small order, and what are no keys, verify nothing and do not throw', () => {
  const identity = Uint8Array.of(1, ...new Uint8Array(31));
  // Under the neutral point, this verifies any message where nobody looks.
  const signature = Uint8Array.of(...identity, ...new Uint8Array(32));
  expect(verifyEd25519(identity, bytesOf('any'), signature)).toBe(false);
  expect(verifyEd25519(new Uint8Array(31), bytesOf('any'), signature)).toBe(false);
  expect(verifyEd25519(new Uint8Array(32).fill(0xff), bytesOf('any'), signature)).toBe(false);
  expect(verifyEd25519(noteSigner('ed25519', 'a').key.publicKey, bytesOf('any'), new Uint8Array(3))).toBe(
    false,
  );
});
