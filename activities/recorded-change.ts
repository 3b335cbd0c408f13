import type { Plan } from '../domain/change/plan.ts';
import { type ChangeRequest, parseChangeRequest } from '../domain/change/request.ts';
import { DomainError } from '../domain/errors.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import { own } from '../domain/log/authority.ts';
import type { ChangeRecord, LogState } from '../domain/log/state.ts';
import type { Bodies } from './ports/bodies.ts';

/** Reading back what the log and the bodies say about one change. */

export async function loadRequest(bodies: Bodies, digest: Digest): Promise<ChangeRequest> {
  return parseChangeRequest(parseJson(await bodies.get(digest), digest));
}

/** The digest was checked on the way; whether the plan follows from its request is for the voters to say. */
export async function loadPlan(bodies: Bodies, digest: Digest): Promise<Plan> {
  const plan = parseJson(await bodies.get(digest), digest);
  if (
    typeof plan !== 'object' ||
    plan === null ||
    !('apiVersion' in plan) ||
    plan.apiVersion !== 'resilience-ctl/plan/v1'
  ) {
    throw new DomainError(
      'ENTRY_MALFORMED',
      `The body ${digest} is not a plan of a version that this build knows.`,
      {
        next: 'Upgrade this role to the build that made the plan, or submit the change again.',
      },
    );
  }
  return plan as Plan;
}

function parseJson(bytes: Uint8Array, digest: Digest): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes));
  } catch (cause) {
    throw new DomainError(
      'ENTRY_MALFORMED',
      `The body ${digest} is not JSON.`,
      { next: 'Submit the change again.' },
      cause,
    );
  }
}

/** The open change, or an error that says whether it ended or was never honoured. */
export function openChange(state: LogState, changeId: string): ChangeRecord {
  const change = own(state.changes, changeId);
  if (change) return change;
  const ended = own(state.ended, changeId);
  if (ended) {
    throw new DomainError(
      'ALREADY_ENDED',
      `Change ${changeId} ended as ${ended.status} at entry ${ended.index}.`,
      {
        next: 'Submit a new change.',
      },
    );
  }
  throw new DomainError(
    'SIGNATURE_INVALID',
    `The log has no request of change ${changeId} that is signed by an author of this environment.`,
    { next: 'Submit it with the key of a person who has the role author.' },
  );
}
