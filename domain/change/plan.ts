import { type Digest, digestOf } from '../evidence/canonical-json.ts';
import type { RecordChange, RecordGroup } from '../kinds/dns-records.ts';
import type { PermissionsVersion } from '../permissions/in-force.ts';
import type { DocumentPlan } from './document-plan.ts';
import type { Probe } from './request.ts';
import type { Risk } from './risk.ts';

/** One resource of a plan: what is live, what will be live, and the causal facts that its commit asserts. */
export interface PlannedResource {
  resource: string;
  before: RecordGroup;
  after: RecordGroup;
  /** Digest of `before` as read from the target; null when it does not exist. */
  baseDigest: Digest | null;
  /** Digest of `after`; null when the change removes the resource. */
  targetDigest: Digest | null;
  /** Digest that the log last committed for this resource; null when it never did. A difference to `baseDigest` is drift. */
  committedDigest: Digest | null;
}

/**
 * One step of the rollout. `changes` lead from the stage before (or the base) to this one; `inverse` leads from
 * this one straight back to the base. Both are exact batches, without fence records: those are added, with the
 * index of the intent, by the enactor.
 */
export interface Stage {
  /** `1%`, `10%`, … and `final`, which collapses to the declared form. */
  name: string;
  /** Share of resolutions, 0–100, that the new version gets while this stage is live. */
  percent: number;
  /** All record sets of the plan's resources while this stage is live, in canonical order. */
  live: RecordGroup;
  changes: RecordChange[];
  inverse: RecordChange[];
  /** Whether the analysis role watches this stage and must sign a passing verdict before the next. */
  baked: boolean;
}

/** A plan for the records of one hosted zone. */
export interface DnsPlan {
  apiVersion: 'resilience-ctl/plan/v1';
  changeId: string;
  requestDigest: Digest;
  environment: string;
  kind: 'dns';
  /** The hosted zone's name: a change has exactly one target. */
  zone: string;
  resources: PlannedResource[];
  dependsOn: string[];
  stages: Stage[];
  rollout: {
    bakeMs: number;
    /** Samples needed in each arm before a verdict can be anything but inconclusive. */
    minimumSamples: number;
    probe: Probe | null;
  };
  risk: Risk;
  /** Lamport clock of the versions that this plan makes: above its bases' and its dependencies'. */
  clock: number;
  /** Who may do what, as it was when this was planned: another policy is another plan. */
  permissions: PermissionsVersion;
}

/** A pure function of a signed request and its base; addressed by the digest of its canonical bytes. */
export type Plan = DnsPlan | DocumentPlan;

/** The hosted zone that a plan writes to; null for documents, whose target is the log itself. */
export function zoneOf(plan: Plan): string | null {
  return plan.kind === 'dns' ? plan.zone : null;
}

/**
 * What an intent authorises as the way back from its stage: the exact inverse batch, or for documents the versions
 * that were live before. Undefined for a stage that the plan does not have.
 */
export function inverseDigestOf(plan: Plan, stageName: string): Digest | undefined {
  if (plan.kind === 'documents') {
    const known = plan.stages.some((stage) => stage.name === stageName);
    return known
      ? digestOf(plan.resources.map(({ resource, baseDigest }) => [resource, baseDigest]))
      : undefined;
  }
  const stage = plan.stages.find((one) => one.name === stageName);
  return stage && digestOf(stage.inverse);
}
