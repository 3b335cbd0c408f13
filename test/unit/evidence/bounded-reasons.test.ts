import { describe, expect, test } from 'vitest';
import type { Violation } from '../../../domain/errors.ts';
import { boundedReasons, boundedTexts } from '../../../domain/evidence/bounded-reasons.ts';

/** What the rest of an acceptance leaves of the 4096 that KMS signs, with brackets and commas. */
const MAX_REASONS_BYTES = 1850;
const bytesInJson = (value: unknown) => Buffer.byteLength(JSON.stringify(value));
const reason = (text: string): Violation => ({
  code: 'NOT_PERMITTED',
  rule: 'own-key',
  message: text,
  remedy: text,
});

describe('reasons for a signed statement', () => {
  test('are the first five, as they are, when they are of ordinary length', () => {
    const reasons = Array.from({ length: 9 }, (_, i) => reason(`${i}: ${'a sentence '.repeat(10)}`));
    expect(boundedReasons(reasons)).toEqual(reasons.slice(0, 5));
  });

  test.each([
    ['three bytes', '漢'],
    ['four bytes and two units', '🧊'],
    ['six bytes in JSON', '\u0001'],
    ['two bytes in JSON', '"'],
    ['one byte', 'x'],
  ])('are cut by bytes, between characters: of %s', (_, character) => {
    const long = { ...reason(character.repeat(1000)), path: character.repeat(1000) };
    const reasons = boundedReasons(Array.from({ length: 9 }, () => long));
    expect(reasons.length).toBeGreaterThan(1);
    expect(bytesInJson(reasons)).toBeLessThanOrEqual(MAX_REASONS_BYTES);
    for (const { path = '', message, remedy } of reasons) {
      for (const text of [path, message, remedy]) {
        expect(text.replaceAll(character, '')).toBe('…');
        expect(bytesInJson(text)).toBeGreaterThan(190);
      }
    }
    expect(boundedTexts(Array(9).fill(character.repeat(1000)))).toEqual(
      Array(5).fill(expect.stringMatching(/…$/)),
    );
    expect(bytesInJson(boundedTexts(Array(9).fill(character.repeat(1000))))).toBeLessThanOrEqual(
      MAX_REASONS_BYTES,
    );
  });
});
