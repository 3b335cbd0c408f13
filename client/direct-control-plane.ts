import type { Permissions } from '../activities/permissions.ts';
import type { Planned } from '../activities/planned.ts';
import type { Bodies } from '../activities/ports/bodies.ts';
import type { ChangeLog } from '../activities/ports/change-log.ts';
import type { FactorVerifier } from '../activities/ports/factor-verifier.ts';
import { MAX_LIFETIME_MS } from '../domain/approval/validity.ts';
import type { VectorClock } from '../domain/causality/vector-clock.ts';
import type { Plan } from '../domain/change/plan.ts';
import type { ChangeRequest } from '../domain/change/request.ts';
import { DomainError, PortError, type Violation } from '../domain/errors.ts';
import { canonicalBytes, type Digest, digestOf } from '../domain/evidence/canonical-json.ts';
import { describeRequest } from '../domain/evidence/describe-request.ts';
import { signStatement } from '../domain/evidence/statement-codec.ts';
import type { CommandAction } from '../domain/evidence/statements.ts';
import type { PersonRole, TrustDocument } from '../domain/evidence/trust.ts';
import { judgeExpiry } from '../domain/evidence/trust-succession.ts';
import { type LogState, trustOf } from '../domain/log/state.ts';
import { actionQuestions } from '../domain/permissions/change-questions.ts';
import { principalOf } from '../domain/permissions/in-force.ts';
import type { ChangeInput, ChangeStatus } from '../workflows/contract.ts';
import type { ChangeEngine } from './change-engine.ts';
import { summaries } from './change-summaries.ts';
import { closeReview } from './close-review.ts';
import type { ControlPlane, Person, PlanPreview } from './control-plane.ts';
import { type LogLine, readLogLine } from './log-line.ts';
import { asksSecondFactor, codeMissing, proveFactor } from './second-factor.ts';
import { statusFromLog } from './status-from-log.ts';

/** What the control plane is made of while there is no gateway: the engine, the log and the target, read here. */
export interface ControlPlaneParts {
  environment: string;
  engine: ChangeEngine;
  log: ChangeLog;
  bodies: Bodies;
  /** Null where the installation names none. */
  factors: FactorVerifier | null;
  readRequest(digest: Digest): Promise<ChangeRequest>;
  readPlan(digest: Digest): Promise<Plan>;
  /** Plans against the zone as it is, exactly as orchestrator and voters do. */
  planHere(
    change: { changeId: string; request: ChangeRequest; requestDigest: Digest },
    state: LogState,
  ): Promise<Planned>;
  /** Who may do what in this state. */
  permissions(state: LogState): Promise<Permissions>;
  nowMs(): number;
  newNonce(): string;
}

export function createControlPlane(parts: ControlPlaneParts): ControlPlane {
  return {
    environment: parts.environment,
    plan: (changeId, request) => previewPlan(parts, changeId, request),
    submit: (changeId, request, author) => submit(parts, changeId, request, author),
    resume: (changeId) => resume(parts, changeId),
    status: (changeId) => status(parts, changeId),
    list: async () => summaries(await parts.log.sync()),
    planOf: (changeId) => planOf(parts, changeId),
    asksSecondFactor: (plan) => asksSecondFactor(trustOf(parts.log.lastKnown()), plan),
    decide: (changeId, decision, person) => decide(parts, changeId, decision, person),
    command: (changeId, command, person) => sendCommand(parts, changeId, command, person),
    closeReview: (changeId, reason, person) => closeReview(parts, changeId, reason, person),
    takeSnapshot: () => parts.engine.takeSnapshot(parts.environment),
    reconcile: () => parts.engine.reconcile(parts.environment),
    recover: (reason, operator) => recover(parts, reason, operator),
    history: (changeId) => history(parts, changeId),
    log: (from) => logLines(parts, from),
  };
}

async function previewPlan(
  parts: ControlPlaneParts,
  changeId: string,
  request: ChangeRequest,
): Promise<PlanPreview> {
  const { environment } = parts;
  const state = await parts.log.sync();
  const trust = trustOf(state);
  const change = { changeId, request, requestDigest: digestOf(request) };
  const planned = await parts.planHere(change, state);
  const violations = [...planned.violations];
  if (request.metadata.environment !== environment) {
    violations.push({
      code: 'NOT_PERMITTED',
      rule: 'environment',
      path: 'metadata.environment',
      message: `The request is for environment ${request.metadata.environment}; this is ${environment}.`,
      remedy: 'Name this environment, or use the installation of the other one.',
    });
  }
  if (planned.plan === null) return { plan: null, violations, needs: null };
  const { plan } = planned;
  const { policy } = trust;
  violations.push(
    ...judgeExpiry(trust, parts.nowMs()),
    ...planned.judgeInvariants(parts.nowMs()),
    ...planned.judgeCausality(),
  );
  const needs = {
    approvals: policy.approvals[plan.risk.class].people,
    secondFactor: asksSecondFactor(trust, plan),
    votes: policy.votes[plan.risk.class],
    voters: trust.services.filter((service) => service.role === 'voter').length,
  };
  return { plan, violations, needs };
}

async function submit(
  parts: ControlPlaneParts,
  changeId: string,
  draft: ChangeRequest,
  author: Person,
): Promise<{ changeId: string; index: number }> {
  const { environment, log } = parts;
  if (draft.metadata.environment !== environment) {
    throw new DomainError(
      'NOT_PERMITTED',
      `The request is for environment ${draft.metadata.environment}; this is ${environment}.`,
      { next: 'Name this environment in metadata.environment, or use the installation of the other one.' },
    );
  }
  const state = await log.sync();
  mustHold(trustOf(state), author, 'author');
  if (state.changes[changeId] || state.ended[changeId])
    return submitAgain(parts, state, changeId, draft, author);

  refuseEarly(
    (await parts.permissions(state)).judgeDraft(draft, principalOf(trustOf(state), author.subject)),
  );
  const request = asSeen(draft, { clock: highestClock(state), vector: state.clock });
  const requestDigest = await parts.bodies.put(canonicalBytes(request));
  const entry = await signStatement(author.signer, 'request', {
    changeId,
    environment,
    author: author.subject,
    requestDigest,
    ...describeRequest(request),
    nonce: parts.newNonce(),
    at: new Date(parts.nowMs()).toISOString(),
  });
  const [fate] = await log.append([entry]);
  if (fate?.fate === 'duplicate') return submitAgain(parts, await log.sync(), changeId, draft, author);
  if (fate?.fate !== 'honoured') {
    const why = fate ? `entry ${fate.index} does not count: ${fate.reason}` : 'the log gave no answer';
    throw new DomainError('NOT_PERMITTED', `The request of change ${changeId} was not accepted: ${why}.`, {
      next: 'Check that your key is in the trust document with the role author, and submit it again.',
    });
  }
  const { resources } = describeRequest(request);
  return start(parts, { changeId, environment, requestDigest, requestIndex: fate.index }, resources);
}

/** The same change id once more: the same request starts (again), any other is refused. */
async function submitAgain(
  parts: ControlPlaneParts,
  state: LogState,
  changeId: string,
  draft: ChangeRequest,
  author: Person,
): Promise<{ changeId: string; index: number }> {
  const recorded = state.changes[changeId]?.request;
  if (recorded && recorded.author === author.subject) {
    const { clock, vector } = (await parts.readRequest(recorded.requestDigest)).spec;
    const again = asSeen(draft, { clock: clock ?? 0, vector: vector ?? {} });
    if (digestOf(again) === recorded.requestDigest) return resume(parts, changeId);
  }
  throw new DomainError('NONCE_REPLAYED', `The change id ${changeId} already belongs to another request.`, {
    next: 'Submit this one under a new change id.',
  });
}

async function resume(
  parts: ControlPlaneParts,
  changeId: string,
): Promise<{ changeId: string; index: number }> {
  const state = await parts.log.sync();
  const ended = state.ended[changeId];
  if (ended) throw alreadyEnded(changeId, ended);
  const recorded = state.changes[changeId]?.request;
  if (!recorded) throw unknownChange(changeId);
  const { environment, requestDigest, index, resources } = recorded;
  return start(parts, { changeId, environment, requestDigest, requestIndex: index }, resources);
}

async function start(
  parts: ControlPlaneParts,
  input: ChangeInput,
  resources: readonly string[],
): Promise<{ changeId: string; index: number }> {
  // Whoever engages a switch must not wait behind a flood of anything else.
  const isUrgent = resources.every((resource) => resource.startsWith('switch/'));
  try {
    await parts.engine.start(input, isUrgent);
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'ENGINE_UNAVAILABLE') throw error;
    throw new PortError(
      'ENGINE_UNAVAILABLE',
      `Change ${input.changeId} is recorded at entry ${input.requestIndex} but has not started. ${error.message}`,
      {
        next: `Nothing is lost: run \`resilience-ctl submit --resume ${input.changeId}\` when Temporal is back.`,
        changeId: input.changeId,
        index: input.requestIndex,
      },
      error,
    );
  }
  return { changeId: input.changeId, index: input.requestIndex };
}

async function status(parts: ControlPlaneParts, changeId: string): Promise<ChangeStatus> {
  try {
    const said = await parts.engine.status(changeId);
    if (!ENDED.has(said.phase) || (await endedAlike(parts, said))) return said;
    return await recordedStatus(parts, changeId, unknownChange(changeId));
  } catch (error) {
    if (!(error instanceof DomainError) || (error.code !== 'NOT_FOUND' && error.kind !== 'unavailable'))
      throw error;
    return recordedStatus(parts, changeId, error);
  }
}

/** A run that was reset, or started once more by somebody else, knows less than the log about how the change ended. */
async function endedAlike({ log }: ControlPlaneParts, { changeId, phase }: ChangeStatus): Promise<boolean> {
  const ended = (await log.sync()).ended[changeId];
  return ended === undefined || (ended.status === 'committed') === (phase === 'committed');
}

/** Temporal is the engine and the log is the record: what it says when the engine does not. */
async function recordedStatus(
  parts: ControlPlaneParts,
  changeId: string,
  engineError: DomainError,
): Promise<ChangeStatus> {
  const lines = await history(parts, changeId);
  const recorded = statusFromLog(lines);
  if (recorded === null) throw unknownChange(changeId);
  const request = await parts.readRequest(recorded.requestDigest).catch(() => null);
  const plan = recorded.planDigest && (await parts.readPlan(recorded.planDigest).catch(() => null));
  const { requestDigest: _, ...known } = recorded;
  const described: ChangeStatus = {
    ...known,
    reason: request?.metadata.reason ?? known.reason,
    risk: plan ? plan.risk : null,
    approvalsNeeded: plan ? trustOf(parts.log.lastKnown()).policy.approvals[plan.risk.class].people : 0,
  };
  if (ENDED.has(described.phase)) return described;
  const waitingFor =
    engineError.code === 'NOT_FOUND'
      ? {
          what: 'its start: it is recorded, but the engine does not run it',
          who: `anybody, with \`resilience-ctl submit --resume ${changeId}\``,
        }
      : {
          what: `the engine; this is what the log knows. ${engineError.message}`,
          who: 'whoever runs Temporal and the orchestrator worker',
        };
  return { ...described, waitingFor };
}

const ENDED: ReadonlySet<string> = new Set(['committed', 'rejected', 'rolled-back']);

async function planOf(parts: ControlPlaneParts, changeId: string): Promise<Plan> {
  const state = await parts.log.sync();
  const ended = state.ended[changeId];
  if (ended) throw alreadyEnded(changeId, ended);
  const change = state.changes[changeId];
  if (!change) throw unknownChange(changeId);
  if (!change.plan) {
    throw new DomainError('NOT_FOUND', `Change ${changeId} has no plan yet.`, {
      next: `See \`resilience-ctl status ${changeId}\`.`,
    });
  }
  return parts.readPlan(change.plan.planDigest);
}

async function decide(
  parts: ControlPlaneParts,
  changeId: string,
  decision: Parameters<ControlPlane['decide']>[1],
  person: Person,
) {
  const state = await parts.log.sync();
  const trust = trustOf(state);
  mustHold(trust, person, 'approver');
  const { plan, code } = decision;
  const author = state.changes[changeId]?.request.author;
  if (author !== undefined) {
    const may = principalOf(trust, person.subject);
    const { judge } = await parts.permissions(state);
    refuseEarly(judge(actionQuestions(plan, author, may, decision.decision)));
  }
  const needsCode = decision.decision === 'approve' && asksSecondFactor(trust, plan);
  if (needsCode && code === undefined) throw codeMissing(changeId, plan);
  const nonce = parts.newNonce();
  const issuedMs = parts.nowMs();
  const approval = await signStatement(person.signer, 'approval', {
    changeId,
    environment: parts.environment,
    approver: person.subject,
    decision: decision.decision,
    ...(decision.reason === undefined ? {} : { reason: decision.reason }),
    planDigest: digestOf(plan),
    nonce,
    issuedAt: new Date(issuedMs).toISOString(),
    expiresAt: new Date(issuedMs + MAX_LIFETIME_MS).toISOString(),
  });
  const mfa =
    code === undefined
      ? {}
      : { mfa: await proveFactor(parts.factors, { person: person.subject, signed: approval, code }) };
  return orEnded(parts, changeId, () => parts.engine.decide(changeId, { approval, ...mfa }, nonce));
}

async function sendCommand(
  parts: ControlPlaneParts,
  changeId: string,
  { action, reason }: { action: CommandAction; reason: string },
  person: Person,
) {
  mustBeEnrolled(await trustNow(parts), person);
  const nonce = parts.newNonce();
  const issuedMs = parts.nowMs();
  const command = await signStatement(person.signer, 'command', {
    changeId,
    environment: parts.environment,
    person: person.subject,
    action,
    reason,
    nonce,
    issuedAt: new Date(issuedMs).toISOString(),
    expiresAt: new Date(issuedMs + MAX_LIFETIME_MS).toISOString(),
  });
  return orEnded(parts, changeId, () => parts.engine.command(changeId, { command }, nonce));
}

/** The engine says "not found" of an ended change; the log knows better. */
async function orEnded<T>(parts: ControlPlaneParts, changeId: string, call: () => Promise<T>): Promise<T> {
  try {
    return await call();
  } catch (error) {
    if (!(error instanceof DomainError) || error.code !== 'NOT_FOUND') throw error;
    const state = await parts.log.sync();
    const ended = state.ended[changeId];
    if (ended) throw alreadyEnded(changeId, ended);
    if (!state.changes[changeId]) throw unknownChange(changeId);
    throw new PortError(
      'ENGINE_UNAVAILABLE',
      `Change ${changeId} is recorded but the engine does not run it.`,
      {
        next: `Run \`resilience-ctl submit --resume ${changeId}\`, then this command again.`,
      },
    );
  }
}

async function recover(parts: ControlPlaneParts, reason: string, operator: Person) {
  const { environment, engine, log } = parts;
  mustHold(trustOf(await log.sync()), operator, 'operator');
  const entry = await signStatement(operator.signer, 'recovery', {
    environment,
    operator: operator.subject,
    reason,
    nonce: parts.newNonce(),
    at: new Date(parts.nowMs()).toISOString(),
  });
  const [fate] = await log.append([entry]);
  if (fate?.fate !== 'honoured') {
    const why = fate && 'reason' in fate ? fate.reason : 'the log gave no answer';
    throw new DomainError('NOT_PERMITTED', `The recovery was not accepted: ${why}.`, {
      next: 'Check that your key is in the trust document with the role operator.',
    });
  }
  const { index } = fate;
  try {
    return { index, ...(await engine.recover(environment, { causeIndex: index })) };
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== 'unavailable') throw error;
    throw new PortError(
      error.code,
      `The recovery is recorded at entry ${index} and not yet done. ${error.message}`,
      { next: 'Start Temporal and every worker, then run the same command again.' },
      error,
    );
  }
}

async function history(parts: ControlPlaneParts, changeId: string): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of logLines(parts, 0)) if (line.changeId === changeId) lines.push(line);
  if (lines.length === 0) throw unknownChange(changeId);
  return lines;
}

async function* logLines(parts: ControlPlaneParts, from: number): AsyncGenerator<LogLine> {
  for await (const entry of parts.log.entries(from)) yield readLogLine(entry);
}

/** The state that the author looked at, unless the author said which. */
function asSeen(request: ChangeRequest, seen: { clock: number; vector: VectorClock }): ChangeRequest {
  const { spec } = request;
  const { clock = seen.clock, vector = seen.vector } = spec;
  return { ...request, spec: { ...spec, clock, vector } };
}

function highestClock(state: LogState): number {
  return Object.values(state.live).reduce((highest, version) => Math.max(highest, version.clock), 0);
}

/** As far as the log can be read: what makes production safer does not wait for it. */
async function trustNow({ log }: ControlPlaneParts): Promise<TrustDocument> {
  try {
    return trustOf(await log.sync());
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind !== 'unavailable') throw error;
    return trustOf(log.lastKnown());
  }
}

/** Said here, before anything is written, because the log would only call such an entry inert. */
export function mustHold(trust: TrustDocument, person: Person, role: PersonRole): void {
  if (!mustBeEnrolled(trust, person).roles.includes(role)) {
    const message = `${person.subject} does not have the role ${role}.`;
    throw new DomainError('NOT_PERMITTED', message, { next: ASK_TO_ENROL });
  }
}

/** Before anything is signed: orchestrator, voters and enactor ask the same, each with their own copy. */
export function refuseEarly(violations: readonly Violation[]): void {
  const [first] = violations;
  if (first === undefined) return;
  throw new DomainError(first.code, first.message, { next: first.remedy, violations });
}

function mustBeEnrolled(trust: TrustDocument, person: Person): TrustDocument['people'][number] {
  const known = trust.people.find((one) => one.subject === person.subject);
  if (known?.keys.some((key) => key.keyId === person.signer.keyId)) return known;
  const message = `The key ${person.signer.keyId} is not a key of ${person.subject} in this environment.`;
  throw new DomainError('SIGNATURE_INVALID', message, { next: ASK_TO_ENROL });
}

const ASK_TO_ENROL = 'Ask whoever keeps the trust document to enrol this person, key and role.';

function unknownChange(changeId: string): DomainError {
  return new DomainError('NOT_FOUND', `The log knows no change ${changeId}.`, {
    next: 'See `resilience-ctl status` for the changes that it knows.',
  });
}

function alreadyEnded(changeId: string, ended: { status: string; index: number }): DomainError {
  return new DomainError(
    'ALREADY_ENDED',
    `Change ${changeId} ended as ${ended.status} at entry ${ended.index}.`,
    {
      next: `See \`resilience-ctl history ${changeId}\`; submit a new change to go on.`,
    },
  );
}
