import { compare, type VectorClock } from '../domain/causality/vector-clock.ts';
import { type ChangeRequest, isAboutDocument, resourceOf } from '../domain/change/request.ts';
import { DomainError, PortError } from '../domain/errors.ts';
import { canonicalBytes, type Digest, digestOf } from '../domain/evidence/canonical-json.ts';
import { describeRequest } from '../domain/evidence/describe-request.ts';
import { signStatement } from '../domain/evidence/statement-codec.ts';
import { own } from '../domain/log/authority.ts';
import { type LogState, trustOf } from '../domain/log/state.ts';
import { principalOf } from '../domain/permissions/in-force.ts';
import type { ChangeInput } from '../workflows/contract.ts';
import type { Clocks, Person } from './control-plane.ts';
import type { ControlPlaneParts } from './control-plane-parts.ts';
import { mustHold, refuseEarly } from './may-act.ts';
import { alreadyEnded, unknownChange } from './unknown-change.ts';

export async function submit(
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
  if (own(state.changes, changeId) || own(state.ended, changeId))
    return submitAgain(parts, state, changeId, draft, author);

  refuseEarly(
    (await parts.permissions(state)).judgeDraft(draft, principalOf(trustOf(state), author.subject)),
  );
  const { clock, vector } = clocksOf(state);
  const base = basesSeen(draft, draft.spec.vector ?? vector, state);
  const request = asSeen(draft, { clock, vector, base });
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
  const recorded = own(state.changes, changeId)?.request;
  if (recorded && recorded.author === author.subject) {
    const { clock = 0, vector = {}, base } = (await parts.readRequest(recorded.requestDigest)).spec;
    const again = asSeen(draft, { clock, vector, base });
    if (digestOf(again) === recorded.requestDigest) return resume(parts, changeId);
  }
  throw new DomainError('NONCE_REPLAYED', `The change id ${changeId} already belongs to another request.`, {
    next: 'Submit this one under a new change id.',
  });
}

export async function resume(
  parts: ControlPlaneParts,
  changeId: string,
): Promise<{ changeId: string; index: number }> {
  const state = await parts.log.sync();
  const ended = own(state.ended, changeId);
  if (ended) throw alreadyEnded(changeId, ended);
  const recorded = own(state.changes, changeId)?.request;
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

interface Seen {
  clock: number;
  vector: VectorClock;
  base: Record<string, Digest | null>;
}

/** The state that the author looked at, unless the author said which. */
function asSeen(request: ChangeRequest, seen: Seen): ChangeRequest {
  const { spec } = request;
  const { clock = seen.clock, vector = seen.vector } = spec;
  return { ...request, spec: { ...spec, clock, vector, base: { ...seen.base, ...spec.base } } };
}

/**
 * What is live of the documents that a request is about, where its vector has seen it: should somebody else's change
 * come first, both sides can be shown. What came after the vector hides what its author began with.
 */
function basesSeen({ spec }: ChangeRequest, vector: VectorClock, { live }: LogState): Seen['base'] {
  const seen = spec.operations.filter(isAboutDocument).flatMap((operation): [string, Digest | null][] => {
    const resource = resourceOf(operation);
    const version = own(live, resource);
    const order = version === undefined ? 'before' : compare(version.vector, vector);
    return order === 'before' || order === 'equal' ? [[resource, version?.digest ?? null]] : [];
  });
  return Object.fromEntries(seen);
}

export function clocksOf({ size, live, clock: vector }: LogState): Clocks {
  const clock = Object.values(live).reduce((highest, version) => Math.max(highest, version.clock), 0);
  return { size, clock, vector };
}
