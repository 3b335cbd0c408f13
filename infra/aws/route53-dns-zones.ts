import type { Route53Client } from '@aws-sdk/client-route-53';
import type { DnsZones } from '../../activities/ports/dns-zones.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';

export function createRoute53DnsZones(_input: {
  reader: Route53Client;
  /** `createRoute53Writer`: one try. */
  writer: Route53Client;
  trust: Pick<TrustDocument, 'targets'>;
}): DnsZones {
  throw new Error('not written yet');
}
