import type { Plan } from '../domain/change/plan.ts';
import type { Violation } from '../domain/errors.ts';
import { boundedReasons } from '../domain/evidence/bounded-reasons.ts';
import { type Digest, digestOf } from '../domain/evidence/canonical-json.ts';
import type { Envelope } from '../domain/evidence/dsse.ts';
import type { VoteDecision, VotePredicate } from '../domain/evidence/statements.ts';
import { judgeExpiry } from '../domain/evidence/trust-succession.ts';
import { freezeOn, freezeText, reachOf } from '../domain/log/freeze-scope.ts';
import { trustOf } from '../domain/log/state.ts';
import { judgePermissionsVersion } from '../domain/permissions/in-force.ts';
import { planHere } from './plan-base.ts';
import { baseDigestOf } from './planned.ts';
import { loadPlan, loadRequest, openChange } from './recorded-change.ts';
import type { VoterPorts } from './role-ports.ts';
import { signDecision } from './sign-decision.ts';

export interface VoteInput {
  changeId: string;
  planDigest: Digest;
  planIndex: number;
  /** 1 for the first vote; the quorum may be asked again before the first stage. */
  round: number;
}

export interface CastVote {
  envelope: Envelope;
  vote: VotePredicate;
}

const MAX_CLOCK_SKEW_MS = 30_000;

/**
 * One zone's vote. The voter is told which plan is proposed, believes nothing of it, plans again from the signed
 * request and its own reading of the target, and signs the digest that *it* arrived at.
 */
export async function vote(ports: VoterPorts, input: VoteInput): Promise<CastVote> {
  const state = await ports.log.sync({ atLeast: input.planIndex + 1 });
  const change = openChange(state, input.changeId);
  const { requestDigest, author } = change.request;
  const request = await loadRequest(ports.bodies, requestDigest);
  const own = await planHere(ports, { changeId: input.changeId, request, requestDigest }, state);
  const nowMs = ports.clock.nowMs();
  const clockSkewMs = change.plan === null ? 0 : Math.max(0, Date.parse(change.plan.at) - nowMs);
  const zoneSwitch = await ports.zoneSwitch.read();
  const freeze = own.plan === null ? undefined : freezeOn(state, reachOf(own.plan));

  const safety: Violation[] = judgeExpiry(trustOf(state), nowMs);
  if (freeze)
    safety.push(veto('FROZEN', 'frozen', `${freezeText(freeze)}.`, 'Wait for automation to resume.'));
  if (zoneSwitch.frozen) {
    safety.push(
      veto(
        'FROZEN',
        'zone-frozen',
        `${ports.voterZone} is frozen: ${zoneSwitch.reason ?? 'by its own switch'}.`,
        `Ask who runs ${ports.voterZone}.`,
      ),
    );
  }
  if (!zoneSwitch.healthy) {
    safety.push(
      veto(
        'QUORUM_DENIED',
        'zone-unhealthy',
        `${ports.voterZone} is not healthy: ${zoneSwitch.reason ?? 'no reason given'}.`,
        'Change production when all of it is well.',
      ),
    );
  }
  if (clockSkewMs > MAX_CLOCK_SKEW_MS) {
    safety.push(
      veto(
        'QUORUM_DENIED',
        'clock-skew',
        `The plan is from ${clockSkewMs} ms in the future.`,
        "Correct the orchestrator's or this voter's clock.",
      ),
    );
  }

  const doubts: Violation[] = [...own.violations];
  if (own.plan !== null) {
    doubts.push(...own.judgeInvariants(nowMs), ...own.judgeCausality(), ...own.judgePermissions(author));
    const difference = await compareWithProposal(ports, own.plan, input.planDigest);
    if (difference?.code === 'STALE_BASE') safety.push(difference);
    else if (difference) doubts.push(difference);
  }

  const cast: VotePredicate = {
    changeId: input.changeId,
    environment: ports.environment,
    voter: ports.voter,
    voterZone: ports.voterZone,
    round: input.round,
    decision: decide(safety, doubts),
    planDigest: own.plan === null ? input.planDigest : digestOf(own.plan),
    reasons: boundedReasons([...safety, ...doubts]),
    observation: {
      baseDigest: own.plan === null ? digestOf(null) : baseDigestOf(own.plan),
      logSize: state.size,
      frozen: freeze !== undefined || zoneSwitch.frozen,
      zoneHealthy: zoneSwitch.healthy,
      clockSkewMs,
    },
    at: new Date(nowMs).toISOString(),
  };
  return { envelope: await signDecision(ports, 'vote', cast), vote: cast };
}

function decide(safety: readonly Violation[], doubts: readonly Violation[]): VoteDecision {
  if (safety.length > 0) return 'veto';
  return doubts.length > 0 ? 'no' : 'yes';
}

function veto(code: Violation['code'], rule: string, message: string, remedy: string): Violation {
  return { code, rule, message, remedy };
}

/** Null when the proposal is what this voter planned itself; else whether the base moved or the plan is forged. */
async function compareWithProposal(
  ports: VoterPorts,
  own: Plan,
  proposedDigest: Digest,
): Promise<Violation | null> {
  if (digestOf(own) === proposedDigest) return null;
  const proposed = await loadPlan(ports.bodies, proposedDigest);
  if (baseDigestOf(proposed) !== baseDigestOf(own)) {
    return veto(
      'STALE_BASE',
      'base-moved',
      `The live records are no longer those that ${proposedDigest} was planned against.`,
      'Submit the change again, against what is live now.',
    );
  }
  const [moved] = judgePermissionsVersion(proposed.permissions, own.permissions);
  if (moved) return moved;
  return veto(
    'QUORUM_DENIED',
    'plan-does-not-follow',
    `The proposed plan ${proposedDigest} does not follow from the signed request; planned here: ${digestOf(own)}.`,
    'Somebody edited the plan, or the roles run different builds: look at the orchestrator before anything else.',
  );
}
