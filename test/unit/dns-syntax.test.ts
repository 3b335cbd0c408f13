import { describe, expect, it } from 'vitest';
import type { RecordType } from '../../domain/kinds/dns-records.ts';
import {
  canonicalName,
  canonicalValue,
  ownerNameProblem,
  valueProblem,
} from '../../domain/kinds/dns-syntax.ts';

const long = 'x'.repeat(300);

const CANONICAL: [RecordType, string, string][] = [
  ['A', '192.0.2.1', '192.0.2.1'],
  ['AAAA', '2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['CNAME', 'Target.Example.COM.', 'target.example.com'],
  ['CNAME', '_acme.example.com', '_acme.example.com'],
  ['TXT', 'v=spf1 -all', '"v=spf1 -all"'],
  ['TXT', 'say "hi" \\o/', '"say \\"hi\\" \\\\o/"'],
  ['TXT', '"one"   "two"', '"one" "two"'],
  ['TXT', '"caf\\303\\251"', '"caf\\303\\251"'],
  ['TXT', 'café', '"caf\\303\\251"'],
  ['TXT', long, `"${'x'.repeat(255)}" "${'x'.repeat(45)}"`],
  ['MX', '010  Mail.Example.com.', '10 mail.example.com'],
  ['MX', '0 .', '0 .'],
  ['SRV', '1 2 5060 SIP.example.com', '1 2 5060 sip.example.com'],
  ['CAA', '0 ISSUE "ca.example.net"', '0 issue "ca.example.net"'],
  ['CAA', '128 issue ca.example.net', '128 issue "ca.example.net"'],
];

const MALFORMED: [RecordType, string][] = [
  ['A', '192.0.2.256'],
  ['A', '192.0.2'],
  ['A', '0300.0.2.1'],
  ['A', '2001:db8::1'],
  ['AAAA', '192.0.2.1'],
  ['AAAA', 'fe80::1%eth0'],
  ['CNAME', 'two words'],
  ['CNAME', '*.example.com'],
  ['CNAME', `${'a'.repeat(64)}.example.com`],
  ['CNAME', Array.from({ length: 52 }, () => 'abcd').join('.')],
  ['TXT', '"open'],
  ['TXT', '"bad \\escape"'],
  ['TXT', '"\\777"'],
  ['TXT', `"${'x'.repeat(256)}"`],
  ['TXT', 'x'.repeat(4000)],
  ['MX', 'mail.example.com'],
  ['MX', '65536 mail.example.com'],
  ['SRV', '1 2 sip.example.com'],
  ['CAA', '256 issue "ca.example.net"'],
  ['CAA', '0 issue'],
  ['CAA', '0 issue "one" "two"'],
];

describe('canonicalValue', () => {
  it.each(CANONICAL)('%s %s', (type, text, canonical) => {
    expect(valueProblem(type, text)).toBeNull();
    expect(canonicalValue(type, text)).toBe(canonical);
    expect(canonicalValue(type, canonical)).toBe(canonical);
  });

  it.each(MALFORMED)('keeps and names what is malformed: %s %s', (type, text) => {
    expect(valueProblem(type, text)).not.toBeNull();
    expect(canonicalValue(type, text)).toBe(text);
  });
});

describe('names', () => {
  it('have one spelling', () => {
    expect(canonicalName('API.Example.com.')).toBe('api.example.com');
    expect(canonicalName('\\052.example.com.')).toBe('*.example.com');
    expect(canonicalName('.')).toBe('.');
  });

  it.each(['api.example.com', '*.example.com', '_sip._tcp.example.com', 'xn--caf-dma.example.com'])(
    'accepts %s',
    (name) => expect(ownerNameProblem(name)).toBeNull(),
  );

  it.each(['', 'a..b', 'API.example.com', 'a*.example.com', 'x.*.example.com', '-a.example.com', 'a b.c'])(
    'refuses "%s"',
    (name) => expect(ownerNameProblem(name)).not.toBeNull(),
  );
});
