import type { LogEntry } from '../activities/ports/change-log.ts';
import { DomainError } from '../domain/errors.ts';
import { digestOf, parseJsonBytes } from '../domain/evidence/canonical-json.ts';
import { type OpenedStatement, openEnvelope, type Said } from '../domain/evidence/statement-codec.ts';
import type {
  AcceptancePredicate,
  CommitPredicate,
  FreezePredicate,
  OverrideIntentPredicate,
} from '../domain/evidence/statements.ts';
import { holderOf } from '../domain/evidence/trust.ts';
import { isWithdrawal } from '../domain/log/entry.ts';
import { scopeText } from '../domain/log/freeze-scope.ts';
import { movesIn } from '../domain/log/override-authority.ts';
import type { EntryFate } from '../domain/log/state.ts';

/** One entry of the log, as people read it. */
export interface LogLine {
  index: number;
  /** RFC 3339 UTC, as signed; null when the entry cannot be read. */
  at: string | null;
  changeId: string | null;
  /** The people and services whose keys signed it; of an inert entry, which may be forged, only claimed. */
  signer: string;
  fate: EntryFate['fate'];
  /** Why it does not count; null when it does. */
  fateReason: string | null;
  /** What it says, in one line. */
  summary: string;
  statement: Said | null;
}

export function readLogLine(entry: LogEntry): LogLine {
  const { index, fate } = entry;
  const known = { index, fate: fate.fate, fateReason: reasonOf(fate) };
  try {
    const opened = openEnvelope(parseJsonBytes(entry.bytes));
    const { predicate } = opened;
    return {
      ...known,
      at: opened.type === 'approval' ? opened.predicate.issuedAt : atOf(opened),
      changeId: 'changeId' in predicate ? predicate.changeId : null,
      signer: signerOf(opened, entry),
      summary: summaryOf(opened),
      statement: { type: opened.type, predicate } as Said,
    };
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return { ...known, at: null, changeId: null, signer: 'nobody', summary: 'not readable', statement: null };
  }
}

function atOf({ predicate }: OpenedStatement): string | null {
  return 'at' in predicate ? predicate.at : null;
}

function reasonOf(fate: EntryFate): string | null {
  switch (fate.fate) {
    case 'honoured':
      return null;
    case 'duplicate':
      return `same key as entry ${fate.firstIndex}`;
    case 'void':
      return `${fate.code}: ${fate.reason}`;
    case 'inert':
      return fate.reason;
  }
}

function signerOf(opened: OpenedStatement, { fate, judge }: LogEntry): string {
  const names = opened.signatures.map(
    ({ keyid }) => holderOf(keyid, judge.trust) ?? `unknown key ${keyid.slice(0, 19)}…`,
  );
  return fate.fate === 'inert' ? `claims ${names.join(', ')}` : names.join(', ');
}

function summaryOf(said: Said): string {
  switch (said.type) {
    case 'trust':
      return `trust document, version ${said.predicate.document.version}, ${digestOf(said.predicate.document).slice(0, 19)}…`;
    case 'request':
      return `request by ${said.predicate.author}`;
    case 'plan':
      return `plan ${said.predicate.planDigest.slice(0, 19)}…, ${said.predicate.riskClass}, ${said.predicate.resources.join(', ')}`;
    case 'vote':
      return `${said.predicate.voterZone} votes ${said.predicate.decision}${because(said.predicate.reasons)}`;
    case 'approval':
      return `${said.predicate.approver}: ${said.predicate.decision}`;
    case 'acceptance':
      return acceptanceSummary(said.predicate);
    case 'mfa':
      return `${said.predicate.person}: second factor (${said.predicate.method})`;
    case 'command':
      return `${said.predicate.person}: ${said.predicate.action}`;
    case 'ruling':
      return `${said.predicate.action} by ${said.predicate.person} ${said.predicate.accepted ? 'accepted' : 'refused'}${because(said.predicate.reasons)}`;
    case 'stage-verdict':
      return `stage ${said.predicate.stage}: ${said.predicate.verdict}${because(said.predicate.reasons.map((message) => ({ message })))}`;
    case 'intent':
      return `intends stage ${said.predicate.stage} on ${said.predicate.zone ?? 'the documents'}`;
    case 'outcome':
      return `stage ${said.predicate.stage} ${said.predicate.direction}: ${said.predicate.result}`;
    case 'commit':
      return `${shareOf(said.predicate.rollout)}: ${said.predicate.moves.map((move) => move.resource).join(', ')}`;
    case 'version':
      return `version ${said.predicate.version} of ${said.predicate.resource}`;
    case 'end':
      return `ended ${said.predicate.status}${because(said.predicate.reasons)}`;
    case 'freeze':
      return freezeSummary(said.predicate);
    case 'fence':
      return `raises the fence of ${said.predicate.zone} for the ${said.predicate.cause.type} of entry ${said.predicate.cause.index}`;
    case 'recovery':
      return `recovery by ${said.predicate.operator}: ${said.predicate.reason}`;
    case 'override':
      return `override by ${said.predicate.approvers.join(' and ')}: ${said.predicate.reason}`;
    case 'override-intent':
      return overrideSummary(said.predicate, said.predicate.resources, said.predicate.fence !== null);
    case 'override-commit':
      return overrideSummary(said.predicate, movesIn(said.predicate), false);
    case 'override-outcome':
      return `break-glass ${said.predicate.result}, fence ${said.predicate.fence}`;
    case 'review':
      return `review closed by ${said.predicate.reviewer}: ${said.predicate.reason}`;
    case 'resumption':
      return `${RELEASE_TEXT[said.predicate.verdict]} ${said.predicate.az} under entry ${said.predicate.freezeIndex}${because(said.predicate.reasons.map((message) => ({ message })))}`;
    case 'factor-lock':
      return `the second factor of ${said.predicate.person} is locked until ${said.predicate.until}, after ${said.predicate.failures} wrong codes`;
    case 'snapshot':
      return `snapshot of ${said.predicate.size} entries`;
  }
}

const RELEASE_TEXT = {
  pass: 'releases',
  fail: 'freezes again before',
  inconclusive: 'holds before',
} as const;

function freezeSummary({ scope, state, hard, rollBack, gradual, reason }: FreezePredicate): string {
  const how = [
    ...(hard ? ['hard'] : []),
    ...(rollBack ? ['changes go back'] : []),
    ...(gradual ? [`in the order ${gradual.order.join(', ')}`] : []),
  ];
  return `${scopeText(scope)} is ${state}${how.length > 0 ? ` (${how.join(', ')})` : ''}: ${reason}`;
}

function shareOf(rollout: CommitPredicate['rollout']): string {
  if (rollout === null) return 'live';
  if (isWithdrawal(rollout)) return 'withdrawn';
  const { percent, zones } = rollout;
  return `exposed to ${zones.length > 0 ? zones.join(', ') : `${percent} % of consumers`}`;
}

/** What a person who rejects says is in the statement that the person signed. */
function acceptanceSummary({ approval, approver, decision, accepted, reasons }: AcceptancePredicate): string {
  const { predicate } = openEnvelope(approval);
  const words =
    'decision' in predicate && 'reason' in predicate && predicate.reason ? ` ("${predicate.reason}")` : '';
  return `${decision} by ${approver}${words} ${accepted ? 'accepted' : 'refused'}${because(reasons)}`;
}

/** Who allowed it, what it passed over and why is in what the two people signed. */
function overrideSummary(
  { override }: Pick<OverrideIntentPredicate, 'override'>,
  resources: readonly { resource: string }[],
  isSpooled: boolean,
): string {
  const opened = openEnvelope(override);
  const moved = resources.map(({ resource }) => resource).join(', ');
  const where = isSpooled ? ', without the log' : '';
  if (opened.type !== 'override') return `break-glass on ${moved}${where}`;
  const { approvers, guards, reason } = opened.predicate;
  return `break-glass on ${moved}${where}, by ${approvers.join(' and ')} over ${guards.join(', ')}: ${reason}`;
}

function because(reasons: readonly { message: string }[]): string {
  return reasons.length === 0 ? '' : `: ${reasons.map(({ message }) => message).join('; ')}`;
}
