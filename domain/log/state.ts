import type { VectorClock } from '../causality/vector-clock.ts';
import { type Digest, digestOf } from '../evidence/canonical-json.ts';
import type { Envelope } from '../evidence/dsse.ts';
import type {
  AcceptancePredicate,
  CommitPredicate,
  EndPredicate,
  FactorMethod,
  FencePredicate,
  FreezePredicate,
  IntentPredicate,
  OutcomePredicate,
  OverrideIntentPredicate,
  OverrideOutcomePredicate,
  OverridePredicate,
  PlanPredicate,
  RecoveryPredicate,
  RequestPredicate,
  ResumptionPredicate,
  ReviewPredicate,
  Rollout,
  RulingPredicate,
  SnapshotPredicate,
  StageVerdictPredicate,
  VotePredicate,
} from '../evidence/statements.ts';
import type { TrustDocument } from '../evidence/trust.ts';

/**
 * The environment after its first `size` entries: a deterministic fold, plain JSON, equal for everyone who folds
 * the same prefix under the same trust document. `log/fold.ts` makes it.
 */
export interface LogState {
  environment: string;
  /** Number of entries folded; the next entry's index. */
  size: number;
  automation: Automation[];
  live: Record<string, LiveVersion>;
  /** Own component: how many commits of this environment the log holds. Others: what their authors had seen. */
  clock: VectorClock;
  /** Open changes whole; ended ones by status alone, so that a snapshot stays small. */
  changes: Record<string, ChangeRecord>;
  ended: Record<string, { status: EndedStatus; index: number }>;
  /** Resource → the open change that has written to it, from its first intent to its end. */
  reservations: Record<string, string>;
  /**
   * Index of each honoured intent or raised fence → the fence that it expected to replace: the chain through which a live fence is
   * walked back. Those older than every open change's first intent are dropped.
   */
  fenceChain: Record<string, string | null>;
  /** Commits of the last day, for cumulative limits. */
  recentCommits: { at: string; zone: string | null; resources: string[] }[];
  trustInForce: TrustInForce;
  /** The newest snapshot that the log names. */
  snapshot: Indexed<SnapshotPredicate> | null;
  /** Fences raised by a freeze or a recovery, the newest of each zone. */
  raisedFences: Indexed<FencePredicate>[];
  /** Zone → the newest fence that an outcome found live there: with every effect settled, what the zone must hold. */
  settledFences: Record<string, string>;
  /** The newest recovery. */
  recovery: Indexed<RecoveryPredicate> | null;
  /** Every override there was, by its change: a token counts once, and a review stays open until it is closed. */
  overrides: Record<string, OverrideRecord>;
  /** Nonce → index of every freeze and recovery entry, so that an old one cannot be replayed. */
  freezeNonces: Record<string, number>;
}

/** Under which trust document the next entry is judged. */
export interface TrustInForce {
  document: TrustDocument;
  digest: Digest;
  /** Of the entry that put it in force; null while the log does not name the pinned one yet. */
  index: number | null;
  /** The signed entries that lead from the pinned document to this one: proof for who starts from a snapshot. */
  updates: Envelope[];
}

/** The trust document in force: who may sign the next entry, and the policy and targets that apply. */
export function trustOf(state: Pick<LogState, 'trustInForce'>): TrustDocument {
  return state.trustInForce.document;
}

/** The state of a log without entries, under the pinned trust document. */
export function emptyLogState(environment: string, pinned: TrustDocument): LogState {
  const trustInForce = { document: pinned, digest: digestOf(pinned), index: null, updates: [] };
  return { environment, ...emptyParts(), trustInForce };
}

const emptyParts = (): Omit<LogState, 'environment' | 'trustInForce'> => ({
  size: 0,
  automation: [],
  live: {},
  clock: {},
  changes: {},
  ended: {},
  reservations: {},
  fenceChain: {},
  recentCommits: [],
  snapshot: null,
  raisedFences: [],
  settledFences: {},
  recovery: null,
  overrides: {},
  freezeNonces: {},
});

/**
 * Whether a stored state has the fields that this build folds: one that another build stored may lack some, and going
 * on from it would not give what folding everything gives.
 */
export function hasFieldsOfState(value: object): value is LogState {
  const fields = ['environment', 'trustInForce', ...Object.keys(emptyParts())];
  return Object.keys(value).sort().join() === fields.sort().join();
}

export type EndedStatus = 'committed' | EndPredicate['status'];

/** The newest freeze entry of each scope, with the verdicts of its gradual resumption; `state` follows from both. */
export type Automation = Omit<FreezePredicate, 'environment' | 'nonce'> & {
  index: number;
  resumptions: Indexed<ResumptionPredicate>[];
};

export interface LiveVersion {
  /** Null once removed. */
  digest: Digest | null;
  /** SemVer; null for DNS records. */
  version: string | null;
  versionDigest: Digest | null;
  /** The digest that it replaced: where a rollback of it leads. */
  parent: Digest | null;
  clock: number;
  /** What its author had seen, and its own commit: the environment's component counts up to it. */
  vector: VectorClock;
  dependsOn: string[];
  changeId: string;
  index: number;
  /** The second arm, while an open change exposes one. */
  canary: Canary | null;
}

/** The version that part of the consumers get instead; a null digest means that they get none. */
export interface Canary extends Omit<Rollout, 'stage'> {
  digest: Digest | null;
  version: string | null;
  versionDigest: Digest | null;
  changeId: string;
  /** Of the exposure. */
  index: number;
}

export type Indexed<T> = T & { index: number };

/** Every honoured statement of one open change, in order: its bundle, already verified by whoever folded it. */
export interface ChangeRecord {
  changeId: string;
  request: Indexed<RequestPredicate>;
  /** The newest plan. Votes, acceptances and verdicts over another digest stay listed and do not count. */
  plan: Indexed<PlanPredicate> | null;
  votes: Indexed<VotePredicate>[];
  /** `mfa`: the second factor that came with it. */
  acceptances: Indexed<
    Omit<AcceptancePredicate, 'approval' | 'mfa'> & { mfa: { method: FactorMethod; at: string } | null }
  >[];
  /** Commands that arrived, accepted and refused. */
  rulings: Indexed<Omit<RulingPredicate, 'command'>>[];
  verdicts: Indexed<StageVerdictPredicate>[];
  intents: Indexed<IntentPredicate>[];
  outcomes: Indexed<OutcomePredicate>[];
  /** Commits that put a canary arm live or withdrew it, in order. */
  exposures: Indexed<CommitPredicate & { rollout: Rollout }>[];
}

/** Break-glass, from the intent to the end of its review. */
export interface OverrideRecord {
  intent: Indexed<Omit<OverrideIntentPredicate, 'override' | 'factors' | 'zone'>> & {
    /** Null for documents: their one entry is intent and outcome, and there is no fence. */
    zone: string | null;
  };
  /** What the two people signed. */
  said: OverridePredicate;
  factors: { person: string; method: FactorMethod; at: string }[];
  outcome: Indexed<OverrideOutcomePredicate> | null;
  /** Null as long as no third person has closed it. */
  review: Indexed<ReviewPredicate> | null;
}

/**
 * What the fold made of one entry. `honoured`: counted. `void`: well signed, but a precondition did not hold at its
 * index. `duplicate`: its idempotency key is already there, at `firstIndex`. `inert`: unsigned, unknown or not
 * allowed; it changes nothing and blocks nothing.
 */
export type EntryFate =
  | { fate: 'honoured'; index: number }
  | {
      fate: 'void';
      index: number;
      code:
        | 'RESERVED'
        | 'FROZEN'
        | 'STALE_BASE'
        | 'ALREADY_ENDED'
        | 'DEPENDENCY_MISSING'
        | 'CYCLE'
        | 'ROLLBACK_INCOMPLETE';
      reason: string;
    }
  | { fate: 'duplicate'; index: number; firstIndex: number }
  | { fate: 'inert'; index: number; reason: string };
