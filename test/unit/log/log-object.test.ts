import { describe, expect, test } from 'vitest';
import { digestOf, digestOfBytes } from '../../../domain/evidence/canonical-json.ts';
import { encodeEntry, entryKey, MAX_ENTRY_BYTES } from '../../../domain/log/entry.ts';
import {
  decodeLogObject,
  encodeLogObject,
  genesisDigest,
  logObjectName,
} from '../../../domain/log/log-object.ts';
import { SAMPLES } from '../../support/sample-log.ts';

const bytesOf = (text: string) => new TextEncoder().encode(text);
const place = { first: 17, previous: digestOf('before') };

test('an object is a header line and a line an entry', () => {
  const bytes = encodeLogObject({ ...place, entries: [bytesOf('{"a":1}'), bytesOf('{"b":2}')] });
  expect(new TextDecoder().decode(bytes)).toBe(
    `{"first":17,"previous":"${place.previous}"}\n{"a":1}\n{"b":2}\n`,
  );
  expect(decodeLogObject(bytes, place).entries.map((entry) => new TextDecoder().decode(entry))).toEqual([
    '{"a":1}',
    '{"b":2}',
  ]);
});

test('its name says its place, and sorts by it', () => {
  expect(logObjectName('prod', 17, digestOfBytes(bytesOf('x')))).toBe(
    'log/prod/00000000000000000017-2d711642b726b04401627ca9fbac32f5c8530fb1903cc4db02258717921a4881',
  );
});

test('the first object follows the digest of the name of its environment', () => {
  expect(genesisDigest('prod')).toBe(digestOfBytes(bytesOf('prod')));
});

describe('refused', () => {
  const header = `{"first":17,"previous":"${place.previous}"}\n`;
  test.each([
    ['nothing', ''],
    ['no entry', header],
    ['a last line without its end', `${header}{"a":1}\n{"b":2}`],
    ['a header that is not canonical', ` ${header}{"a":1}\n`],
    ['a header with another field', `{"extra":1,${header.slice(1)}{"a":1}\n`],
    ['a header with a lone surrogate', '"\\ud800"\n{"a":1}\n'],
    ['an entry that is too long', `${header}${'x'.repeat(MAX_ENTRY_BYTES + 1)}\n`],
  ])('%s, as malformed', (_, text) => {
    expect(() => decodeLogObject(bytesOf(text), place)).toThrow(
      expect.objectContaining({ code: 'ENTRY_MALFORMED' }),
    );
  });

  test.each([
    ['another index', { ...place, first: 18 }],
    ['another predecessor', { ...place, previous: digestOf('other') }],
  ])('an object that belongs to %s, as a fork', (_, other) => {
    const bytes = encodeLogObject({ ...other, entries: [bytesOf('{}')] });
    expect(() => decodeLogObject(bytes, place)).toThrow(expect.objectContaining({ code: 'LOG_FORKED' }));
  });
});

test('an entry of more bytes than a tile can hold is refused', () => {
  const envelope = (bytes: number) => ({ payload: 'x'.repeat(bytes), payloadType: '', signatures: [] });
  const frame = encodeEntry(envelope(0)).length;
  expect(encodeEntry(envelope(MAX_ENTRY_BYTES - frame))).toHaveLength(MAX_ENTRY_BYTES);
  expect(() => encodeEntry(envelope(MAX_ENTRY_BYTES - frame + 1))).toThrow(
    expect.objectContaining({ code: 'TOO_LARGE' }),
  );
});

test('keys do not depend on when something was signed', () => {
  expect(entryKey('vote', { ...SAMPLES.vote, at: '2027-01-01T00:00:00.000Z' })).toBe(
    entryKey('vote', SAMPLES.vote),
  );
  expect(entryKey('vote', { ...SAMPLES.vote, round: 1 })).not.toBe(entryKey('vote', SAMPLES.vote));
});
