import type { Permissions } from '../activities/permissions.ts';
import type { ChangeLog } from '../activities/ports/change-log.ts';
import type { DnsZones } from '../activities/ports/dns-zones.ts';
import { DomainError } from '../domain/errors.ts';
import { canonicalText } from '../domain/evidence/canonical-json.ts';
import { signStatement } from '../domain/evidence/statement-codec.ts';
import type { FreezePredicate, FreezeScope, Gradual, Verdict } from '../domain/evidence/statements.ts';
import type { TrustDocument } from '../domain/evidence/trust.ts';
import { isRaisedOver } from '../domain/kinds/dns-fence.ts';
import { covers, fencedZones, nextAz, releasedAzs, scopeText } from '../domain/log/freeze-scope.ts';
import { type Automation, type LogState, trustOf } from '../domain/log/state.ts';
import { principalOf } from '../domain/permissions/in-force.ts';
import type { BrakeEngine } from './change-engine.ts';
import type { Person } from './control-plane.ts';
import { mayOperate, mustHold } from './may-act.ts';

export interface BrakesParts {
  environment: string;
  engine: BrakeEngine;
  log: ChangeLog;
  dns: Pick<DnsZones, 'readFence'>;
  permissions(state: LogState): Promise<Permissions>;
  nowMs(): number;
  sleep(ms: number): Promise<void>;
  newNonce(): string;
}

/** An entry about automation that the log holds. */
export interface RecordedState {
  /** Of the entry. */
  index: number;
  scope: FreezeScope | null;
  at: string;
  /** From asking to the log's answer. */
  recordedMs: number;
  /** Why nobody hurries it; null when the engine was told. Nothing that is recorded waits for this. */
  engineAway: Promise<string | null>;
}

/** One hosted zone under a freeze, read from the zone itself. */
export interface ZoneUnderFreeze {
  zone: string;
  /** Null where the zone has none, or cannot be read. */
  fence: string | null;
  /** Whether batches that were prepared before the freeze are refused. */
  effective: boolean;
  /** From asking; null while it is not effective. */
  afterMs: number | null;
}

export interface ScopeStatus
  extends Pick<Automation, 'scope' | 'state' | 'index' | 'operator' | 'reason' | 'at'> {
  hard: boolean;
  rollBack: boolean;
  zones: Omit<ZoneUnderFreeze, 'afterMs'>[];
  /** Open changes with an intent in the scope, held where they are. */
  holds: string[];
  gradual: {
    order: string[];
    released: string[];
    next: string | null;
    verdicts: { az: string; verdict: Verdict; reasons: string[]; index: number; at: string }[];
  } | null;
}

export interface AutomationStatus {
  environment: string;
  /** Of the environment as a whole; a narrower scope may be frozen while this is `active`. */
  state: FreezePredicate['state'];
  /** Why nobody can tell; then it is `frozen`. */
  unreadable: string | null;
  /** Those that are not active first, then those that were frozen once. */
  scopes: ScopeStatus[];
}

/**
 * The brakes of one environment. They need the log, and neither Temporal nor any worker: what the log holds stops
 * forward motion at its next check. Throw `NOT_PERMITTED`, `SIGNATURE_INVALID`, and what the log throws.
 */
export interface Brakes {
  /** Records a freeze, signed by the operator, and asks the engine to hurry. */
  freeze(
    input: { scope: FreezeScope | null; reason: string; hard: boolean; rollBack: boolean },
    operator: Person,
  ): Promise<RecordedState & { zones: string[] }>;
  /** Looks at the zones until the freeze is effective in all of them, or `withinMs` have passed. */
  awaitEffective(
    freeze: { index: number; zones: readonly string[] },
    withinMs: number,
  ): Promise<ZoneUnderFreeze[]>;
  /**
   * Records that a scope is active again, or how it is to be released. A gradual resumption that is recorded already
   * is only started (again). Throws `NOT_FOUND` when the scope is not frozen, saying which are.
   */
  resume(
    input: { scope: FreezeScope | null; reason: string; gradual: Gradual | null },
    operator: Person,
  ): Promise<RecordedState & { stillFrozen: string[] }>;
  /** Availability zones in the order of release: those named first, then the others. Throws `SCHEMA_INVALID`. */
  releaseOrder(first: readonly string[]): Promise<string[]>;
  /** Never throws for a log that cannot be read: unreadable means frozen. */
  status(): Promise<AutomationStatus>;
}

/** Each look is a call to the provider, which allows only a few a second. */
const FIRST_POLL_MS = 25;
const LONGEST_POLL_MS = 1_000;

export function createBrakes(parts: BrakesParts): Brakes {
  return {
    freeze: (input, operator) => freeze(parts, input, operator),
    awaitEffective: (recorded, withinMs) => awaitEffective(parts, recorded, withinMs),
    resume: (input, operator) => resume(parts, input, operator),
    releaseOrder: async (first) => releaseOrder(trustOf(await parts.log.sync()), first),
    status: () => status(parts),
  };
}

async function freeze(
  parts: BrakesParts,
  { scope, reason, hard, rollBack }: Parameters<Brakes['freeze']>[0],
  operator: Person,
): Promise<RecordedState & { zones: string[] }> {
  const recorded = await record(
    parts,
    { state: 'frozen', scope, reason, ...(hard && { hard }), ...(rollBack && { rollBack }) },
    operator,
  );
  const engineAway = tell(() => parts.engine.freeze(parts.environment, recorded.index));
  return { ...recorded, engineAway, zones: fencedZones(scope, zonesOf(trustOf(parts.log.lastKnown()))) };
}

async function awaitEffective(
  parts: BrakesParts,
  { index, zones }: { index: number; zones: readonly string[] },
  withinMs: number,
): Promise<ZoneUnderFreeze[]> {
  const startedMs = parts.nowMs();
  return Promise.all(
    zones.map(async (zone) => {
      for (let pollMs = FIRST_POLL_MS; ; pollMs = Math.min(2 * pollMs, LONGEST_POLL_MS)) {
        const seen = await zoneUnder(parts, zone, index);
        const afterMs = parts.nowMs() - startedMs;
        if (seen.effective) return { ...seen, afterMs };
        if (afterMs >= withinMs) return { ...seen, afterMs: null };
        await parts.sleep(pollMs);
      }
    }),
  );
}

async function resume(
  parts: BrakesParts,
  { scope, reason, gradual }: Parameters<Brakes['resume']>[0],
  operator: Person,
): Promise<RecordedState & { stillFrozen: string[] }> {
  const known = canonicalText(scope);
  const automation = (await parts.log.sync()).automation.filter(({ state }) => state !== 'active');
  const others = automation.filter((one) => canonicalText(one.scope) !== known);
  const current = automation.find((one) => canonicalText(one.scope) === known);
  if (!current) {
    const listed = others.map((one) => scopeText(one.scope)).join(', ') || 'nothing';
    throw new DomainError('NOT_FOUND', `${scopeText(scope)} is not frozen; frozen: ${listed}.`, {
      next: 'Name the scope that is to go on: see `resilience-ctl automation status`.',
    });
  }
  const stillFrozen = others.map((one) => scopeText(one.scope));
  if (gradual === null) {
    const recorded = await record(parts, { state: 'active', scope, reason }, operator);
    return { ...recorded, engineAway: Promise.resolve(null), stillFrozen };
  }
  const again = current.state === 'resuming' && current.gradual;
  const recorded = again
    ? { index: current.index, scope, at: current.at, recordedMs: 0 }
    : await record(parts, { state: 'resuming', scope, reason, gradual }, operator);
  const { watchMs } = again || gradual;
  const engineAway = tell(() =>
    parts.engine.resume(parts.environment, { freezeIndex: recorded.index, watchMs }),
  );
  return { ...recorded, engineAway, stillFrozen };
}

type AboutAutomation = Omit<FreezePredicate, 'environment' | 'operator' | 'nonce' | 'at'>;

async function record(
  parts: BrakesParts,
  about: AboutAutomation,
  operator: Person,
): Promise<Omit<RecordedState, 'engineAway'>> {
  await mustBeAllowed(parts, about, operator);
  const startedMs = parts.nowMs();
  const at = new Date(startedMs).toISOString();
  const entry = await signStatement(operator.signer, 'freeze', {
    ...about,
    environment: parts.environment,
    operator: operator.subject,
    nonce: parts.newNonce(),
    at,
  });
  const [fate] = await parts.log.append([entry]);
  if (fate?.fate !== 'honoured') {
    const why = fate && 'reason' in fate ? fate.reason : 'the log gave no answer';
    throw new DomainError('NOT_PERMITTED', `Automation stays as it was: entry does not count: ${why}.`, {
      next: 'Check that your key is in the trust document with the role operator.',
    });
  }
  return { index: fate.index, scope: about.scope, at, recordedMs: parts.nowMs() - startedMs };
}

/**
 * Said here, before anything is written. The log asks for the role alone, because a fold reads no policy; and so does
 * whoever brakes while the policy cannot be read.
 */
async function mustBeAllowed(parts: BrakesParts, about: AboutAutomation, operator: Person): Promise<void> {
  const state = await parts.log.sync();
  const trust = trustOf(state);
  mustHold(trust, operator, 'operator');
  const { environment } = parts;
  const action = about.state === 'frozen' ? 'freeze' : 'resume';
  const scope = Object.entries(about.scope ?? {})
    .map((part) => part.join('/'))
    .join();
  const permissions = await parts.permissions(state);
  if (action === 'freeze' && permissions.cedar === null) return;
  mayOperate(permissions, { environment, principal: principalOf(trust, operator.subject), action, scope });
}

/** What is recorded stands, so that an engine which is away is no error here: why is for the caller to say. */
async function tell(engine: () => Promise<void>): Promise<string | null> {
  try {
    await engine();
    return null;
  } catch (error) {
    return error instanceof Error ? error.message : String(error);
  }
}

function releaseOrder(trust: TrustDocument, first: readonly string[]): string[] {
  const known = trust.services.flatMap(({ voterZone }) => voterZone ?? []);
  const unknown = first.filter((az) => !known.includes(az));
  if (unknown.length > 0) {
    throw new DomainError('SCHEMA_INVALID', `There is no availability zone ${unknown.join(', ')} here.`, {
      next: `Name some of ${known.join(', ')}.`,
    });
  }
  return [...new Set([...first, ...known])];
}

async function status(parts: BrakesParts): Promise<AutomationStatus> {
  const { environment } = parts;
  let state: LogState;
  try {
    state = await parts.log.sync();
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { environment, state: 'frozen', unreadable: error.message, scopes: [] };
  }
  const scopes = await Promise.all(state.automation.map((one) => scopeStatus(parts, state, one)));
  return {
    environment,
    state: state.automation.find(({ scope }) => scope === null)?.state ?? 'active',
    unreadable: null,
    scopes: scopes.toSorted((a, b) => Number(a.state === 'active') - Number(b.state === 'active')),
  };
}

async function scopeStatus(parts: BrakesParts, log: LogState, automation: Automation): Promise<ScopeStatus> {
  const { scope, state, index, operator, reason, at, hard, rollBack, gradual, resumptions } = automation;
  const zones = state === 'active' ? [] : fencedZones(scope, zonesOf(trustOf(log)));
  const holds = Object.values(log.changes).filter(
    ({ plan, intents }) => plan && intents.length > 0 && covers(scope, { ...plan, azs: null }),
  );
  return {
    ...{ scope, state, index, operator, reason, at },
    hard: hard === true,
    rollBack: rollBack === true,
    zones: await Promise.all(zones.map((zone) => zoneUnder(parts, zone, index))),
    holds: state === 'active' ? [] : holds.map(({ changeId }) => changeId),
    gradual: gradual
      ? {
          order: gradual.order,
          released: releasedAzs(automation),
          next: nextAz(automation) ?? null,
          verdicts: resumptions.map(({ az, verdict, reasons, index: of, at: when }) => ({
            ...{ az, verdict, reasons },
            index: of,
            at: when,
          })),
        }
      : null,
  };
}

/** Read from the zone itself: neither the enactor nor the log is believed that a fence is there. */
async function zoneUnder(
  { dns }: BrakesParts,
  zone: string,
  freezeIndex: number,
): Promise<Omit<ZoneUnderFreeze, 'afterMs'>> {
  try {
    const fence = await dns.readFence(zone);
    return { zone, fence, effective: fence !== null && isRaisedOver(fence, freezeIndex) };
  } catch (error) {
    if (error instanceof DomainError) return { zone, fence: null, effective: false };
    throw error;
  }
}

function zonesOf({ targets }: TrustDocument): string[] {
  return targets.map(({ zone }) => zone);
}
