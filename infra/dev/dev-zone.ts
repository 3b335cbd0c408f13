import type { ResourceRecordSet } from '@aws-sdk/client-route-53';

/** The zone that a new local environment starts with: small, but a zone as people have them. */
export function devZone(name: string): { name: string; records: ResourceRecordSet[] } {
  const set = (label: string, type: ResourceRecordSet['Type'], ...values: string[]): ResourceRecordSet => ({
    Name: label === '@' ? `${name}.` : `${label}.${name}.`,
    Type: type,
    // Short, because a bake lasts at least as long as the largest TTL involved.
    TTL: 1,
    ResourceRecords: values.map((Value) => ({ Value })),
  });
  return {
    name,
    records: [
      set('@', 'A', '127.0.0.1'),
      set('@', 'MX', `10 mail.${name}.`),
      set('@', 'TXT', '"v=spf1 mx -all"'),
      set('@', 'CAA', '0 issue "letsencrypt.org"'),
      set('api', 'A', '127.0.0.1'),
      set('www', 'CNAME', `${name}.`),
      set('mail', 'A', '127.0.0.1'),
      set('auth', 'A', '127.0.0.1'),
      set('static', 'A', '127.0.0.1', '127.0.0.4'),
      set('status', 'A', '127.0.0.1'),
      set('docs', 'CNAME', `static.${name}.`),
      set('db', 'A', '127.0.0.1'),
      set('_sip._tcp', 'SRV', `10 60 5060 mail.${name}.`),
      set('cache', 'AAAA', '::1'),
    ],
  };
}
