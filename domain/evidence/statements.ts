import type { VectorClock } from '../causality/vector-clock.ts';
import type { RiskClass } from '../change/risk.ts';
import type { Violation } from '../errors.ts';
import type { OverridableGuard } from '../override/guards.ts';
import type { Digest } from './canonical-json.ts';
import type { Envelope } from './dsse.ts';
import type { TrustDocument } from './trust.ts';

/**
 * Everything that anybody signs: an in-toto Statement v1 whose `predicateType` is
 * `https://resilience-ctl.dev/<type>/v1`. Times are RFC 3339 UTC with milliseconds. The subject is the thing that
 * the signer speaks about: the request for a `request`, the plan for everything after it.
 */
export interface Statement<T extends StatementType = StatementType> {
  _type: 'https://in-toto.io/Statement/v1';
  subject: { name: string; digest: { sha256: string } }[];
  predicateType: `https://resilience-ctl.dev/${T}/v1`;
  predicate: Predicates[T];
}

export type StatementType = keyof Predicates;

export interface Predicates {
  trust: TrustPredicate;
  request: RequestPredicate;
  plan: PlanPredicate;
  vote: VotePredicate;
  approval: ApprovalPredicate;
  mfa: MfaPredicate;
  acceptance: AcceptancePredicate;
  command: CommandPredicate;
  ruling: RulingPredicate;
  'stage-verdict': StageVerdictPredicate;
  intent: IntentPredicate;
  outcome: OutcomePredicate;
  commit: CommitPredicate;
  version: VersionPredicate;
  end: EndPredicate;
  freeze: FreezePredicate;
  fence: FencePredicate;
  recovery: RecoveryPredicate;
  resumption: ResumptionPredicate;
  'factor-lock': FactorLockPredicate;
  override: OverridePredicate;
  'override-intent': OverrideIntentPredicate;
  'override-outcome': OverrideOutcomePredicate;
  'override-commit': OverrideCommitPredicate;
  review: ReviewPredicate;
  snapshot: SnapshotPredicate;
}

/**
 * The trust document that applies from the next entry on. The first of a log is signed by the orchestrator, repeats the
 * pinned document and has `previousDigest` null. Each later one replaces the document of that digest, and is signed by
 * thresholds of the root keys of both (`judgeSuccession`). Subject: the document, named by the environment.
 */
export interface TrustPredicate {
  environment: string;
  previousDigest: Digest | null;
  document: TrustDocument;
  at: string;
}

/** Signed by the author. Subject: the request body's digest, named by the change id. */
export interface RequestPredicate {
  changeId: string;
  /** Also the audience: a request signed for one environment is nothing in another. */
  environment: string;
  author: string;
  requestDigest: Digest;
  /**
   * What the request's body says of itself, in its order, so that the log alone can queue changes (`laneOf`). The
   * schema phase refuses a request whose body says something else; `describeRequest` makes all three.
   */
  resources: string[];
  dependsOn: string[];
  emergency: boolean;
  nonce: string;
  at: string;
}

/**
 * Which program decided, in its own words, for whoever asks later why two decisions differ. It is information: never a
 * precondition, and never part of an idempotency key.
 */
export interface MadeBy {
  /** Package version and the start of its code's SHA-256: `0.1.0+5f0c2a91b3d4`. */
  build: string;
  /** SHA-256 over the files of `domain/` as that program had them. */
  rules: Digest;
  /** The engine's run that asked, and the activity by which its history names the event. Absent where none did. */
  run?: { workflowId: string; runId: string; activityId: string };
}

/** Signed by the orchestrator: the plan that votes and approvals may bind to, and the guards' findings. */
export interface PlanPredicate {
  changeId: string;
  environment: string;
  requestDigest: Digest;
  planDigest: Digest;
  resources: string[];
  /** The hosted zone that it writes to; null for documents, whose target is the log itself. */
  zone: string | null;
  riskClass: RiskClass;
  /** Log size at which the base was read. */
  logSize: number;
  /**
   * The body that holds the whole zone as it was read (`ZoneState`), so that an auditor can make the plan again and
   * judge it. Absent for documents, whose base is the log itself.
   */
  readingDigest?: Digest;
  at: string;
  madeBy?: MadeBy;
}

export type VoteDecision = 'yes' | 'no' | 'veto';

/** Signed by one zone's voter, over the digest that *it* computed. */
export interface VotePredicate {
  changeId: string;
  environment: string;
  voter: string;
  voterZone: string;
  /** 0 at first, one more each time the voters of this plan are asked again. Part of the idempotency key. */
  round: number;
  /** `veto` is a safety no: frozen, zone unhealthy or base moved. It ends the count whatever others say. */
  decision: VoteDecision;
  planDigest: Digest;
  reasons: Violation[];
  /** What the voter saw with its own eyes; votes count together only if `baseDigest` is equal. */
  observation: {
    baseDigest: Digest;
    logSize: number;
    frozen: boolean;
    zoneHealthy: boolean;
    clockSkewMs: number;
  };
  at: string;
  madeBy?: MadeBy;
}

/** Signed by a person, over the plan digest (the subject). Valid until `expiresAt`, once. */
export interface ApprovalPredicate {
  changeId: string;
  /** Audience. */
  environment: string;
  approver: string;
  decision: 'approve' | 'reject';
  reason?: string;
  planDigest: Digest;
  nonce: string;
  issuedAt: string;
  expiresAt: string;
}

/** How a person proved the second factor: a code of RFC 6238, or one of the codes given out at enrolment. */
export type FactorMethod = 'totp' | 'recovery-code';

/**
 * Signed by the factor-verifier: `person` gave a second factor for the one statement that has this nonce, over this plan
 * (the subject). It counts only beside that statement. Valid until `expiresAt`, at most five minutes.
 */
export interface MfaPredicate {
  changeId: string;
  /** Audience. */
  environment: string;
  person: string;
  planDigest: Digest;
  /** Of the approval or override that it goes with. */
  nonce: string;
  method: FactorMethod;
  at: string;
  expiresAt: string;
}

/** Signed by the orchestrator: a person's approval arrived at `at`, and counts or does not. */
export interface AcceptancePredicate {
  changeId: string;
  environment: string;
  accepted: boolean;
  reasons: Violation[];
  approver: string;
  decision: 'approve' | 'reject';
  nonce: string;
  planDigest: Digest;
  approval: Envelope;
  /** The second factor that came with it. */
  mfa?: Envelope;
  at: string;
  madeBy?: MadeBy;
}

export const COMMAND_ACTIONS = ['pause', 'continue', 'abort'] as const;
export type CommandAction = (typeof COMMAND_ACTIONS)[number];

/** Signed by a person: steers an open change. Valid until `expiresAt`, once. */
export interface CommandPredicate {
  changeId: string;
  /** Audience. */
  environment: string;
  person: string;
  action: CommandAction;
  reason: string;
  nonce: string;
  issuedAt: string;
  expiresAt: string;
}

/**
 * Signed by the orchestrator: a person's command arrived at `at`, and is theirs to give, or is not. What it then did
 * to the change is for the change's own entries to say.
 */
export interface RulingPredicate {
  changeId: string;
  environment: string;
  accepted: boolean;
  reasons: Violation[];
  person: string;
  action: CommandAction;
  nonce: string;
  command: Envelope;
  at: string;
  madeBy?: MadeBy;
}

export type Verdict = 'pass' | 'fail' | 'inconclusive';

export interface ArmCounts {
  /** Direct probes of every target of the arm. */
  samples: number;
  errors: number;
  /** Probes that reached the arm through weighted resolution. */
  resolvedSamples: number;
  resolvedErrors: number;
  latencyP50Ms: number;
  latencyP99Ms: number;
}

/** Signed by the analysis role after a stage's bake. */
export interface StageVerdictPredicate {
  changeId: string;
  environment: string;
  planDigest: Digest;
  stage: string;
  /** The intent that put the stage live. */
  intentIndex: number;
  verdict: Verdict;
  reasons: string[];
  arms: { stable: ArmCounts; canary: ArmCounts };
  /**
   * The body that holds the consumers' reports that were judged (`ConsumerReport[]`), so that an auditor can count them
   * again. Absent for records, whose counts are of the role's own probes.
   */
  reportsDigest?: Digest;
  bakeStartedAt: string;
  at: string;
  madeBy?: MadeBy;
}

/**
 * Signed by the orchestrator, appended before the effect. Its index becomes the fence. It also authorises, and
 * names by digest, the inverse that leads back from this stage.
 */
export interface IntentPredicate {
  changeId: string;
  environment: string;
  planDigest: Digest;
  stage: string;
  /** As in the plan. */
  zone: string | null;
  /** Null also for documents: their reservation is the fence. */
  expectedFence: string | null;
  inverseDigest: Digest;
  at: string;
  madeBy?: MadeBy;
}

/** Signed by the enactor: what became of intent `intentIndex` (or of its inverse). */
export interface OutcomePredicate {
  changeId: string;
  environment: string;
  planDigest: Digest;
  stage: string;
  intentIndex: number;
  direction: 'forward' | 'rollback';
  result: 'applied' | 'not-applied';
  /** The fence that was live when this was concluded. */
  fence: string | null;
  reason: string;
  at: string;
  madeBy?: MadeBy;
}

/**
 * Signed by the enactor: moves every resource of a batch at once. Void when a precondition does not hold at its index.
 * With `rollout` null the versions are live and the change is over. With a `rollout` it is an *exposure*, of documents
 * only: the versions become the canary arm of each resource, which replaces an earlier exposure of the same change,
 * and the change stays open. Percent 0 without zones withdraws them, for good.
 */
export interface CommitPredicate {
  changeId: string;
  environment: string;
  planDigest: Digest;
  moves: Move[];
  /** As in the plan. */
  zone: string | null;
  rollout: Rollout | null;
  at: string;
  madeBy?: MadeBy;
}

export interface Move {
  resource: string;
  /** Precondition: the digest last committed; null if never. */
  from: Digest | null;
  /** Null when it is removed. */
  to: Digest | null;
  /** SemVer; null for DNS records and for what is removed. */
  version: string | null;
  /** Digest of the stored, signed `version` statement; null where `version` is, and for what an override moved. */
  versionDigest: Digest | null;
  /** Lamport. */
  clock: number;
  /** What its author had seen; the fold adds the commit itself. Empty for DNS records. */
  vector: VectorClock;
  /** Precondition: resources, with a range where they have versions (`config/payments@^2.1`), and `change/<id>`. */
  dependsOn: string[];
}

/** Who gets the new versions while a stage is live. */
export interface Rollout {
  stage: string;
  /** Share of consumers, 0–100. */
  percent: number;
  /** Availability zones whose consumers all get them. */
  zones: string[];
}

/**
 * Signed by the enactor: one immutable version of one document. It is a body, named by `Move.versionDigest`, and
 * means nothing as an entry. Subject: the document's digest, named by the resource.
 */
export interface VersionPredicate {
  resource: string;
  environment: string;
  /** SemVer. */
  version: string;
  digest: Digest;
  /** Digest of the document that it replaces; null for the first one. */
  parent: Digest | null;
  author: string;
  changeId: string;
  /** What the author had seen. */
  vector: VectorClock;
  /** Digest of the JSON Schema that the document was checked against; null where its kind has none. */
  schemaDigest: Digest | null;
  at: string;
}

export type EndStatus = 'rejected' | 'rolled-back' | 'aborted';

/** Signed by the orchestrator: the change is over without a commit, and production is as before. */
export interface EndPredicate {
  changeId: string;
  environment: string;
  status: EndStatus;
  reasons: Violation[];
  at: string;
}

/** What a freeze is about: a hosted zone, an availability zone, a resource, or all resources of a kind. */
export type FreezeScope = { zone: string } | { az: string } | { resource: string } | { kind: string };

/**
 * Signed by an operator: what automation may do in a scope from here on. `scope` null means the whole environment.
 * Scopes are separate: each is lifted by an entry of its own.
 */
export interface FreezePredicate {
  environment: string;
  state: 'active' | 'frozen' | 'resuming';
  scope: FreezeScope | null;
  operator: string;
  reason: string;
  nonce: string;
  at: string;
  /** Only with `frozen`: the enactor refuses rollbacks too. */
  hard?: true;
  /** Only with `frozen`: changes in scope that wait for the freeze to end go back instead. */
  rollBack?: true;
  /** With `resuming`, and only with it: how the scope is released. */
  gradual?: Gradual;
}

export interface Gradual {
  /** Availability zones, in the order of their release; when the last is released the scope is active. */
  order: string[];
  /** How long the world is watched after a release before the next verdict. */
  watchMs: number;
}

/**
 * Signed by the analysis role: its verdict before the availability zone `az` is released under the gradual resumption
 * of entry `freezeIndex`. It counts for the zone that comes next in the order that the operator signed. `pass` releases
 * it, `fail` freezes the scope again, `inconclusive` releases nothing.
 */
export interface ResumptionPredicate {
  environment: string;
  freezeIndex: number;
  az: string;
  verdict: Verdict;
  reasons: string[];
  at: string;
  madeBy?: MadeBy;
}

/**
 * Signed by the enactor, appended before it replaces a zone's fence without moving a record, so that batches in flight
 * are refused. Its own index becomes the fence, and the log explains it like an intent's. `cause` is the freeze or the
 * recovery that asked for it.
 */
export interface FencePredicate {
  environment: string;
  zone: string;
  expectedFence: string | null;
  cause: { type: 'freeze' | 'recovery'; index: number };
  at: string;
}

/** Signed by an operator: the engine was lost, and what it still has in flight must not be written any more. */
export interface RecoveryPredicate {
  environment: string;
  operator: string;
  reason: string;
  nonce: string;
  at: string;
}

/** Signed by the factor-verifier: after so many wrong codes it hears no more of this person until `until`. */
export interface FactorLockPredicate {
  environment: string;
  person: string;
  failures: number;
  until: string;
  at: string;
}

/**
 * Signed by two people, in one envelope, over the plan digest (the subject): break-glass. It passes over the guards that
 * it names and no others, once, until `expiresAt`, at most fifteen minutes.
 */
export interface OverridePredicate {
  changeId: string;
  /** Audience. */
  environment: string;
  /** Who asks for it; may be one of the approvers. */
  author: string;
  /** Exactly two. */
  approvers: string[];
  planDigest: Digest;
  guards: OverridableGuard[];
  /** Resources of which nothing will be left: besides every guard, and each by name. */
  emptying: string[];
  /** Of documents, exactly what goes live; absent for records. */
  moves?: OverrideMove[];
  /** Of records, exactly what the zone will hold of them; absent for documents. */
  records?: Pick<OverrideIntentPredicate, 'zone' | 'resources'>;
  reason: string;
  nonce: string;
  issuedAt: string;
  expiresAt: string;
}

/** The two signatures over it stand for the version statement that an enactor would have signed. */
export type OverrideMove = Omit<Move, 'versionDigest'>;

/** What two people sign to make live, besides the plan's digest: the role that carries it out is not believed about it. */
export type OverrideEffect = Pick<OverridePredicate, 'moves' | 'records'>;

/**
 * Signed by the break-glass role, before the effect: in the log, or, where that is down, in a spool that is brought to
 * the log later. It carries its own proof.
 */
export interface OverrideIntentPredicate {
  changeId: string;
  environment: string;
  planDigest: Digest;
  requestDigest: Digest;
  zone: string;
  /** What will be live: the digest of each resource, null where it goes. */
  resources: { resource: string; to: Digest | null }[];
  expectedFence: string | null;
  /** Null: its own index. From a spool, which has none: built on the live fence (`overrideFence`). */
  fence: string | null;
  override: Envelope;
  /** One `mfa` statement for each approver. */
  factors: Envelope[];
  at: string;
}

/** Signed by the break-glass role: what became of the change's override. */
export interface OverrideOutcomePredicate {
  changeId: string;
  environment: string;
  planDigest: Digest;
  result: 'applied' | 'not-applied';
  /** The fence that was live when this was concluded. */
  fence: string | null;
  reason: string;
  at: string;
}

/**
 * Signed by the break-glass role: the documents that two people say (`OverridePredicate.moves`) are live for everybody at
 * its index. Void when a precondition of a commit does not hold there and no named guard passes over it.
 */
export interface OverrideCommitPredicate {
  changeId: string;
  environment: string;
  planDigest: Digest;
  requestDigest: Digest;
  override: Envelope;
  /** One `mfa` statement for each approver. */
  factors: Envelope[];
  at: string;
}

/** Signed by a third person: an override was looked at, and its review is closed. */
export interface ReviewPredicate {
  changeId: string;
  environment: string;
  reviewer: string;
  reason: string;
  nonce: string;
  at: string;
}

/** Signed by the orchestrator: the state at `size` entries is the body `stateDigest`. */
export interface SnapshotPredicate {
  environment: string;
  size: number;
  stateDigest: Digest;
  at: string;
}
