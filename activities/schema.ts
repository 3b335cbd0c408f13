import { DomainError, type Violation, violationsOf } from '../domain/errors.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import { describeRequest, judgeDescription } from '../domain/evidence/describe-request.ts';
import { laneOfRequest, type RateLane } from '../domain/limits/rate-lane.ts';
import { trustOf } from '../domain/log/state.ts';
import type { RateLimited } from './rate-limiter.ts';
import { loadRequest, openChange } from './recorded-change.ts';
import type { OrchestratorPorts } from './role-ports.ts';

export interface SchemaFinding {
  violations: Violation[];
  author: string;
  reason: string;
  resources: string[];
  /** How long it has to wait because its author has submitted so many; absent in the answer of an older build. */
  waitMs?: number;
}

/** Phase `schema`: the request is signed by an author, is the one that was signed, and has the right shape. */
export async function checkSchema(
  ports: OrchestratorPorts & RateLimited,
  input: { changeId: string; requestDigest: Digest; requestIndex: number },
): Promise<SchemaFinding> {
  const state = await ports.log.sync({ atLeast: input.requestIndex + 1 });
  const found: SchemaFinding = { violations: [], author: '', reason: '', resources: [] };
  let lane: RateLane = 'submit';
  try {
    const change = openChange(state, input.changeId);
    found.author = change.request.author;
    if (change.request.requestDigest !== input.requestDigest) {
      throw new DomainError(
        'DIGEST_MISMATCH',
        `The author signed ${change.request.requestDigest}; this change was started with ${input.requestDigest}.`,
        { next: 'Submit the request again.' },
      );
    }
    const request = await loadRequest(ports.bodies, input.requestDigest);
    lane = laneOfRequest(request);
    found.reason = request.metadata.reason;
    found.resources = describeRequest(request).resources;
    found.violations.push(...judgeDescription(change.request, request));
    if (request.metadata.environment !== ports.environment) {
      throw new DomainError(
        'NOT_PERMITTED',
        `The request is for environment ${request.metadata.environment}, not ${ports.environment}.`,
        { next: 'Submit it to its own environment.' },
      );
    }
  } catch (error) {
    if (!(error instanceof DomainError) || error.kind === 'unavailable') throw error;
    found.violations.push(...violationsOf(error));
  }
  // Refused or not: a flood of what is refused is one too. A request that nobody signed has no author.
  if (found.author !== '') {
    const counted = { lane, subject: found.author };
    found.waitMs = ports.limiter.waitMs(counted, trustOf(state).policy.rateLimits);
  }
  return found;
}
