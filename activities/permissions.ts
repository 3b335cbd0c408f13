import type { ChangeRequest } from '../domain/change/request.ts';
import { DomainError, type Violation } from '../domain/errors.ts';
import { parseJsonBytes } from '../domain/evidence/canonical-json.ts';
import { readBody } from '../domain/kinds/document-bodies.ts';
import { PERMISSIONS_RESOURCE } from '../domain/kinds/policy.ts';
import { type LogState, trustOf } from '../domain/log/state.ts';
import { possibleQuestions } from '../domain/permissions/change-questions.ts';
import {
  judgePermissions,
  type PermissionsVersion,
  permissionsInForce,
} from '../domain/permissions/in-force.ts';
import type { PermissionQuestion, PolicyEngine, Principal } from '../domain/permissions/permission.ts';
import type { Bodies } from './ports/bodies.ts';

export interface PermissionPorts {
  bodies: Bodies;
  policyEngine: PolicyEngine;
}

/** Who may do what in one state of the log: the caller's own copy, from its own fold and its own readings. */
export interface Permissions {
  version: PermissionsVersion;
  /** The text in force; null where it cannot be read. */
  cedar: string | null;
  /** Every question that is answered with no. Where the policy cannot be read, nobody may do anything. */
  judge(questions: readonly PermissionQuestion[]): Violation[];
  /** Resources of a request that this author could not change, whatever its plan will say. */
  judgeDraft(request: ChangeRequest, author: Principal): Violation[];
}

/** Opens the policy that is live, or the trust document's own while none is. Throws only for a store that is down. */
export async function openPermissions(ports: PermissionPorts, state: LogState): Promise<Permissions> {
  const version = permissionsInForce(state.live, trustOf(state));
  const read = await readPolicy(ports, state);
  if ('problem' in read) {
    const nobody = () => [unreadable(read.problem)];
    return { version, cedar: null, judge: nobody, judgeDraft: nobody };
  }
  const { cedar } = read;
  const judge = (questions: readonly PermissionQuestion[]) =>
    judgePermissions(ports.policyEngine, cedar, questions);
  return {
    version,
    cedar,
    judge,
    judgeDraft: (request, author) =>
      possibleQuestions(request, author).flatMap((possible) => {
        const refusals = possible.map((question) => judge([question]));
        return refusals.every((one) => one.length > 0) ? (refusals[0] ?? []) : [];
      }),
  };
}

async function readPolicy(
  { bodies }: PermissionPorts,
  state: LogState,
): Promise<{ cedar: string } | { problem: string }> {
  const digest = state.live[PERMISSIONS_RESOURCE]?.digest ?? null;
  if (digest === null) return trustOf(state).permissions;
  try {
    return { cedar: readBody('policy', parseJsonBytes(await bodies.get(digest))).cedar };
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind === 'unavailable') throw error;
    return { problem: error.message };
  }
}

function unreadable(problem: string): Violation {
  return {
    code: 'NOT_PERMITTED',
    rule: 'policy-readable',
    message: `${PERMISSIONS_RESOURCE} cannot be read, so nobody may do anything: ${problem}`,
    remedy: 'Bring its body back into the store (`resilience-ctl store check`).',
  };
}
