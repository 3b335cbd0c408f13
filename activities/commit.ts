import { type DnsPlan, zoneOf } from '../domain/change/plan.ts';
import type { Violation } from '../domain/errors.ts';
import { judgeCommit } from '../domain/evidence/judge-commit.ts';
import type { CommitPredicate, Move } from '../domain/evidence/statements.ts';
import { own } from '../domain/log/authority.ts';
import { authorise, type Frozen, whyFrozen } from './authorised-step.ts';
import { movesOf } from './documents/moves.ts';
import type { EnactorPorts } from './role-ports.ts';
import { signDecision } from './sign-decision.ts';
import { verifyLive } from './verify.ts';

export type CommitResult =
  | { result: 'committed'; index: number }
  /** A freeze is in its way: nothing moved, and it may be asked again. */
  | ({ result: 'frozen' } & Frozen)
  | { result: 'refused'; violations: Violation[] };

const GOES_BACK = 'The change goes back; submit it again against what is live.';

/**
 * Phase `commit`: the entry that makes the versions live. The enactor signs it, over what it reads back itself. Where
 * a precondition does not hold at its place in the log, the entry is void and the change goes back.
 */
export async function commit(ports: EnactorPorts, input: { changeId: string }): Promise<CommitResult> {
  const state = await ports.log.sync();
  const ended = own(state.ended, input.changeId);
  if (ended?.status === 'committed') return { result: 'committed', index: ended.index };
  const change = own(state.changes, input.changeId);
  const last = change?.intents.at(-1);
  if (!change?.plan || !last) return refused('no-intent', `Change ${input.changeId} has no honoured intent.`);

  const verified = await authorise(ports, state, change, last.index);
  if ('violations' in verified) return { result: 'refused', violations: verified.violations };
  const { plan } = verified;
  const frozen = whyFrozen(state, plan);
  if (frozen !== null) return { result: 'frozen', ...frozen };
  const commitment: CommitPredicate = {
    changeId: change.changeId,
    environment: ports.environment,
    planDigest: last.planDigest,
    zone: zoneOf(plan),
    rollout: null,
    moves: plan.kind === 'dns' ? recordMoves(plan) : await movesOf(ports, state, change, plan),
    at: new Date(ports.clock.nowMs()).toISOString(),
  };
  // Its remedies are for an auditor who finds such a commit; here it is not signed at all.
  const early = judgeCommit(commitment, change, plan).map((one) => ({ ...one, remedy: GOES_BACK }));
  const violations =
    early.length > 0
      ? early
      : (await verifyLive(ports, { planDigest: last.planDigest, expect: 'after' })).violations;
  if (violations.length > 0) return { result: 'refused', violations };

  const [fate] = await ports.log.append([await signDecision(ports, 'commit', commitment)]);
  if (fate?.fate === 'honoured') return { result: 'committed', index: fate.index };
  if (fate?.fate === 'duplicate') return { result: 'committed', index: fate.firstIndex };
  const frozenSince = fate?.fate === 'void' && whyFrozen(await ports.log.sync(), plan);
  if (frozenSince) return { result: 'frozen', ...frozenSince };
  return refused('commit-void', fate === undefined ? 'The log gave no answer.' : fate.reason);
}

function recordMoves(plan: DnsPlan): Move[] {
  return plan.resources.map((resource) => ({
    resource: resource.resource,
    from: resource.committedDigest,
    to: resource.targetDigest,
    version: null,
    versionDigest: null,
    clock: plan.clock,
    vector: {},
    dependsOn: plan.dependsOn,
  }));
}

function refused(rule: string, message: string): { result: 'refused'; violations: Violation[] } {
  return { result: 'refused', violations: [{ code: 'STALE_BASE', rule, message, remedy: GOES_BACK }] };
}
