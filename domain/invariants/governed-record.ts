import type { DnsPlan, PlannedResource } from '../change/plan.ts';
import { type DnsResource, parseDnsResource } from '../kinds/dns.ts';

/** A resource of a plan, with the place in the request that declares it. */
export interface GovernedRecord extends DnsResource, PlannedResource {
  path: string;
}

/** A plan lists its resources in the order of the request's operations. Throws what `parseDnsResource` throws. */
export function governedRecords(plan: DnsPlan): GovernedRecord[] {
  return plan.resources.map((planned, position) => ({
    ...planned,
    ...parseDnsResource(planned.resource, [plan.zone]),
    path: `spec.operations[${position}]`,
  }));
}
