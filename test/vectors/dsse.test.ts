import { expect, test } from 'vitest';
import { preAuthEncoding } from '../../domain/evidence/dsse.ts';

/** secure-systems-lab/dsse, protocol.md, "Test Vectors". */
test('the pre-authentication encoding of the specification', () => {
  const encoded = preAuthEncoding('http://example.com/HelloWorld', new TextEncoder().encode('hello world'));
  expect(new TextDecoder().decode(encoded)).toBe('DSSEv1 29 http://example.com/HelloWorld 11 hello world');
});

test('lengths are in bytes, not characters', () => {
  const encoded = preAuthEncoding('ü', new TextEncoder().encode('€'));
  expect(new TextDecoder().decode(encoded)).toBe('DSSEv1 2 ü 3 €');
});
