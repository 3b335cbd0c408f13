import { DomainError, type Violation, violationsOf } from '../domain/errors.ts';
import type { Digest } from '../domain/evidence/canonical-json.ts';
import { describeRequest, judgeDescription } from '../domain/evidence/describe-request.ts';
import { laneOfRequest, type RateLane } from '../domain/limits/rate-lane.ts';
import { type ChangeRecord, trustOf } from '../domain/log/state.ts';
import type { RateLimited } from './rate-limiter.ts';
import { loadRequest, openChange } from './recorded-change.ts';
import type { OrchestratorPorts } from './role-ports.ts';
import { type Underway, underwayOf } from './underway.ts';

export interface SchemaFinding {
  violations: Violation[];
  author: string;
  reason: string;
  resources: string[];
  /** What people have ordered an earlier run of the change to do, as far as it is still in force. */
  ordered: { abort: Order | null; pause: Order | null };
  /** Set when an earlier run of the change was lost after its first intent. */
  underway: Underway | null;
  /** How long it has to wait because its author has submitted so many; absent in the answer of an older build. */
  waitMs?: number;
}

interface Order {
  by: string;
  reason: string;
}

const NOTHING = { abort: null, pause: null };

/**
 * Phase `schema`: the request is signed by an author, is the one that was signed, and has the right shape. Also where a
 * run learns that it is not the change's first.
 */
export async function checkSchema(
  ports: OrchestratorPorts & RateLimited,
  input: { changeId: string; requestDigest: Digest; requestIndex: number },
): Promise<SchemaFinding> {
  const state = await ports.log.sync({ atLeast: input.requestIndex + 1 });
  const found: SchemaFinding = {
    violations: [],
    author: '',
    reason: '',
    resources: [],
    ordered: NOTHING,
    underway: null,
  };
  let lane: RateLane = 'submit';
  try {
    const change = openChange(state, input.changeId);
    found.author = change.request.author;
    found.ordered = ordersIn(change);
    found.underway = await underwayOf(ports, state, change);
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
  // Refused or not: a flood of what is refused is one too. A request that nobody signed has no author. What goes back
  // does not wait.
  if (found.author !== '' && found.underway === null) {
    const counted = { lane, subject: found.author };
    found.waitMs = ports.limiter.waitMs(counted, trustOf(state).policy.rateLimits);
  }
  return found;
}

/** An abort is for good; of pauses and continues the last one counts. */
function ordersIn({ rulings }: ChangeRecord): SchemaFinding['ordered'] {
  const followed = rulings.filter(({ accepted }) => accepted);
  const orderOf = (ruling: (typeof rulings)[number] | undefined): Order | null =>
    ruling ? { by: ruling.person, reason: `ordered before this run, entry ${ruling.index}` } : null;
  const last = followed.findLast(({ action }) => action !== 'abort');
  return {
    abort: orderOf(followed.find(({ action }) => action === 'abort')),
    pause: last?.action === 'pause' ? orderOf(last) : null,
  };
}
