import ipaddr from 'ipaddr.js';
import type { Violation } from '../errors.ts';
import type { Policy } from '../evidence/trust.ts';
import { referencesOf } from '../kinds/dns.ts';
import type { RecordSet, ZoneState } from '../kinds/dns-records.ts';
import type { PlannedResource } from './plan.ts';
import type { Probe } from './request.ts';

/**
 * Whether the evidence that a rollout by weight needs can exist: there is a probe, and it may reach every target of
 * both arms. The target of a CNAME is followed inside the zone. What a name outside the zone resolves to is known
 * only when it is probed, so the prober must hold the resolved address against the same list.
 */
export function judgeProbe(
  probe: Probe | undefined,
  weighted: readonly (PlannedResource & { path: string })[],
  zone: Pick<ZoneState, 'recordSets'>,
  policy: Pick<Policy, 'probeAllowList'>,
): Violation[] {
  if (weighted.length === 0) return [];
  if (probe === undefined) return [missingProbe(weighted.map((move) => move.resource))];
  const known = [...weighted.flatMap((move) => move.after), ...zone.recordSets];
  return weighted.flatMap((move) => {
    const addresses = new Set([...move.before, ...move.after].flatMap((set) => addressesOf(set, known)));
    return [...addresses]
      .sort()
      .filter((address) => !isAllowed(address, policy.probeAllowList))
      .map((address) => outsideAllowList(move, address, policy));
  });
}

/** CIDR match; what is no address, or no range, allows nothing. */
export function isAllowed(address: string, allowList: readonly string[]): boolean {
  if (!ipaddr.isValid(address)) return false;
  const parsed = ipaddr.parse(address);
  return allowList.some((range) => {
    if (!ipaddr.isValidCIDR(range)) return false;
    const [network, bits] = ipaddr.parseCIDR(range);
    return network.kind() === parsed.kind() && parsed.match(network, bits);
  });
}

function addressesOf(set: RecordSet, known: readonly RecordSet[], seen: readonly string[] = []): string[] {
  if (set.type !== 'CNAME') return set.values.filter((value) => ipaddr.isValid(value));
  return referencesOf(set)
    .filter((name) => !seen.includes(name))
    .flatMap((name) =>
      known
        .filter((one) => one.name === name && ['A', 'AAAA', 'CNAME'].includes(one.type))
        .flatMap((one) => addressesOf(one, known, [...seen, name])),
    );
}

function missingProbe(resources: readonly string[]): Violation {
  return {
    code: 'INVARIANT_VIOLATED',
    rule: 'probe-missing',
    path: 'spec.rollout.probe',
    message: `${resources.join(', ')} would roll out by weight, and without a probe no stage could ever be shown to work.`,
    remedy: 'Add spec.rollout.probe with the port, path and host that tell whether one target works.',
  };
}

function outsideAllowList(
  { resource, path }: PlannedResource & { path: string },
  address: string,
  { probeAllowList }: Pick<Policy, 'probeAllowList'>,
): Violation {
  return {
    code: 'INVARIANT_VIOLATED',
    rule: 'probe-allow-list',
    path,
    message: `The probe would reach ${address}, a target of ${resource} that policy.probeAllowList does not allow.`,
    remedy: `Use targets within ${probeAllowList.join(', ') || '(the list is empty)'}, or have the list extended in the trust document.`,
  };
}
