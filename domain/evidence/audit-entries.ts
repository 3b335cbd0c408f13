import { utf8ToBytes } from '@noble/hashes/utils.js';
import { type ApprovalFacts, judgeApproval } from '../approval/judge-approval.ts';
import type { Plan } from '../change/plan.ts';
import { type ChangeRequest, parseChangeRequest } from '../change/request.ts';
import { DomainError, type ErrorCode, type Violation } from '../errors.ts';
import { overrideMark } from '../kinds/dns-fence.ts';
import { type Judge, judgeAuthority, own } from '../log/authority.ts';
import { readEntry } from '../log/entry.ts';
import { createFold } from '../log/fold.ts';
import type { VerifyEd25519 } from '../log/signed-note.ts';
import { type ChangeRecord, type EntryFate, type Indexed, type LogState, trustOf } from '../log/state.ts';
import { toBase64 } from './base64.ts';
import {
  type Digest,
  digestOf,
  digestOfBytes,
  parseCanonicalBytes,
  parseJsonBytes,
} from './canonical-json.ts';
import { judgeDescription } from './describe-request.ts';
import type { Envelope, VerifySignature } from './dsse.ts';
import { createFenceTrail } from './fence-trail.ts';
import { judgeCommit } from './judge-commit.ts';
import { judgeOverridePlan } from './judge-override-plan.ts';
import { judgeVersion } from './judge-version.ts';
import { readPlan } from './read-plan.ts';
import { type OpenedStatement, openEnvelope, openPayload, verifiedKeyIds } from './statement-codec.ts';
import type {
  AcceptancePredicate,
  CommitPredicate,
  OutcomePredicate,
  OverrideCommitPredicate,
  OverrideIntentPredicate,
  SnapshotPredicate,
} from './statements.ts';
import type { TrustDocument } from './trust.ts';
import { verifyBundle, verifyRollbackBundle } from './verify-bundle.ts';

/** One thing that is not as it must be. `entry` and `file` say where, as far as it is about one. */
export interface Discrepancy extends Violation {
  entry: number | null;
  file: string | null;
}

export interface AuditInput {
  environment: string;
  /** The pinned one; updates are followed from there. */
  trust: TrustDocument;
  verify: VerifyEd25519;
  /** A body by its digest, or null for one that is not there: whether it must be is the caller's business. */
  body(digest: Digest): Promise<Uint8Array | null>;
  /** Sizes at which a snapshot is said to have been taken. */
  snapshotSizes: ReadonlySet<number>;
  /**
   * One change's entries without the others. What is about those is taken to hold: the preconditions of its commits,
   * and the fences that others wrote.
   */
  alone?: boolean;
}

/** An entry with its meaning. */
export interface AuditedEntry {
  fate: EntryFate;
  /** Null when it cannot be read. */
  statement: OpenedStatement | null;
}

export interface EntryAudit {
  /** Folds the next entry and judges what it claims. `index` is given where entries are left out, as in a proof. */
  next(bytes: Uint8Array, index?: number): Promise<AuditedEntry>;
  /** The state after the entries so far. Read it, never write it. */
  readonly state: LogState;
  /** By what the next entry is judged. */
  readonly judge: Judge;
  readonly discrepancies: readonly Discrepancy[];
  /** Effects whose bundle was judged; `unjudged`: those for which a body is not here. */
  readonly effects: { judged: number; unjudged: number };
}

const ASK_ITS_SIGNER = 'Ask whoever runs the role that signed it.';

interface Loaded {
  plan: Plan;
  planDigest: Digest;
  request: ChangeRequest;
  requestDigest: Digest;
}

/**
 * Judges a log entry by entry, as an enactor would have had to: the fold says which entries count, under the
 * trust document in force at each; every effect must have its proof *before* it (`verifyBundle`), every acceptance must follow from
 * the signed approval inside, every commit must move what its plan says, the fences of each zone must form one chain,
 * and every snapshot must be the state of its prefix. Never throws for anything that the entries or bodies say.
 */
export function createEntryAudit(input: AuditInput): EntryAudit {
  const fold = createFold(input);
  const discrepancies: Discrepancy[] = [];
  const effects = { judged: 0, unjudged: 0 };
  const fences = createFenceTrail();
  /** Outlives the end of a change: its last entry is still judged against it. */
  const records = new Map<string, ChangeRecord>();
  /** By intent: what its bundle lacked when it was recorded; null when no body was here to judge it. */
  const bundles = new Map<number, Violation[] | null>();
  const outcomes = new Set<string>();
  const prefixes = new Map<number, Digest>();
  /** A change's entries mostly follow one another, and each of them asks for its bodies. */
  let last: Loaded | null = null;

  async function next(bytes: Uint8Array, index = fold.state.size): Promise<AuditedEntry> {
    fold.state.size = index;
    if (input.snapshotSizes.has(index)) prefixes.set(index, digestOf(fold.state));
    const read = readEntry(bytes);
    const fate = fold.apply(bytes, read);
    const statement = typeof read === 'string' ? null : read;
    if (statement !== null) {
      try {
        if (fate.fate === 'honoured' || isCommitAlone(statement, fate)) await judgeHonoured(statement, index);
        else judgeIgnored(statement, fate);
      } catch (error) {
        // Whatever somebody signed, the audit names it and goes on.
        report(index, unreadable(error));
      }
    }
    return { fate, statement };
  }

  function isCommitAlone(said: OpenedStatement, { fate }: EntryFate): boolean {
    return (
      input.alone === true &&
      said.type === 'commit' &&
      fate !== 'duplicate' &&
      judgeAuthority(said, fold.state, fold.judge) === null
    );
  }

  async function judgeHonoured(said: OpenedStatement, index: number): Promise<void> {
    if (said.type === 'snapshot') return judgeSnapshot(said.predicate, index);
    if (said.type === 'fence') {
      return reportFence(index, () => fences.raised({ ...said.predicate, index }));
    }
    if (said.type === 'override-intent') return judgeOverridden({ ...said.predicate, index });
    if (said.type === 'override-commit') return judgeAsPlanned(said.predicate, index);
    if (said.type === 'override-outcome') {
      return reportFence(index, () => fences.overrideOutcome({ ...said.predicate, index }));
    }
    if (!('changeId' in said.predicate)) return;
    const { changeId } = said.predicate;
    const change = own(fold.state.changes, changeId) ?? records.get(changeId);
    if (change === undefined) return;
    records.set(changeId, change);
    switch (said.type) {
      case 'plan':
        return judgePlanned(change, index);
      case 'acceptance':
        return judgeAcceptance(said.predicate, change, index);
      case 'intent':
        reportFence(index, () => fences.intent({ ...said.predicate, index }));
        bundles.set(index, await lackOfBundle(change, index));
        return;
      case 'outcome':
        return judgeOutcome({ ...said.predicate, index }, change);
      case 'commit':
        await judgeMoved({ ...said.predicate, index }, change);
        if (said.predicate.rollout === null) records.delete(changeId);
        return;
      case 'end':
        records.delete(changeId);
        return;
      default:
        return;
    }
  }

  /** The enactor's word counts for nothing where the fold does not expect it; that it said so is a finding. */
  function judgeIgnored(said: OpenedStatement, fate: EntryFate): void {
    if (said.type !== 'outcome' || fate.fate === 'duplicate') return;
    const { result, environment } = said.predicate;
    if (result !== 'applied' || environment !== input.environment) return;
    if (outcomes.has(outcomeKey(said.predicate)) || judgeAuthority(said, fold.state, fold.judge) !== null)
      return;
    const why = 'reason' in fate ? fate.reason : fate.fate;
    reportText(
      fate.index,
      'BUNDLE_INCOMPLETE',
      'intent-before-outcome',
      `An effect without its intent: ${why}`,
    );
  }

  async function judgePlanned(change: ChangeRecord, index: number): Promise<void> {
    const loaded = await load(change);
    if (loaded === null) return;
    for (const violation of judgeDescription(change.request, loaded.request)) report(index, violation);
  }

  function judgeAcceptance(said: AcceptancePredicate, change: ChangeRecord, index: number): void {
    const before = { ...change, acceptances: change.acceptances.filter((one) => one.index !== index) };
    const violations = judgeAcceptedAs(said, before, fold.judge);
    if (said.accepted) for (const violation of violations) report(index, violation);
  }

  async function lackOfBundle(change: ChangeRecord, intentIndex: number): Promise<Violation[] | null> {
    const loaded = await load(change);
    if (loaded === null) return null;
    return verifyBundle({ ...loaded, change, intentIndex, trust: trustOf(fold.state), ended: false });
  }

  async function judgeOutcome(outcome: Indexed<OutcomePredicate>, change: ChangeRecord): Promise<void> {
    const { index, intentIndex, direction, result } = outcome;
    outcomes.add(outcomeKey(outcome));
    reportFence(index, () => fences.outcome(outcome));
    if (result !== 'applied') return;
    if (direction === 'forward') return reportEffect(index, bundles.get(intentIndex) ?? null);
    const loaded = await load(change);
    reportEffect(index, loaded && verifyRollbackBundle({ ...loaded, change, intentIndex }));
  }

  /** That two people signed it the fold has seen; here, that what they signed is what it says. */
  async function judgeOverridden(intent: Indexed<OverrideIntentPredicate>): Promise<void> {
    const { index } = intent;
    const mark = overrideMark(digestOfBytes(openPayload(intent.override).payload));
    reportFence(index, () => fences.override(intent, mark));
    await judgeAsPlanned(intent, index);
  }

  /** Of documents that is all: no version statement stands beside it, two people's signatures name the bodies. */
  async function judgeAsPlanned(
    carrier: OverrideIntentPredicate | OverrideCommitPredicate,
    index: number,
  ): Promise<void> {
    const plan = await input.body(carrier.planDigest);
    reportEffect(index, plan && []);
    if (plan === null) return;
    reportText(index, 'BUNDLE_INCOMPLETE', 'override-as-planned', judgeOverridePlan(carrier, plan));
  }

  async function judgeMoved(commit: Indexed<CommitPredicate>, change: ChangeRecord): Promise<void> {
    const loaded = await load(change);
    const intent = change.intents.at(-1);
    const lack = intent === undefined ? [] : (bundles.get(intent.index) ?? null);
    reportEffect(commit.index, loaded && lack && [...lack, ...judgeCommit(commit, change, loaded.plan)]);
    for (const move of commit.moves) {
      const stored = move.versionDigest && (await input.body(move.versionDigest));
      if (!stored) continue;
      const { changeId } = change;
      const context = { environment: input.environment, changeId, author: change.request.author };
      for (const violation of judgeVersion(stored, move, context, fold.judge))
        report(commit.index, violation);
    }
  }

  async function judgeSnapshot({ size, stateDigest }: SnapshotPredicate, index: number): Promise<void> {
    const bytes = await input.body(stateDigest);
    const prefix = prefixes.get(size);
    if (bytes === null || prefix === undefined) return;
    const body = parseCanonicalBytes(bytes);
    const same =
      typeof body === 'object' && body !== null && 'state' in body && digestOf(body.state) === prefix;
    if (same) return;
    reportText(
      index,
      'DIGEST_MISMATCH',
      'snapshot-is-prefix',
      `The snapshot is not the state of the first ${size} entries`,
    );
  }

  /** Null when a body is not here; the caller's accounting of files says whether it should be. */
  async function load({ request, plan }: ChangeRecord): Promise<Loaded | null> {
    if (plan === null) return null;
    const isLast = last?.requestDigest === request.requestDigest && last.planDigest === plan.planDigest;
    last = isLast ? last : await loadBodies(request.requestDigest, plan.planDigest);
    return last;
  }

  async function loadBodies(requestDigest: Digest, planDigest: Digest): Promise<Loaded | null> {
    const [requestBytes, planBytes] = await Promise.all([input.body(requestDigest), input.body(planDigest)]);
    if (requestBytes === null || planBytes === null) return null;
    return {
      request: parseChangeRequest(parseJsonBytes(requestBytes)),
      requestDigest: digestOfBytes(requestBytes),
      plan: readPlan(planBytes),
      planDigest: digestOfBytes(planBytes),
    };
  }

  function reportEffect(index: number, violations: Violation[] | null): void {
    effects[violations === null ? 'unjudged' : 'judged'] += 1;
    // Their remedies are for whoever wanted the effect; here it has happened.
    for (const violation of violations ?? []) report(index, { ...violation, remedy: ASK_ITS_SIGNER });
  }

  /** A fence that cannot be followed is a finding of its own, and must not hide the others about its entry. */
  function reportFence(index: number, follow: () => string | null): void {
    if (input.alone === true) return;
    try {
      reportText(index, 'STALE_FENCE', 'fence-explained', follow());
    } catch (error) {
      report(index, unreadable(error));
    }
  }

  function reportText(index: number, code: ErrorCode, rule: string, message: string | null): void {
    if (message === null) return;
    report(index, {
      code,
      rule,
      message: `${message}.`,
      remedy: ASK_ITS_SIGNER,
    });
  }

  function report(entry: number, { code, rule, message, remedy }: Violation): void {
    discrepancies.push({ code, rule, message, remedy, entry, file: null });
  }

  /** A spool that nobody has brought to the log yet may still come: only the end of the log says that it did not. */
  function unexplainedOverrides(): Discrepancy[] {
    if (input.alone === true) return [];
    return fences.unexplained().map(({ index, zone, mark }) => ({
      code: 'STALE_FENCE',
      rule: 'override-explained',
      message: `The fence of ${zone} names the override ${mark}, of which the log has no entry.`,
      remedy: 'Bring the break-glass spool to the log: `resilience-ctl override reconcile`.',
      entry: index,
      file: null,
    }));
  }

  return {
    next,
    state: fold.state,
    get judge() {
      return fold.judge;
    },
    get discrepancies() {
      return [...discrepancies, ...unexplainedOverrides()];
    },
    effects,
  };
}

/** What today's rules say of a decision at the moment when it was accepted or refused, under the document of then. */
export function judgeAcceptedAs(
  said: AcceptancePredicate,
  before: ChangeRecord,
  { document: trust, verify }: Judge,
): Violation[] {
  const opened = openEnvelope(said.approval);
  if (opened.type !== 'approval')
    throw new DomainError('ENTRY_MALFORMED', `Inside is a ${opened.type} statement.`);
  return judgeApproval(opened.predicate, {
    change: before,
    ended: false,
    trust,
    keyIds: verifiedKeyIds(opened, verify),
    mfa: openedFactor(said.mfa, verify),
    environment: trust.environment,
    nowMs: Date.parse(said.at),
  });
}

/** The second factor in an envelope, with the keys that signed it; null for none. Throws `ENTRY_MALFORMED`. */
export function openedFactor(envelope: Envelope | undefined, verify: VerifySignature): ApprovalFacts['mfa'] {
  if (envelope === undefined) return null;
  const opened = openEnvelope(envelope);
  if (opened.type === 'mfa') return { said: opened.predicate, keyIds: verifiedKeyIds(opened, verify) };
  throw new DomainError('ENTRY_MALFORMED', `In place of a second factor is a ${opened.type} statement.`, {
    next: 'Sign the approval again, with the answer of the factor-verifier beside it.',
  });
}

function outcomeKey({ changeId, intentIndex, direction }: OutcomePredicate): string {
  return [changeId, intentIndex, direction].join(' ');
}

/**
 * The snapshot that an entry names, whoever signed it; null for any other entry. Only what looks like one is taken
 * apart, for this is asked of every entry of a log.
 */
export function snapshotIn(bytes: Uint8Array): SnapshotPredicate | null {
  if (!looksLikeSnapshot(bytes)) return null;
  const statement = openOrNull(bytes);
  return statement?.type === 'snapshot' ? statement.predicate : null;
}

/**
 * The three ways in which base64 spells the end of the predicate type, by its place among groups of three bytes: an
 * entry that has none of them names no snapshot, and need not be taken apart to know it.
 */
const SNAPSHOT_IN_BASE64 = ['/snapshot/v1"', 'snapshot/v1"', 'napshot/v1"'].map((text) =>
  toBase64(utf8ToBytes(text)).slice(0, Math.floor((text.length * 4) / 3)),
);

/** Bytes that are no text are no entry either: what it makes of them does not matter. */
const lenientUtf8 = new TextDecoder();

function looksLikeSnapshot(bytes: Uint8Array): boolean {
  const text = lenientUtf8.decode(bytes);
  return SNAPSHOT_IN_BASE64.some((part) => text.includes(part));
}

export function openOrNull(bytes: Uint8Array): OpenedStatement | null {
  const read = readEntry(bytes);
  return typeof read === 'string' ? null : read;
}

function unreadable(error: unknown): Violation {
  const message = error instanceof Error ? error.message : String(error);
  const code = error instanceof DomainError ? error.code : 'ENTRY_MALFORMED';
  return {
    code,
    rule: 'readable',
    message: `What it names cannot be judged: ${message}`,
    remedy: 'Find out who signed it.',
  };
}
