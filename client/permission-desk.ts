import type { Permissions } from '../activities/permissions.ts';
import type { ChangeLog } from '../activities/ports/change-log.ts';
import type { ChangeRequest } from '../domain/change/request.ts';
import { DomainError, type Violation } from '../domain/errors.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import { POLICY_RESOURCE, policyBodySchema } from '../domain/kinds/policy.ts';
import { type LogState, trustOf } from '../domain/log/state.ts';
import { principalOf } from '../domain/permissions/in-force.ts';
import { judgePolicy } from '../domain/permissions/judge-policy.ts';
import type {
  PermissionQuestion,
  PermissionVerdict,
  PolicyEngine,
} from '../domain/permissions/permission.ts';

export interface CheckedPermission extends PermissionVerdict {
  question: PermissionQuestion;
  /** Of the policy that decided: the live document's, or of the trust document's text while none is live. */
  policyDigest: Digest;
}

/** Asking the policy without doing anything. */
export interface PermissionDesk {
  /** As the policy in force would decide it. Throws `STORE_UNAVAILABLE` and `THROTTLED`. */
  check(subject: string, question: Omit<PermissionQuestion, 'principal'>): Promise<CheckedPermission>;
  /**
   * Everything that would refuse the policy in a request: problems, failing tests, what must stay denied. Needs no
   * network. Throws `NOT_FOUND` for a request without one.
   */
  test(request: ChangeRequest): { tests: number; violations: Violation[] };
}

export function createPermissionDesk({
  policyEngine,
  log,
  permissions,
}: {
  policyEngine: PolicyEngine;
  log: Pick<ChangeLog, 'sync' | 'lastKnown'>;
  permissions(state: LogState): Promise<Permissions>;
}): PermissionDesk {
  return {
    async check(subject, asked) {
      const state = await log.sync();
      const question = { ...asked, principal: principalOf(trustOf(state), subject) };
      const { cedar, version, judge } = await permissions(state);
      const verdict =
        cedar === null
          ? {
              allowed: false,
              policies: [],
              why: judge([question])[0]?.message ?? 'the policy cannot be read',
            }
          : policyEngine.decide(cedar, question);
      return { question, ...verdict, policyDigest: version.policyDigest };
    },
    test(request) {
      const trust = trustOf(log.lastKnown());
      const found = request.spec.operations.flatMap((operation, i) =>
        'set' in operation && POLICY_RESOURCE.test(operation.set)
          ? [{ body: policyBodySchema.parse(operation.body), path: `spec.operations[${i}].body` }]
          : [],
      );
      if (found.length === 0) {
        throw new DomainError('NOT_FOUND', 'The request sets no policy/permissions.', {
          next: 'Name a change request that does; docs/guide/permissions.md has one.',
        });
      }
      return {
        tests: found.reduce((sum, { body }) => sum + body.tests.length, 0),
        violations: found.flatMap(({ body, path }) => judgePolicy(body, trust, policyEngine, path)),
      };
    },
  };
}
