import { DomainError } from '../domain/errors.ts';
import { type LogState, trustOf } from '../domain/log/state.ts';
import { type Finding, judgeEnvironment, type ZoneReading } from '../domain/reconcile/judge-environment.ts';
import type { DnsZones } from './ports/dns-zones.ts';
import type { OrchestratorPorts } from './role-ports.ts';

const ATTEMPTS = 3;
/** The answer goes through the engine, which takes two megabytes. */
const MAX_FINDINGS = 500;

export interface Survey {
  at: string;
  /** Entries of the log that it is about. */
  size: number;
  openChanges: number;
  zones: number;
  /** The first ones, when there are very many. */
  findings: Finding[];
  foundInAll: number;
}

type SurveyPorts = Pick<OrchestratorPorts, 'log' | 'runs' | 'dns' | 'clock'>;

/**
 * Reads what the engine runs, what the zones hold and what the log says, in an order in which nothing that is merely
 * under way looks wrong, and returns all that is. Changes nothing. Throws as the ports do, except for a zone.
 */
export async function survey(ports: SurveyPorts): Promise<Survey> {
  // Before the log: a run ends after its change has.
  const before = await ports.log.sync();
  const openBefore = Object.keys(before.changes);
  const targets = trustOf(before).targets.map(({ zone }) => zone);
  const runs = Object.fromEntries(
    await Promise.all(openBefore.map(async (id) => [id, await ports.runs.stateOf(id)] as const)),
  );
  const { state, zones } = await readStill(ports, targets);
  const nowMs = ports.clock.nowMs();
  const findings = judgeEnvironment({ state, runs, zones, nowMs });
  return {
    at: new Date(nowMs).toISOString(),
    size: state.size,
    openChanges: Object.keys(state.changes).length,
    zones: zones.length,
    findings: findings.slice(0, MAX_FINDINGS),
    foundInAll: findings.length,
  };
}

/**
 * Zones, then the log, then the fences again. Every governed write moves the fence: where it did not, the reading is of
 * the instant at which the log was read.
 */
async function readStill(
  ports: SurveyPorts,
  targets: readonly string[],
): Promise<{ state: LogState; zones: ZoneReading[] }> {
  let zones = await Promise.all(targets.map((zone) => readZone(ports.dns, zone)));
  for (let attempt = 1; ; attempt += 1) {
    const state = await ports.log.sync();
    const still = await Promise.all(zones.map((reading) => isStill(ports.dns, reading)));
    if (!still.includes(false)) return { state, zones };
    if (attempt === ATTEMPTS) {
      const judged = zones.map((reading, at): ZoneReading => (still[at] ? reading : moving(reading.zone)));
      return { state, zones: judged };
    }
    zones = await Promise.all(
      zones.map(async (reading, at) => (still[at] ? reading : readZone(ports.dns, reading.zone))),
    );
  }
}

async function readZone(dns: DnsZones, zone: string): Promise<ZoneReading> {
  try {
    return { zone, state: await dns.readZone(zone) };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { zone, state: null, why: error.message };
  }
}

async function isStill(dns: DnsZones, { zone, state }: ZoneReading): Promise<boolean> {
  if (state === null) return true;
  try {
    return (await dns.readFence(zone)) === state.fence;
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return false;
  }
}

function moving(zone: string): ZoneReading {
  return { zone, state: null, why: `its fence moved during each of ${ATTEMPTS} readings.` };
}
