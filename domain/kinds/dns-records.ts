/** Plain data of a DNS zone, as the plan, the invariants and the enactor see it. */

export const RECORD_TYPES = ['A', 'AAAA', 'CNAME', 'TXT', 'MX', 'SRV', 'CAA'] as const;
export type RecordType = (typeof RECORD_TYPES)[number];

/** Types that can be rolled out by weight; the others change in one step. */
export const WEIGHTABLE_TYPES: readonly RecordType[] = ['A', 'AAAA', 'CNAME'];

/**
 * One record set as the provider stores it.
 * `name` is fully qualified, lower case, without the trailing dot; `values` are in canonical form and order;
 * `setIdentifier` and `weight` (0–255) are present together or not at all.
 */
export interface RecordSet {
  name: string;
  type: RecordType;
  ttlSeconds: number;
  values: string[];
  setIdentifier?: string;
  weight?: number;
}

/** A record set that this product cannot express (alias, geolocation, NS, SOA, …): kept, never edited. */
export interface OpaqueRecordSet {
  name: string;
  type: string;
  setIdentifier?: string;
}

/** One consistent reading of a hosted zone. The fence record is not among `recordSets`. */
export interface ZoneState {
  zone: string;
  /** The value of the fence TXT record, or null before the first governed write. See `dns-fence.ts`. */
  fence: string | null;
  recordSets: RecordSet[];
  opaque: OpaqueRecordSet[];
}

/** An exact edit: DELETE must match what is live, CREATE must find nothing. There is no UPSERT. */
export interface RecordChange {
  action: 'DELETE' | 'CREATE';
  recordSet: RecordSet;
}

/**
 * All record sets of one name and type: the body of the resource `dns/<zone>/<label>/<type>`.
 * Sorted by set identifier. An empty group is a resource that does not exist.
 */
export type RecordGroup = RecordSet[];
