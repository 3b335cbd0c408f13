import ipaddr from 'ipaddr.js';
import type { RecordType } from './dns-records.ts';
import {
  hasTooLongString,
  MAX_TEXT_CHARACTERS,
  readQuotedStrings,
  splitText,
  writeQuotedStrings,
} from './dns-text.ts';

/** RFC 2181 §8: a TTL is an unsigned 31-bit number of seconds. */
export const MAX_TTL_SECONDS = 2_147_483_647;
/** RFC 1035 §2.3.4: 255 octets on the wire, which is 253 characters without the trailing dot. */
const MAX_NAME_CHARACTERS = 253;
const MAX_LABEL_CHARACTERS = 63;

/** Letters, digits, inner hyphens (RFC 1035 §2.3.1) and the underscores of service names (RFC 8552). */
const LABEL = /^[a-z0-9_]([a-z0-9_-]*[a-z0-9_])?$/;

/** A value in canonical form, or what is wrong with it. */
type Reading = { value: string } | { problem: string };

/** Lower case, without the trailing dot (the root stays `.`), the wildcard as `*` and not as Route 53's `\052`. */
export function canonicalName(text: string): string {
  const name = text.toLowerCase().replace('\\052', '*');
  return name.length > 1 && name.endsWith('.') ? name.slice(0, -1) : name;
}

/** What is wrong with a fully qualified, canonical owner name; null when nothing is. */
export function ownerNameProblem(name: string): string | null {
  // RFC 4592 §2.1.1: only a whole first label is a wildcard.
  return nameProblem(name.startsWith('*.') ? name.slice(2) : name);
}

function nameProblem(name: string): string | null {
  if (name.length > MAX_NAME_CHARACTERS) {
    return `"${name}" has ${name.length} characters, a name has at most ${MAX_NAME_CHARACTERS}`;
  }
  for (const label of name.split('.')) {
    if (label.length > MAX_LABEL_CHARACTERS) {
      return `the label "${label}" has ${label.length} characters, at most ${MAX_LABEL_CHARACTERS} are allowed`;
    }
    if (!LABEL.test(label)) {
      return `"${label}" is no label of a name: letters, digits, "_" and inner "-" are`;
    }
  }
  return null;
}

/**
 * The canonical form of a value, so that what a provider returns and what an author declares compare equal. A value
 * that is not valid comes back as it is: reading a zone never fails because of what somebody else wrote into it.
 */
export function canonicalValue(type: RecordType, text: string): string {
  const reading = readValue(type, text);
  return 'value' in reading ? reading.value : text;
}

/** What is wrong with a value; null when nothing is. */
export function valueProblem(type: RecordType, text: string): string | null {
  const reading = readValue(type, text);
  return 'problem' in reading ? reading.problem : null;
}

/** A valid value of each type, for remedies. */
export const VALUE_EXAMPLES: Record<RecordType, string> = {
  A: '192.0.2.10',
  AAAA: '2001:db8::10',
  CNAME: 'api.example.com',
  TXT: 'v=spf1 -all',
  MX: '10 mail.example.com',
  SRV: '10 60 5060 sip.example.com',
  CAA: '0 issue "ca.example.net"',
};

function readValue(type: RecordType, text: string): Reading {
  switch (type) {
    case 'A':
      return ipaddr.IPv4.isValidFourPartDecimal(text)
        ? { value: text }
        : { problem: `"${text}" is no IPv4 address` };
    case 'AAAA':
      return readIpv6(text);
    case 'CNAME':
      return readHost(text);
    case 'TXT':
      return readText(text);
    case 'MX':
      return readFields(text, ['preference'], 'a preference and a host, such as');
    case 'SRV':
      return readFields(text, ['priority', 'weight', 'port'], 'priority, weight, port and host, such as');
    case 'CAA':
      return readCaa(text);
  }
}

function readIpv6(text: string): Reading {
  // A zone index (`%eth0`) means something on one machine only.
  const valid = ipaddr.IPv6.isValid(text) && !text.includes('%');
  return valid
    ? { value: ipaddr.IPv6.parse(text).toRFC5952String() }
    : { problem: `"${text}" is no IPv6 address` };
}

function readHost(text: string): Reading {
  const name = canonicalName(text);
  const problem = nameProblem(name);
  return problem === null ? { value: name } : { problem };
}

/** Text that starts with a quote is taken as the list of strings that it spells, any other text literally. */
function readText(text: string): Reading {
  const strings = text.startsWith('"') ? readQuotedStrings(text) : splitText(text);
  if (strings === null)
    return { problem: `${text} is no list of quoted strings with \\", \\\\ and octal escapes` };
  if (hasTooLongString(strings)) return { problem: 'a quoted string of it is longer than 255 bytes' };
  const value = writeQuotedStrings(strings);
  return value.length > MAX_TEXT_CHARACTERS
    ? {
        problem: `it has ${value.length} characters in quoted form, at most ${MAX_TEXT_CHARACTERS} are allowed`,
      }
    : { value };
}

/** Unsigned 16-bit numbers, then a host; "." says that there is none (RFC 7505 for MX, RFC 2782 for SRV). */
function readFields(text: string, numbers: readonly string[], shape: string): Reading {
  const fields = text.trim().split(/\s+/);
  const host = fields.at(-1);
  if (fields.length !== numbers.length + 1 || host === undefined) {
    return {
      problem: `"${text}" is not ${shape} "${numbers.length === 1 ? VALUE_EXAMPLES.MX : VALUE_EXAMPLES.SRV}"`,
    };
  }
  const canonical: string[] = [];
  for (const [position, name] of numbers.entries()) {
    const field = fields[position] ?? '';
    if (!/^\d{1,5}$/.test(field) || Number(field) > 65_535) {
      return { problem: `the ${name} "${field}" is no number from 0 to 65535` };
    }
    canonical.push(String(Number(field)));
  }
  const target: Reading = host === '.' ? { value: '.' } : readHost(host);
  return 'problem' in target ? target : { value: [...canonical, target.value].join(' ') };
}

/** RFC 8659 §4.1.1. */
function readCaa(text: string): Reading {
  const match = /^(\d{1,3})\s+([a-zA-Z0-9]{1,15})\s+(".*"|[^\s"]+)$/.exec(text.trim());
  const [, flags = '', tag = '', value = ''] = match ?? [];
  if (match === null || Number(flags) > 255) {
    return { problem: `"${text}" is not flags (0–255), a tag and a quoted value` };
  }
  const strings = value.startsWith('"') ? readQuotedStrings(value) : splitText(value);
  if (strings?.length !== 1 || hasTooLongString(strings)) {
    return { problem: `the value of "${text}" is not one quoted string of at most 255 bytes` };
  }
  return { value: `${Number(flags)} ${tag.toLowerCase()} ${writeQuotedStrings(strings)}` };
}
