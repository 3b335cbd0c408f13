import type { RecordChange, ZoneState } from '../../domain/kinds/dns-records.ts';

/** Hosted zones, named by zone; the adapter knows their ids from the trust document. */
export interface DnsZones {
  /** How long a batch may take at worst to reach all servers, for when its reference was lost with the answer. */
  readonly worstPropagationMs: number;
  /** The whole zone at one instant: no governed write came between its pages. Throws `NOT_FOUND`, `NOT_PERMITTED`, `DNS_UNAVAILABLE`, `THROTTLED`. */
  readZone(zone: string): Promise<ZoneState>;
  /** The fence value alone, one cheap call. */
  readFence(zone: string): Promise<string | null>;
  /**
   * One atomic batch: exact DELETE of `expectedFence` (none when null), CREATE of `nextFence`, and the changes.
   * Never retried by the adapter. Throws `NOT_PERMITTED` and `THROTTLED` when the provider says so for certain;
   * any other failure is `unknown`, even a conflict, because the provider's answer may be to a second try of a
   * first that landed: look at the fence chain before concluding.
   */
  applyBatch(batch: FencedBatch): Promise<{ changeRef: string } | { unknown: unknown }>;
  /** Whether the provider has the batch on all its servers. */
  isInSync(changeRef: string): Promise<boolean>;
}

export interface FencedBatch {
  zone: string;
  expectedFence: string | null;
  nextFence: string;
  changes: readonly RecordChange[];
  comment: string;
}
