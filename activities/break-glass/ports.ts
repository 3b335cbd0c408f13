import type { Signer } from '../../domain/evidence/dsse.ts';
import type { VerifyEd25519 } from '../../domain/log/signed-note.ts';
import type { PolicyEngine } from '../../domain/permissions/permission.ts';
import type { Bodies } from '../ports/bodies.ts';
import type { BreakGlassSpool } from '../ports/break-glass-spool.ts';
import type { ChangeLog } from '../ports/change-log.ts';
import type { Clock } from '../ports/clock.ts';
import type { DnsZones } from '../ports/dns-zones.ts';
import type { PacedWait } from '../ports/paced-wait.ts';

/** What break-glass works with: neither the engine, nor the zones' voters, nor the witness; and the log only if it is there. */
export interface BreakGlassPorts extends PacedWait {
  environment: string;
  verify: VerifyEd25519;
  /** Says also who may sign: by its last known state while it is down. */
  log: Pick<ChangeLog, 'sync' | 'lastKnown' | 'append'>;
  bodies: Bodies;
  policyEngine: PolicyEngine;
  dns: DnsZones;
  /** Of the break-glass role. */
  signer: Signer;
  clock: Clock;
  spool: BreakGlassSpool;
}
