import { judgeCommand } from '../domain/approval/judge-command.ts';
import { DomainError, type Violation } from '../domain/errors.ts';
import { boundedReasons } from '../domain/evidence/bounded-reasons.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import type { CommandAction, CommandPredicate } from '../domain/evidence/statements.ts';
import { signaturesUnder, type TrustDocument } from '../domain/evidence/trust.ts';
import { laneOfCommand } from '../domain/limits/rate-lane.ts';
import { own } from '../domain/log/authority.ts';
import { type ChangeRecord, type LogState, trustOf } from '../domain/log/state.ts';
import { actionQuestions } from '../domain/permissions/change-questions.ts';
import { principalOf } from '../domain/permissions/in-force.ts';
import { indexOfFate } from './fates.ts';
import { openSigned, type SignedByPerson } from './open-signed.ts';
import { openPermissions } from './permissions.ts';
import { type RateLimited, subjectOf } from './rate-limiter.ts';
import { loadPlan } from './recorded-change.ts';
import type { OrchestratorPorts } from './role-ports.ts';
import { signDecision } from './sign-decision.ts';

export type AdmittedCommand =
  | {
      accepted: true;
      action: CommandAction;
      person: string;
      reason: string;
      nonce: string;
      /** The ruling, while the log could not take it: to be handed in with whatever is recorded next. */
      unrecorded: Envelope | null;
    }
  | { accepted: false; reasons: Violation[] };

/**
 * A person's command is judged and recorded, accepted or refused, with the time at which it arrived; what nobody
 * signed, or somebody sends too often, is answered and not recorded. What makes production safer must not wait for the
 * log: a pause or an abort counts at once, by the state last known, and its record follows.
 */
export async function admitCommand(
  ports: OrchestratorPorts & SignedByPerson & RateLimited,
  input: { changeId: string; command: Envelope; unrecorded: Envelope[] },
): Promise<AdmittedCommand> {
  const openedUnder = (trust: TrustDocument) =>
    openSigned(input.command, 'command', signaturesUnder(trust, ports.verify));
  const known = openedUnder(trustOf(ports.log.lastKnown()));
  const state = await freshOrLastKnown(ports, 'predicate' in known && isUrgent(known.predicate));
  const opened = openedUnder(trustOf(state));
  if ('violations' in opened) return { accepted: false, reasons: [...opened.violations] };
  const { predicate: command, keyIds } = opened;
  const { action, person, reason, nonce } = command;
  const accepted = { accepted: true, action, person, reason, nonce } as const;
  const change = own(state.changes, input.changeId);
  const earlier = change?.rulings.find(
    (one) => one.nonce === nonce && one.person === person && one.action === action,
  );
  // The same message again, by Signal and Update or by a retry: the same answer.
  if (earlier) {
    return earlier.accepted
      ? { ...accepted, unrecorded: null }
      : { accepted: false, reasons: earlier.reasons };
  }
  const counted = { lane: laneOfCommand(action), subject: subjectOf(trustOf(state), keyIds) };
  const throttled = ports.limiter.refusal(counted, trustOf(state).policy.rateLimits);
  if (throttled !== null) return { accepted: false, reasons: [throttled] };
  const nowMs = ports.clock.nowMs();
  const reasons = judgeCommand(command, {
    change,
    ended: own(state.ended, input.changeId) !== undefined,
    trust: trustOf(state),
    keyIds,
    environment: ports.environment,
    nowMs,
  });
  if (change === undefined) return { accepted: false, reasons };
  reasons.push(...(await judgePermission(ports, state, change, command)));
  const ruling = await signDecision(ports, 'ruling', {
    changeId: input.changeId,
    environment: ports.environment,
    accepted: reasons.length === 0,
    reasons: boundedReasons(reasons),
    person,
    action,
    nonce,
    command: input.command,
    at: new Date(nowMs).toISOString(),
  });
  const recorded = await tryToRecord(ports, [...input.unrecorded, ruling], isUrgent(command));
  return reasons.length === 0
    ? { ...accepted, unrecorded: recorded ? null : ruling }
    : { accepted: false, reasons };
}

/**
 * What the policy in force says. Before there is a plan it is not known what the command is about, and where the store
 * is down, stopping does not wait for it: then it is enough to be enrolled.
 */
async function judgePermission(
  ports: OrchestratorPorts,
  state: LogState,
  { plan, request }: ChangeRecord,
  { action, person }: CommandPredicate,
): Promise<Violation[]> {
  if (plan === null) return [];
  try {
    const [{ judge }, body] = await Promise.all([
      openPermissions(ports, state),
      loadPlan(ports.bodies, plan.planDigest),
    ]);
    return judge(actionQuestions(body, request.author, principalOf(trustOf(state), person), action));
  } catch (error) {
    if (action !== 'continue' && isUnavailable(error)) return [];
    throw error;
  }
}

function isUrgent({ action }: CommandPredicate): boolean {
  return action !== 'continue';
}

async function freshOrLastKnown(ports: OrchestratorPorts, urgent: boolean): Promise<LogState> {
  try {
    return await ports.log.sync();
  } catch (error) {
    if (urgent && isUnavailable(error)) return ports.log.lastKnown();
    throw error;
  }
}

async function tryToRecord(ports: OrchestratorPorts, rulings: Envelope[], urgent: boolean): Promise<boolean> {
  try {
    indexOfFate((await ports.log.append(rulings)).at(-1));
    return true;
  } catch (error) {
    if (urgent && isUnavailable(error)) return false;
    throw error;
  }
}

function isUnavailable(error: unknown): boolean {
  return error instanceof DomainError && error.kind === 'unavailable';
}
