import { effectiveSwitch, type SwitchBody } from './switch.ts';

/** Who asks a switch. */
export interface SwitchReader {
  service: string;
  /** Its availability zone. */
  zone: string;
  /** On whose behalf; absent for nobody's in particular. */
  tenant?: string | undefined;
}

/**
 * Whether a switch stops this reader at a time: engaged, past its expiry by its safe state, and within its scope. A
 * reader who names no tenant is within a scope of tenants: it may be about to serve one of them. `nowMs` since the
 * epoch.
 */
export function stops(body: SwitchBody, { service, zone, tenant }: SwitchReader, nowMs: number): boolean {
  const { services, zones, tenants } = body.scope;
  const within = (names: readonly string[], one: string) => names.length === 0 || names.includes(one);
  return (
    effectiveSwitch(body, nowMs).engaged &&
    within(services, service) &&
    within(zones, zone) &&
    (tenant === undefined || within(tenants, tenant))
  );
}
