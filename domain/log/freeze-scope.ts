import type { DocumentStage } from '../change/document-plan.ts';
import { type Plan, type Stage, zoneOf } from '../change/plan.ts';
import type { FreezeScope, Rollout } from '../evidence/statements.ts';
import type { Automation, LogState } from './state.ts';

/** What an effect touches: the question that a freeze answers. */
export interface Reach {
  /** Hosted zone that it writes to; null for documents. */
  zone: string | null;
  /** Availability zones that it is confined to; null where it is confined to none, so that it may reach them all. */
  azs: readonly string[] | null;
  resources: readonly string[];
  /** Whether it only engages switches: a brake itself, which only a hard freeze stops, or one of switches. */
  engages: boolean;
}

/** What a plan reaches as a whole, or one of its stages. Records are resolved everywhere. */
export function reachOf(plan: Plan, stage?: Stage | DocumentStage): Reach {
  return {
    zone: zoneOf(plan),
    azs: stage !== undefined && 'zones' in stage ? azsOf(stage) : null,
    resources: plan.resources.map(({ resource }: { resource: string }) => resource),
    engages: plan.risk.class === 'brake',
  };
}

/** Availability zones that an exposure is confined to; null for none: at 100 % everybody has it (`armFor`). */
export function azsOf({ percent, zones }: Pick<Rollout, 'percent' | 'zones'>): readonly string[] | null {
  return zones.length > 0 && percent < 100 ? zones : null;
}

/**
 * The freeze that is in the way of an effect, the hardest first; undefined when there is none. An effect that may
 * reach an availability zone which is frozen is stopped whole: only one that is confined to others goes on. Under a
 * gradual resumption an effect goes on only where it is confined to availability zones that are released already.
 */
export function freezeOn(state: LogState, reach: Reach): Automation | undefined {
  const inTheWay = state.automation.filter((automation) => stops(automation, reach));
  return inTheWay.find(({ hard }) => hard) ?? inTheWay[0];
}

function stops(automation: Automation, reach: Reach): boolean {
  if (automation.state === 'active' || !covers(automation.scope, reach)) return false;
  if (reach.engages && !automation.hard && !namesSwitches(automation.scope)) return false;
  if (automation.state === 'frozen') return true;
  const released = releasedAzs(automation);
  return reach.azs === null || !reach.azs.every((az) => released.includes(az));
}

/** A switch too can hit a consumer that cannot take it: whoever freezes switches by name means them. */
function namesSwitches(scope: FreezeScope | null): boolean {
  if (scope === null) return false;
  return (
    ('kind' in scope && scope.kind === 'switch') ||
    ('resource' in scope && kindIn(scope.resource) === 'switch')
  );
}

/** Whether an effect may reach into a scope; null is the whole environment. */
export function covers(scope: FreezeScope | null, { zone, azs, resources }: Omit<Reach, 'engages'>): boolean {
  if (scope === null) return true;
  if ('zone' in scope) return scope.zone === zone;
  if ('az' in scope) return azs === null || azs.includes(scope.az);
  if ('resource' in scope) return resources.includes(scope.resource);
  return resources.some((resource) => kindIn(resource) === scope.kind);
}

/** Availability zones that a gradual resumption has released, in order. */
export function releasedAzs({ resumptions }: Pick<Automation, 'resumptions'>): string[] {
  return resumptions.filter(({ verdict }) => verdict === 'pass').map(({ az }) => az);
}

/** Which comes next under a gradual resumption; undefined when none is under way. */
export function nextAz(automation: Automation): string | undefined {
  if (automation.state !== 'resuming') return undefined;
  return automation.gradual?.order[releasedAzs(automation).length];
}

/**
 * Hosted zones whose fence a freeze replaces, of those that the environment has: every zone that an effect in its
 * scope may write to.
 */
export function fencedZones(scope: FreezeScope | null, zones: readonly string[]): string[] {
  if (scope === null || 'az' in scope) return [...zones];
  if ('zone' in scope) return zones.filter((zone) => zone === scope.zone);
  if ('kind' in scope) return scope.kind === 'dns' ? [...zones] : [];
  const [kind, zone] = scope.resource.split('/', 2);
  return kind === 'dns' ? zones.filter((one) => one === zone) : [];
}

/** A scope in words: `availability zone us-east-1a`. */
export function scopeText(scope: FreezeScope | null): string {
  if (scope === null) return 'the environment';
  if ('zone' in scope) return `zone ${scope.zone}`;
  if ('az' in scope) return `availability zone ${scope.az}`;
  if ('resource' in scope) return scope.resource;
  return `kind ${scope.kind}`;
}

/** `us-east-1a is frozen since entry 12, by carol: incident 812`. */
export function freezeText({ scope, state, index, operator, reason }: Automation): string {
  return `${scopeText(scope)} is ${state} since entry ${index}, by ${operator}: ${reason}`;
}

function kindIn(resource: string): string {
  return resource.slice(0, resource.indexOf('/'));
}
