import type { Plan } from '../domain/change/plan.ts';
import type { ChangeRequest } from '../domain/change/request.ts';
import type { Violation } from '../domain/errors.ts';
import { type Digest, digestOf } from '../domain/evidence/canonical-json.ts';
import type { TrustDocument } from '../domain/evidence/trust.ts';
import type { ZoneState } from '../domain/kinds/dns-records.ts';
import { documentKindOf } from '../domain/kinds/documents.ts';
import type { LogState } from '../domain/log/state.ts';
import { planZone } from './dns/plan-zone.ts';
import { planDocuments } from './documents/plan-documents.ts';
import type { Bodies } from './ports/bodies.ts';
import type { DnsZones } from './ports/dns-zones.ts';

export interface PlanningPorts {
  dns: DnsZones;
  bodies: Bodies;
  trust: TrustDocument;
  environment: string;
}

export interface PlanningInput {
  changeId: string;
  request: ChangeRequest;
  requestDigest: Digest;
}

/** A plan made here and now, and what its own readings say against it. */
export type Planned =
  | {
      plan: Plan;
      violations: Violation[];
      /** Against the log and the base. */
      judgeCausality(): Violation[];
      /** Against the state that would exist. */
      judgeInvariants(nowMs: number): Violation[];
      /** Bodies that the plan names by digest and that must be stored before it is recorded. */
      newBodies: ReadonlyMap<Digest, unknown>;
      /** What was read of the target and is nowhere in the log: the zone. Null for documents. */
      reading: ZoneState | null;
    }
  | { plan: null; violations: Violation[] };

/**
 * Reads the target and plans the request against it: the same for the orchestrator, for each voter, and for the
 * author's preview. One change has one target; a batch that mixes them is refused by whichever plans it.
 */
export function planHere(ports: PlanningPorts, change: PlanningInput, state: LogState): Promise<Planned> {
  const first = change.request.spec.operations[0];
  const resource = first === undefined ? '' : 'set' in first ? first.set : first.remove;
  return documentKindOf(resource) === null
    ? planZone(ports, change, state)
    : planDocuments(ports, change, state);
}

/** What votes are compared on: the digests of the plan's bases, as the one who planned saw them. */
export function baseDigestOf(plan: Plan): Digest {
  return digestOf(plan.resources.map((resource) => [resource.resource, resource.baseDigest]));
}
