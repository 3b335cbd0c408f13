import { type ChangeRequest, resourceOf } from '../../domain/change/request.ts';
import { DomainError } from '../../domain/errors.ts';
import { digestOf } from '../../domain/evidence/canonical-json.ts';
import type { TrustDocument } from '../../domain/evidence/trust.ts';
import type { ZoneState } from '../../domain/kinds/dns-records.ts';
import { documentKindOf } from '../../domain/kinds/documents.ts';
import { type LogState, trustOf } from '../../domain/log/state.ts';
import { type PlannedOverride, planOverride } from '../../domain/override/judge-guards.ts';
import type { BreakGlassPorts } from './ports.ts';

/** A plan with what it was made from. */
export interface OverrideBase {
  planned: PlannedOverride;
  zone: ZoneState;
  /** Null when the log does not answer. */
  state: LogState | null;
  /** In force, as far as this machine knows. */
  trust: TrustDocument;
}

/**
 * Plans a request on the zone as it is, with or without the log. Throws `NOT_PERMITTED` for another target than one
 * hosted zone of this environment, and what `DnsZones.readZone` throws: without the target there is nothing to break.
 */
export async function planOverrideHere(
  ports: Pick<BreakGlassPorts, 'environment' | 'log' | 'dns' | 'clock'>,
  changeId: string,
  request: ChangeRequest,
): Promise<OverrideBase> {
  const { environment, clock } = ports;
  const state = await stateOrNull(ports);
  const trust = trustOf(ports.log.lastKnown());
  const name = targetOf(
    request,
    environment,
    trust.targets.map((target) => target.zone),
  );
  const zone = await ports.dns.readZone(name);
  const planned = planOverride({
    ...{ changeId, environment, request, zone, trust, state },
    requestDigest: digestOf(request),
    nowMs: clock.nowMs(),
  });
  return { planned, zone, state, trust };
}

/** Null while the log does not answer. One that answers wrongly (a fork) is no reason to go on: it throws. */
export async function stateOrNull({ log }: Pick<BreakGlassPorts, 'log'>): Promise<LogState | null> {
  try {
    return await log.sync();
  } catch (error) {
    if (error instanceof DomainError && error.kind === 'unavailable') return null;
    throw error;
  }
}

function targetOf(request: ChangeRequest, environment: string, zones: readonly string[]): string {
  const resources = request.spec.operations.map(resourceOf);
  const named = resources.map((resource) => resource.split('/')[1] ?? '').find((one) => zones.includes(one));
  if (request.metadata.environment !== environment) {
    throw refused(`The request is for environment ${request.metadata.environment}; this is ${environment}.`);
  }
  if (resources.some((resource) => documentKindOf(resource) !== null)) {
    throw refused(
      'Break-glass writes DNS records. The target of documents is the log itself, which is where their workflow writes them.',
    );
  }
  if (named === undefined) throw refused(`No zone of ${environment} is in it: ${resources.join(', ')}.`);
  return named;
}

function refused(message: string): DomainError {
  return new DomainError('NOT_PERMITTED', message, {
    next: 'Write a change request of the DNS records of one zone of this environment.',
  });
}
