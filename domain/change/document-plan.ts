import type { VectorClock } from '../causality/vector-clock.ts';
import type { Digest } from '../evidence/canonical-json.ts';
import type { DocumentKind } from '../kinds/documents.ts';
import type { SwitchDirection } from '../kinds/switch.ts';
import type { PermissionsVersion } from '../permissions/in-force.ts';
import type { Risk } from './risk.ts';

/** One edit inside a document: what was at a place, and what will be. Absent means that nothing is there. */
export interface DocumentEdit {
  /** JSON Pointer (RFC 6901). */
  path: string;
  before?: unknown;
  after?: unknown;
}

/** One document of a plan: its base, what it becomes, and the causal facts that its commit asserts. */
export interface PlannedDocument {
  resource: string;
  kind: DocumentKind;
  /** Null when it does not exist yet. */
  baseDigest: Digest | null;
  baseVersion: string | null;
  /** Null when the change removes it. The body is stored under this digest. */
  targetDigest: Digest | null;
  targetVersion: string | null;
  /** What the document itself needs, with ranges: `schema/timeouts@^1.2`. */
  dependsOn: string[];
  edits: DocumentEdit[];
  /** People or teams, of whom one must approve: those whom the live document names, else those of the new one. */
  owners: string[];
  /** Of a switch, which way it goes; `edit` for every other document. */
  direction: SwitchDirection;
}

/**
 * How a batch of documents reaches its consumers. `consumers`: a growing share of them, by a stable hash of instance
 * and change. `zones`: one availability zone after another. `at-once`: everybody with the first stage.
 */
export type DocumentStrategy = 'consumers' | 'zones' | 'at-once';

export interface DocumentStage {
  /** `10%`, `us-east-1a`, `all`. */
  name: string;
  /** Share of consumers, 0–100, that gets the new versions while this stage is live. */
  percent: number;
  /** For `zones`: the zones that have the new versions while this stage is live. */
  zones: string[];
  /** Whether consumers' reports are judged before the next stage. */
  baked: boolean;
}

/** A pure function of a signed request and its base, like `Plan`, for the documents of one environment. */
export interface DocumentPlan {
  apiVersion: 'resilience-ctl/plan/v1';
  changeId: string;
  requestDigest: Digest;
  environment: string;
  kind: 'documents';
  resources: PlannedDocument[];
  /** Declared by the author: resources (with ranges) and `change/<id>`. */
  dependsOn: string[];
  strategy: DocumentStrategy;
  stages: DocumentStage[];
  rollout: {
    bakeMs: number;
    minimumSamples: number;
    /** The author's word that no service reads these configs yet; absent where there is none. */
    consumers?: 'none';
  };
  /** Everything that depends, directly or not, on what the plan touches, sorted. */
  blastRadius: string[];
  risk: Risk;
  /** The clock that the author saw; the commit advances it in this environment's component. */
  vector: VectorClock;
  clock: number;
  permissions: PermissionsVersion;
}
