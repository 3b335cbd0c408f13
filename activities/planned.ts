import type { Plan } from '../domain/change/plan.ts';
import type { ChangeRequest } from '../domain/change/request.ts';
import type { Violation } from '../domain/errors.ts';
import { type Digest, digestOf } from '../domain/evidence/canonical-json.ts';
import type { ZoneState } from '../domain/kinds/dns-records.ts';
import type { PolicyEngine } from '../domain/permissions/permission.ts';
import type { Bodies } from './ports/bodies.ts';
import type { DnsZones } from './ports/dns-zones.ts';

export interface PlanningPorts {
  dns: DnsZones;
  bodies: Bodies;
  environment: string;
  policyEngine: PolicyEngine;
}

export interface PlanningInput {
  changeId: string;
  request: ChangeRequest;
  requestDigest: Digest;
}

/** A plan made here and now at its target, and what the target's readings say against it. */
export type PlannedAtTarget =
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
  | NoPlan;

interface NoPlan {
  plan: null;
  violations: Violation[];
}

/** With what the policy in force says against it. */
export type Planned =
  | (Exclude<PlannedAtTarget, NoPlan> & {
      /** May this author have it carried out, and is there somebody who could approve it? */
      judgePermissions(author: string): Violation[];
    })
  | NoPlan;

/** What votes are compared on: the digests of the plan's bases, as the one who planned saw them. */
export function baseDigestOf(plan: Plan): Digest {
  return digestOf(plan.resources.map((resource) => [resource.resource, resource.baseDigest]));
}
