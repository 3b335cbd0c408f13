import { RISK_CLASSES } from '../change/risk.ts';
import type { Violation } from '../errors.ts';
import { PERSON_ROLES, type TrustDocument } from '../evidence/trust.ts';
import { DOCUMENT_KINDS } from '../kinds/documents.ts';
import { PERMISSIONS_RESOURCE, type PolicyBody } from '../kinds/policy.ts';
import { principalOf } from './in-force.ts';
import {
  CHANGE_ACTIONS,
  ENVIRONMENT_ACTIONS,
  type PermissionQuestion,
  type PolicyEngine,
  type Principal,
  permissionContextSchema,
} from './permission.ts';

/**
 * Whether a policy may come into force: Cedar can use it, it decides its own tests as they expect, it says no where
 * every policy must, and it can be replaced again. Returns every violation; `path` is where the body stands.
 */
export function judgePolicy(
  { cedar, tests }: PolicyBody,
  trust: TrustDocument,
  engine: PolicyEngine,
  path: string,
): Violation[] {
  const problems = engine.problemsOf(cedar);
  if (problems.length > 0) {
    return problems.map((problem) => ({
      code: 'SCHEMA_INVALID',
      rule: 'policy-valid',
      path: `${path}.cedar`,
      message: `The policy cannot be used: ${problem}.`,
      remedy: 'Correct it; the command "permissions test" checks it without submitting.',
    }));
  }
  return [
    ...tests.flatMap((test, i): Violation[] => {
      const { allowed, why } = engine.decide(cedar, test);
      if (allowed === (test.expect === 'allow')) return [];
      const message = `The policy's test “${test.name}” expects ${test.expect}, and it is ${allowed ? 'allowed' : 'denied'}: ${why}.`;
      return [
        refusal('policy-tests-pass', `${path}.tests[${i}]`, message, 'Correct the policy, or the test.'),
      ];
    }),
    ...judgeProbes(cedar, trust, engine, path),
    ...judgeReplaceable(cedar, trust, engine, path),
  ];
}

interface Probe {
  what: string;
  question: PermissionQuestion;
}

/**
 * Must stay denied, whatever a policy says. They try the people whom the trust document knows, in every role: a policy
 * that makes an exception for one of them is found. (What a probe cannot find, an exception for one record, say, the
 * fold refuses all the same: an author's own approval never counts.)
 */
function judgeProbes(cedar: string, trust: TrustDocument, engine: PolicyEngine, path: string): Violation[] {
  return mustBeDenied(trust).flatMap(({ what, question }): Violation[] => {
    const { allowed, policies } = engine.decide(cedar, question);
    if (!allowed) return [];
    const { principal, action, resource } = question;
    const message = `The policy (${policies.join(', ')}) lets ${principal.subject} ${action} ${resource}, and ${what} never may.`;
    return [refusal('must-stay-denied', `${path}.cedar`, message, 'Narrow the policy, or forbid it there.')];
  });
}

function mustBeDenied(trust: TrustDocument): Probe[] {
  const everyRole = [...PERSON_ROLES];
  const teams = [...new Set(trust.people.flatMap((person) => person.teams))];
  const stranger: Principal = { subject: 'nobody-at-all', roles: [], teams: [] };
  const people = [...trust.people.map(({ subject }) => subject), stranger.subject].map(
    (subject): Principal => ({ subject, roles: everyRole, teams }),
  );
  const environment = `environment/${trust.environment}`;
  const resources = [
    ...['dns', ...DOCUMENT_KINDS].map((kind) => `${kind}/probe`),
    PERMISSIONS_RESOURCE,
    ...trust.targets.map(({ zone }) => `dns/${zone}/@/A`),
  ];
  const changes = resources.flatMap((resource) => RISK_CLASSES.map((risk) => ({ resource, risk })));
  const ask = (
    what: string,
    principal: Principal,
    action: string,
    { resource, ...context }: { resource: string; risk?: (typeof RISK_CLASSES)[number]; author?: string },
  ): Probe => ({
    what,
    question: {
      principal,
      action,
      resource,
      context: permissionContextSchema.parse({ environment: trust.environment, approvals: 1000, ...context }),
    },
  });
  const another = { author: 'another-author' };
  const nobody = 'somebody without a role';
  return [
    ...changes.flatMap((change) =>
      people.map((one) => ask('an author', one, 'approve', { ...change, author: one.subject })),
    ),
    ...resources.flatMap((resource) => {
      const about = { resource, ...another };
      const author = { ...stranger, roles: ['author'], teams };
      return [
        ask(nobody, stranger, 'submit', { resource }),
        ...CHANGE_ACTIONS.map((action) => ask(nobody, stranger, action, about)),
        ask('somebody who is no approver', author, 'approve', about),
        ask('somebody of an unknown role', { ...stranger, roles: ['owner-of-all'] }, 'approve', about),
        ask('an unknown action', { ...stranger, roles: everyRole }, 'bless', about),
      ];
    }),
    ...ENVIRONMENT_ACTIONS.map((action) => ask(nobody, stranger, action, { resource: environment })),
  ];
}

/** A policy under which nobody could replace it would be the last one for ever. */
function judgeReplaceable(
  cedar: string,
  trust: TrustDocument,
  engine: PolicyEngine,
  path: string,
): Violation[] {
  const needed = trust.policy.approvals.critical.people;
  const context = permissionContextSchema.parse({
    environment: trust.environment,
    risk: 'critical',
    kinds: ['policy'],
    approvals: needed,
  });
  const may = (subject: string, action: string, author: string) =>
    engine.decide(cedar, {
      principal: principalOf(trust, subject),
      action,
      resource: PERMISSIONS_RESOURCE,
      context: { ...context, author },
    }).allowed;
  const people = trust.people.map(({ subject }) => subject);
  const replaceable = people.some(
    (author) =>
      may(author, 'submit', author) &&
      people.filter((one) => one !== author && may(one, 'approve', author)).length >= needed,
  );
  if (replaceable) return [];
  const message = `Under this policy no author and ${needed} approvers could replace it again.`;
  return [
    refusal(
      'can-be-replaced',
      `${path}.cedar`,
      message,
      `Let people submit and approve ${PERMISSIONS_RESOURCE}.`,
    ),
  ];
}

function refusal(rule: string, path: string, message: string, remedy: string): Violation {
  return { code: 'INVARIANT_VIOLATED', rule, path, message, remedy };
}
