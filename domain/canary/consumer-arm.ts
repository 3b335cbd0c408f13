import { sha256 } from '@noble/hashes/sha2.js';
import { canonicalBytes } from '../evidence/canonical-json.ts';
import type { Canary } from '../log/state.ts';

export type Arm = 'stable' | 'canary';

/** Who reads: one process of a service. */
export interface ConsumerPlace {
  /** Stable over restarts where the share of the canary should be. */
  instanceId: string;
  /** Its availability zone. */
  zone: string;
}

/**
 * Which of a resource's two versions a consumer gets, decided by the consumer alone and found again by whoever
 * judges its reports. Where zones are listed they decide, up to 100 %, which is everybody. Else the share is stable
 * and grows: an instance that has the canary at 10 % has it at 50 %. Another change picks other instances.
 */
export function armFor(
  { instanceId, zone }: ConsumerPlace,
  { changeId, percent, zones }: Pick<Canary, 'changeId' | 'percent' | 'zones'>,
): Arm {
  const chosen =
    zones.length > 0 && percent < 100 ? zones.includes(zone) : placeOf(instanceId, changeId) < percent;
  return chosen ? 'canary' : 'stable';
}

/** Uniform in [0, 100): the first 48 bits of SHA-256, which a double holds exactly. */
function placeOf(instanceId: string, changeId: string): number {
  const hash = sha256(canonicalBytes([changeId, instanceId]));
  const first48 = hash.subarray(0, 6).reduce((number, byte) => number * 256 + byte, 0);
  return (100 * first48) / 2 ** 48;
}
