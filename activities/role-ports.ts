import type { Digest } from '../domain/evidence/canonical-json.ts';
import type { Signer } from '../domain/evidence/dsse.ts';
import type { MadeBy } from '../domain/evidence/statements.ts';
import type { PolicyEngine } from '../domain/permissions/permission.ts';
import type { CosignedLog } from './cosigned-log.ts';
import type { Integrator } from './integrate.ts';
import type { Bodies } from './ports/bodies.ts';
import type { ChangeLog } from './ports/change-log.ts';
import type { ChangeRuns } from './ports/change-runs.ts';
import type { Clock } from './ports/clock.ts';
import type { ConsumerReports } from './ports/consumer-reports.ts';
import type { DnsZones } from './ports/dns-zones.ts';
import type { Pager } from './ports/pager.ts';
import type { Prober } from './ports/prober.ts';
import type { ZoneSwitch } from './ports/zone-switch.ts';

/** What every role sees of the world: read it, sign with its own key, know the time. Whom to trust is
 * in the log's state (`trustOf`). */
export interface CommonPorts {
  environment: string;
  log: ChangeLog;
  bodies: Bodies;
  dns: DnsZones;
  signer: Signer;
  clock: Clock;
  policyEngine: PolicyEngine;
  /** The program that decides, here and now. */
  madeBy(): MadeBy;
}

export interface OrchestratorPorts extends CommonPorts {
  pager: Pager;
  integrator: Integrator;
  runs: ChangeRuns;
  /** Reads to the head, stores the state, and appends the signed entry that names it. Throws as `ChangeLog.append`. */
  takeSnapshot(): Promise<TakenSnapshot>;
}

export interface TakenSnapshot {
  /** Entries that it is the state of. */
  size: number;
  stateDigest: Digest;
  /** Of the entry that names it. */
  index: number;
}

export interface VoterPorts extends CommonPorts {
  voter: string;
  voterZone: string;
  zoneSwitch: ZoneSwitch;
}

export interface AnalysisPorts extends CommonPorts {
  prober: Prober;
  reports: ConsumerReports;
}

export interface EnactorPorts extends CommonPorts {
  cosignedLog: CosignedLog;
}
