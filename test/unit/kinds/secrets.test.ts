import { describe, expect, it } from 'vitest';
import { secretLiterals, secretReferenceFaults, secretReferences } from '../../../domain/kinds/secrets.ts';

// Put together at run time, so that no scanner takes this file for a leak.
const jwt = ['eyJhbGciOiJIUzI1NiJ9', 'eyJzdWIiOiIxMjM0In0', 'c2lnbmF0dXJl'].join('.');
const SECRETS: [string, string][] = [
  ['AWS', `${'AKIA'}IOSFODNN7EXAMPLE`],
  ['GitHub', `${'ghp'}_abcdefghijklmnopqrstuvwxyz0123456789`],
  ['Stripe', `${'sk'}_live_abcdefgh12345678`],
  ['Slack', `${'xoxb'}-1234567890-abcdef`],
  ['private key', `-----BEGIN ${'RSA '}PRIVATE KEY-----\nMIIE`],
  ['JWT', jwt],
  ['URL', 'postgres://app:hunter2@db.internal/main'],
];

describe('secretLiterals', () => {
  it.each(SECRETS)('finds %s anywhere, and does not say it', (_, secret) => {
    const found = secretLiterals({ a: [{ 'b/c': `before ${secret}` }], [secret]: 1 });
    expect(found.map((one) => one.pointer)).toEqual(['/a/0/b~1c', '']);
    expect(JSON.stringify(found)).not.toContain(secret);
  });

  it.each(['password', 'dbPassword', 'api_key', 'auth-token', 'clientSecret', 'tokens'])(
    'finds random text under %s',
    (key) => {
      expect(secretLiterals({ [key]: 'q8Zr5tLw2X' }).map((one) => one.pointer)).toEqual([`/${key}`]);
      expect(secretLiterals({ [key]: ['q8Zr5tLw2X'] }).map((one) => one.pointer)).toEqual([`/${key}/0`]);
    },
  );

  it.each([
    { password: '' },
    { token: 'none' },
    { password: 'xxxxxxxxxxxx' },
    { tokenUrl: 'https://id.example.com/token' },
    { host: 'q8Zr5tLw2X' },
    { password: { secretRef: 'payments-db', rotateBy: '2027-01-01' } },
    { url: 'https://example.com/a@b' },
  ])('leaves %j', (document) => expect(secretLiterals(document)).toEqual([]));
});

describe('secretReferenceFaults', () => {
  const nowMs = Date.parse('2026-03-01T00:00:00Z');
  const at = (reference: object) =>
    secretReferenceFaults({ db: { password: reference } }, nowMs).map((one) => `${one.rule} ${one.pointer}`);

  it('takes a name and a day to come', () => {
    expect(at({ secretRef: 'payments-db', rotateBy: '2026-03-02' })).toEqual([]);
    expect(at({ secretRef: 'payments-db', rotateBy: '2026-03-01' })).toEqual([
      'secret-rotated /db/password/rotateBy',
    ]);
  });

  it.each([
    { secretRef: 'a' },
    { secretRef: '', rotateBy: '2027-01-01' },
    { secretRef: 'a', rotateBy: '2027-02-30' },
    { secretRef: 'a', rotateBy: '1 January 2027' },
    { secretRef: 'a', rotateBy: '2027-01-01', value: 'x' },
    { secretRef: 7, rotateBy: '2027-01-01' },
  ])('refuses %j', (reference) => {
    expect(at(reference)).toEqual(['secret-reference-complete /db/password']);
  });

  it('finds references wherever they are', () => {
    const reference = { secretRef: 'a', rotateBy: '2027-01-01' };
    expect(secretReferences({ list: [1, reference], b: { c: reference } })).toEqual({
      '/list/1': reference,
      '/b/c': reference,
    });
  });
});
