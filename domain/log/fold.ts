import { type Dependents, dependentsIn, relink } from '../causality/dependency-graph.ts';
import { countOf, merge } from '../causality/vector-clock.ts';
import { canonicalText, digestOf, parseCanonicalBytes } from '../evidence/canonical-json.ts';
import type { Envelope } from '../evidence/dsse.ts';
import { type OpenedStatement, openEnvelope, type Said } from '../evidence/statement-codec.ts';
import type {
  CommitPredicate,
  FreezePredicate,
  IntentPredicate,
  OutcomePredicate,
  OverrideOutcomePredicate,
  ResumptionPredicate,
  TrustPredicate,
} from '../evidence/statements.ts';
import type { TrustDocument } from '../evidence/trust.ts';
import { isNewerFence } from '../kinds/dns-fence.ts';
import { type Judge, judgeAuthority, judgeUnder, own } from './authority.ts';
import { readEntry } from './entry.ts';
import { recordExposure, withdrawDisplaced } from './exposures.ts';
import { firstIndexOf } from './first-index.ts';
import { nextAz } from './freeze-scope.ts';
import { leafHash } from './merkle-tree.ts';
import { recordOverrideCommit } from './override-commits.ts';
import { commitOfOverride, recordOverride, recordReview } from './overrides.ts';
import { obstacleTo } from './preconditions.ts';
import type { VerifyEd25519 } from './signed-note.ts';
import {
  type ChangeRecord,
  type EndedStatus,
  type EntryFate,
  emptyLogState,
  type LogState,
  trustOf,
} from './state.ts';
import { unreadableFreeze } from './unreadable-freeze.ts';

/** Cumulative limits look this far back (DESIGN §6). */
const RECENT_MS = 24 * 60 * 60_000;

export interface Fold {
  /** The live state: every `apply` changes it. */
  readonly state: LogState;
  /** By what the next entry is judged: the trust document in force. */
  readonly judge: Judge;
  /**
   * Folds the next entry, whatever its bytes are; throws for none. A caller that has read it already (`readEntry`) hands
   * over what it read, because reading costs as much as the rest.
   */
  apply(entryBytes: Uint8Array, read?: OpenedStatement | string): EntryFate;
  /**
   * The leaf (RFC 6962 §2.1) of an honoured intent of an open change, out of the bytes that were applied here. Null for
   * any other entry, and for one that came before the state in `from`.
   */
  intentLeaf(index: number): Uint8Array | null;
}

/**
 * The deterministic fold (DESIGN §2): whoever folds the same entries from the same pinned trust document has the same
 * state, byte for byte in canonical JSON. Each entry is judged under the document that is in force at its index.
 * Continuing `from` the state of a prefix is the same as folding all; that state is copied. Throws `SCHEMA_INVALID` for a trust document in which a key has two holders.
 */
export function createFold(input: {
  environment: string;
  trust: TrustDocument;
  verify: VerifyEd25519;
  from?: LogState;
}): Fold {
  const state = input.from ? structuredClone(input.from) : emptyLogState(input.environment, input.trust);
  let judge = judgeUnder(trustOf(state), input.verify);
  const dependents = dependentsIn(state.live);
  const intentLeaves = new Map<number, { changeId: string; leaf: Uint8Array }>();

  function apply(entryBytes: Uint8Array, read = readEntry(entryBytes)): EntryFate {
    const index = state.size;
    const fate = fateOf(read, entryBytes, index);
    state.size = index + 1;
    return fate;
  }

  function fateOf(statement: OpenedStatement | string, entryBytes: Uint8Array, index: number): EntryFate {
    if (typeof statement === 'string') return fateOfUnreadable(statement, entryBytes, index);
    if (statement.predicate.environment !== input.environment) {
      return { fate: 'inert', index, reason: `it is about environment ${statement.predicate.environment}` };
    }
    const refusal = judgeAuthority(statement, state, judge);
    if (refusal !== null) return { fate: 'inert', index, reason: refusal };
    const firstIndex = firstIndexOf(state, statement);
    if (firstIndex !== null) return { fate: 'duplicate', index, firstIndex };
    const obstacle = obstacleTo(statement, state, dependents);
    if (obstacle) return { ...obstacle, index };
    record(statement, state, dependents, index);
    if (statement.type === 'trust') {
      recordTrust(statement.predicate, entryBytes, state, index);
      judge = judgeUnder(trustOf(state), input.verify);
    }
    rememberLeaf(statement, entryBytes, index);
    return { fate: 'honoured', index };
  }

  function fateOfUnreadable(reason: string, entryBytes: Uint8Array, index: number): EntryFate {
    const freeze = unreadableFreeze(entryBytes, input.environment, judge);
    if (freeze === null) return { fate: 'inert', index, reason };
    const firstIndex = own(state.freezeNonces, freeze.nonce);
    if (firstIndex !== undefined) return { fate: 'duplicate', index, firstIndex };
    // Nobody can read that it lifts what the freeze in force asks for beyond a stop.
    const { hard, rollBack } = state.automation.find(({ scope }) => scope === null) ?? {};
    recordFreeze({ ...freeze, ...(hard && { hard }), ...(rollBack && { rollBack }) }, state, index);
    return { fate: 'honoured', index };
  }

  function rememberLeaf(said: Said, entryBytes: Uint8Array, index: number): void {
    if (said.type === 'intent') {
      intentLeaves.set(index, { changeId: said.predicate.changeId, leaf: leafHash(entryBytes) });
    } else if (said.type === 'commit' || said.type === 'end') {
      for (const [intent, { changeId }] of intentLeaves) {
        if (!own(state.changes, changeId)) intentLeaves.delete(intent);
      }
    }
  }

  return {
    state,
    get judge() {
      return judge;
    },
    apply,
    intentLeaf: (index) => intentLeaves.get(index)?.leaf ?? null,
  };
}

/** What an honoured entry changes. */
function record(said: Said, state: LogState, dependents: Dependents, index: number): void {
  switch (said.type) {
    case 'snapshot':
      if (said.predicate.size > (state.snapshot?.size ?? -1)) state.snapshot = { ...said.predicate, index };
      return;
    case 'freeze':
      recordFreeze(said.predicate, state, index);
      return;
    case 'fence':
      state.fenceChain[index] = said.predicate.expectedFence;
      state.raisedFences = [
        ...state.raisedFences.filter(({ zone }) => zone !== said.predicate.zone),
        { ...said.predicate, index },
      ];
      return;
    case 'resumption':
      recordResumption(said.predicate, state, index);
      return;
    case 'recovery':
      state.freezeNonces[said.predicate.nonce] = index;
      state.recovery = { ...said.predicate, index };
      return;
    case 'override-intent':
      recordOverride(said.predicate, state, index);
      return;
    case 'override-outcome':
      recordOverrideOutcome(said.predicate, state, dependents, index);
      return;
    case 'override-commit': {
      const commit = recordOverrideCommit(said.predicate, state, index);
      withdrawDisplaced(commit, state);
      recordCommit(commit, state, dependents, index);
      endChange(commit.changeId, 'committed', state, index);
      return;
    }
    case 'review':
      recordReview(said.predicate, state, index);
      return;
    case 'request':
      state.changes[said.predicate.changeId] = openedBy({ ...said.predicate, index });
      return;
    case 'trust':
    case 'approval':
    case 'mfa':
    case 'factor-lock':
    case 'override':
    case 'command':
    case 'version':
      return;
    case 'plan':
    case 'vote':
    case 'acceptance':
    case 'ruling':
    case 'stage-verdict':
    case 'intent':
    case 'outcome':
    case 'commit':
    case 'end':
      break;
  }
  const change = own(state.changes, said.predicate.changeId);
  if (!change) return;
  switch (said.type) {
    case 'plan':
      change.plan = { ...said.predicate, index };
      return;
    case 'vote':
      change.votes.push({ ...said.predicate, index });
      return;
    case 'acceptance': {
      const { approval: _, mfa, ...acceptance } = said.predicate;
      change.acceptances.push({ ...acceptance, mfa: acceptance.accepted ? factorIn(mfa) : null, index });
      return;
    }
    case 'ruling': {
      const { command: _, ...ruling } = said.predicate;
      change.rulings.push({ ...ruling, index });
      return;
    }
    case 'stage-verdict':
      change.verdicts.push({ ...said.predicate, index });
      return;
    case 'intent':
      recordIntent(said.predicate, change, state, index);
      return;
    case 'outcome':
      recordOutcome(said.predicate, change, state, index);
      return;
    case 'commit':
      if (said.predicate.rollout !== null) {
        recordExposure({ ...said.predicate, rollout: said.predicate.rollout }, change, state, index);
        return;
      }
      recordCommit(said.predicate, state, dependents, index);
      endChange(change.changeId, 'committed', state, index);
      return;
    case 'end':
      endChange(change.changeId, said.predicate.status, state, index);
      return;
  }
}

function recordTrust(
  { document, previousDigest }: TrustPredicate,
  entryBytes: Uint8Array,
  state: LogState,
  index: number,
): void {
  const { updates } = state.trustInForce;
  // It was opened before it was honoured.
  const envelope = parseCanonicalBytes(entryBytes) as Envelope;
  state.trustInForce = {
    document,
    digest: digestOf(document),
    index,
    updates: previousDigest === null ? updates : [...updates, envelope],
  };
}

function openedBy(request: ChangeRecord['request']): ChangeRecord {
  return {
    changeId: request.changeId,
    request,
    plan: null,
    votes: [],
    acceptances: [],
    rulings: [],
    verdicts: [],
    intents: [],
    outcomes: [],
    exposures: [],
  };
}

/** What an acceptance proves of the second factor; `judgeAuthority` has verified that of an accepted decision. */
function factorIn(mfa: Envelope | undefined): ChangeRecord['acceptances'][number]['mfa'] {
  if (mfa === undefined) return null;
  const said = openEnvelope(mfa);
  return said.type === 'mfa' ? { method: said.predicate.method, at: said.predicate.at } : null;
}

/** What was written without its workflow is live all the same. */
function recordOverrideOutcome(
  outcome: OverrideOutcomePredicate,
  state: LogState,
  dependents: Dependents,
  index: number,
): void {
  const override = own(state.overrides, outcome.changeId);
  if (!override) return;
  override.outcome = { ...outcome, index };
  const { zone } = override.intent;
  if (zone !== null) settleFence(zone, outcome.fence, state);
  const applied = outcome.result === 'applied';
  if (applied) recordCommit(commitOfOverride(override, outcome, state), state, dependents, index);
  endChange(outcome.changeId, applied ? 'committed' : 'aborted', state, index);
}

function recordFreeze(freeze: FreezePredicate, state: LogState, index: number): void {
  const { environment: _, nonce, ...automation } = freeze;
  state.freezeNonces[nonce] = index;
  const scope = canonicalText(freeze.scope);
  state.automation = [
    ...state.automation.filter((one) => canonicalText(one.scope) !== scope),
    { ...automation, index, resumptions: [] },
  ];
}

function recordResumption(resumption: ResumptionPredicate, state: LogState, index: number): void {
  const automation = state.automation.find((one) => one.index === resumption.freezeIndex);
  if (!automation) return;
  automation.resumptions.push({ ...resumption, index });
  if (resumption.verdict === 'fail') automation.state = 'frozen';
  else if (nextAz(automation) === undefined) automation.state = 'active';
}

function recordIntent(intent: IntentPredicate, change: ChangeRecord, state: LogState, index: number): void {
  change.intents.push({ ...intent, index });
  if (intent.zone !== null) state.fenceChain[index] = intent.expectedFence;
  for (const resource of change.plan?.resources ?? []) state.reservations[resource] = change.changeId;
}

function recordOutcome(
  outcome: OutcomePredicate,
  change: ChangeRecord,
  state: LogState,
  index: number,
): void {
  change.outcomes.push({ ...outcome, index });
  const zone = change.intents.find((intent) => intent.index === outcome.intentIndex)?.zone;
  if (typeof zone === 'string') settleFence(zone, outcome.fence, state);
}

/** Outcomes may be recorded late, in another order than what they saw. */
function settleFence(zone: string, fence: string | null, state: LogState): void {
  if (fence !== null && isNewerFence(fence, own(state.settledFences, zone) ?? null)) {
    state.settledFences[zone] = fence;
  }
}

function recordCommit(commit: CommitPredicate, state: LogState, dependents: Dependents, index: number): void {
  const { environment, changeId } = commit;
  const count = countOf(state.clock, environment) + 1;
  for (const { resource, from, to, vector, ...move } of commit.moves) {
    const version = {
      ...move,
      digest: to,
      parent: from,
      vector: { ...vector, [environment]: count },
      changeId,
      index,
      canary: null,
    };
    relink(dependents, resource, own(state.live, resource), version);
    state.live[resource] = version;
    state.clock = merge(state.clock, version.vector);
  }
  const dayBefore = Date.parse(commit.at) - RECENT_MS;
  state.recentCommits = [
    ...state.recentCommits.filter(({ at }) => Date.parse(at) > dayBefore),
    { at: commit.at, zone: commit.zone, resources: commit.moves.map(({ resource }) => resource) },
  ];
}

function endChange(changeId: string, status: EndedStatus, state: LogState, index: number): void {
  delete state.changes[changeId];
  state.ended[changeId] = { status, index };
  for (const [resource, holder] of Object.entries(state.reservations)) {
    if (holder === changeId) delete state.reservations[resource];
  }
  const firstIntents = Object.values(state.changes).flatMap(({ intents }) => intents[0]?.index ?? []);
  const oldest = Math.min(...firstIntents);
  for (const intent of Object.keys(state.fenceChain)) {
    if (Number(intent) < oldest) delete state.fenceChain[intent];
  }
}
