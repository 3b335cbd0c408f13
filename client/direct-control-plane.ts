import { MAX_LIFETIME_MS } from '../domain/approval/validity.ts';
import type { Plan } from '../domain/change/plan.ts';
import type { ChangeRequest } from '../domain/change/request.ts';
import { DomainError, PortError } from '../domain/errors.ts';
import { digestOf } from '../domain/evidence/canonical-json.ts';
import { signStatement } from '../domain/evidence/statement-codec.ts';
import type { CommandAction } from '../domain/evidence/statements.ts';
import type { TrustDocument } from '../domain/evidence/trust.ts';
import { judgeExpiry } from '../domain/evidence/trust-succession.ts';
import { own } from '../domain/log/authority.ts';
import { trustOf } from '../domain/log/state.ts';
import { actionQuestions } from '../domain/permissions/change-questions.ts';
import { principalOf } from '../domain/permissions/in-force.ts';
import { history, logLines } from './change-history.ts';
import { status } from './change-status.ts';
import { summaries } from './change-summaries.ts';
import { closeReview } from './close-review.ts';
import type { ControlPlane, Person, PlanPreview } from './control-plane.ts';
import type { ControlPlaneParts } from './control-plane-parts.ts';
import { mustBeEnrolled, mustHold, refuseEarly } from './may-act.ts';
import { recover } from './recover-engine.ts';
import { asksSecondFactor, codeMissing, proveFactor } from './second-factor.ts';
import { clocksOf, resume, submit } from './submit-change.ts';
import { alreadyEnded, unknownChange } from './unknown-change.ts';

export function createControlPlane(parts: ControlPlaneParts): ControlPlane {
  return {
    environment: parts.environment,
    clocks: async () => clocksOf(await parts.log.sync()),
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

async function planOf(parts: ControlPlaneParts, changeId: string): Promise<Plan> {
  const state = await parts.log.sync();
  const ended = own(state.ended, changeId);
  if (ended) throw alreadyEnded(changeId, ended);
  const change = own(state.changes, changeId);
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
  const author = own(state.changes, changeId)?.request.author;
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
    const ended = own(state.ended, changeId);
    if (ended) throw alreadyEnded(changeId, ended);
    if (!own(state.changes, changeId)) throw unknownChange(changeId);
    throw new PortError(
      'ENGINE_UNAVAILABLE',
      `Change ${changeId} is recorded but the engine does not run it.`,
      {
        next: `Run \`resilience-ctl submit --resume ${changeId}\`, then this command again.`,
      },
    );
  }
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
