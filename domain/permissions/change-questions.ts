import type { Plan } from '../change/plan.ts';
import { type ChangeRequest, resourceOf } from '../change/request.ts';
import { RISK_CLASSES } from '../change/risk.ts';
import { SWITCH_DIRECTIONS } from '../kinds/switch.ts';
import type { ChangeAction, PermissionContext, PermissionQuestion, Principal } from './permission.ts';

/** What a plan asks permission for, resource by resource: it needs a yes for each of them. */

interface Affected {
  resource: string;
  owners: readonly string[];
  direction: PermissionContext['direction'];
}

/** May the author have this plan carried out? `approvals`: how many others say yes, or will have to. */
export function submissionQuestions(plan: Plan, author: Principal, approvals: number): PermissionQuestion[] {
  return affectedBy(plan).map((one) => ({
    principal: author,
    action: one.direction === 'edit' ? 'submit' : one.direction,
    resource: one.resource,
    context: contextOf(plan, author.subject, one, approvals),
  }));
}

/**
 * For a request that is not planned yet, so that its risk, and the way of its switches, are not known: of each
 * resource, every question that its plan may come to ask. The author may not have it only if all of them get a no.
 */
export function possibleQuestions(request: ChangeRequest, author: Principal): PermissionQuestion[][] {
  const { environment } = request.metadata;
  const resources = request.spec.operations.map(resourceOf);
  const kinds = [...new Set(resources.map((resource) => resource.split('/', 1)[0] ?? ''))].sort();
  return resources.map((resource) => {
    const directions = resource.startsWith('switch/') ? SWITCH_DIRECTIONS : (['edit'] as const);
    return directions.flatMap((direction) =>
      RISK_CLASSES.flatMap((risk) =>
        [[], [author.subject, ...author.teams]].map((owners) => ({
          principal: author,
          action: direction === 'edit' ? 'submit' : direction,
          resource,
          context: {
            environment,
            risk,
            author: author.subject,
            owners,
            kinds,
            direction,
            approvals: 1000,
            scope: '',
          },
        })),
      ),
    );
  });
}

/** May somebody decide on this plan, or steer it? */
export function actionQuestions(
  plan: Plan,
  author: string,
  principal: Principal,
  action: ChangeAction,
): PermissionQuestion[] {
  return affectedBy(plan).map((one) => ({
    principal,
    action,
    resource: one.resource,
    context: contextOf(plan, author, one, 0),
  }));
}

function affectedBy(plan: Plan): Affected[] {
  return plan.kind === 'documents'
    ? plan.resources
    : plan.resources.map(({ resource }) => ({ resource, owners: [], direction: 'edit' }));
}

function contextOf(
  plan: Plan,
  author: string,
  { owners, direction }: Affected,
  approvals: number,
): PermissionContext {
  const kinds = plan.kind === 'dns' ? ['dns'] : [...new Set(plan.resources.map(({ kind }) => kind))].sort();
  return {
    environment: plan.environment,
    risk: plan.risk.class,
    author,
    owners: [...owners],
    kinds,
    direction,
    approvals,
    scope: '',
  };
}
