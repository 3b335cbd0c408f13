import { approvalNeeds, missingApprovals, missingInWords } from '../approval/missing-approvals.ts';
import { inverseDigestOf, type Plan, zoneOf } from '../change/plan.ts';
import type { ChangeRequest } from '../change/request.ts';
import type { ErrorCode, Violation } from '../errors.ts';
import type { ChangeRecord } from '../log/state.ts';
import { tallyVotes } from '../quorum/tally.ts';
import type { Digest } from './canonical-json.ts';
import type { TrustDocument } from './trust.ts';

export interface Bundle {
  /** The enactor's own fold: every statement in it is honoured and its signature verified. */
  change: ChangeRecord;
  request: ChangeRequest;
  /** Digest of the body that was read, not the one that was asked for. */
  requestDigest: Digest;
  plan: Plan;
  planDigest: Digest;
  trust: TrustDocument;
  /** The intent that is to be enacted. */
  intentIndex: number;
  ended: boolean;
}

type Intent = ChangeRecord['intents'][number];
type AnyStage = Plan['stages'][number];

/**
 * What the enactor checks for itself before it writes (DESIGN §2, proof-carrying changes): that the statements of a
 * change prove, in the order of the log, that this stage of exactly this plan may be applied now. Nobody who calls
 * is believed. Enacting the same intent again finds the same proof.
 *
 * An approval's window is for deciding; one that was accepted in time does not expire here, however long the
 * rollout takes. Returns every violation: `DIGEST_MISMATCH` for a body that is not the one signed for,
 * `BUNDLE_INCOMPLETE` for proof that is not there, `NOT_PERMITTED`, `QUORUM_DENIED`, `APPROVAL_REJECTED`,
 * `ALREADY_ENDED`. Never throws.
 */
export function verifyBundle(bundle: Bundle): Violation[] {
  const { change, intentIndex } = bundle;
  const intent = change.intents.find((one) => one.index === intentIndex);
  return [
    ...judgeRequest(bundle),
    ...judgePlan(bundle),
    ...judgeVotes(bundle),
    ...judgeApprovals(bundle),
    ...(intent === undefined ? [noIntent(change, intentIndex)] : judgeIntent(bundle, intent)),
    ...(intent === undefined ? [] : judgeStageOrder(bundle, intent)),
  ];
}

function judgeRequest({ change, request, requestDigest, trust, ended }: Bundle): Violation[] {
  const signed = change.request;
  const author = trust.people.find((person) => person.subject === signed.author);
  return [
    ...expect(!ended, 'ALREADY_ENDED', 'open', `Change ${change.changeId} is over.`),
    ...expect(
      signed.requestDigest === requestDigest,
      'DIGEST_MISMATCH',
      'request-as-signed',
      `The request is ${requestDigest}; ${signed.author} signed ${signed.requestDigest}.`,
    ),
    ...expect(
      author?.roles.includes('author') === true,
      'NOT_PERMITTED',
      'author-role',
      `${signed.author} is not a person with the role author.`,
    ),
    ...expect(
      [signed.environment, request.metadata.environment].every((one) => one === trust.environment),
      'NOT_PERMITTED',
      'audience',
      `The request is for ${signed.environment} and ${request.metadata.environment}, this is ${trust.environment}.`,
    ),
  ];
}

function judgePlan({ change, plan, planDigest, requestDigest, trust }: Bundle): Violation[] {
  const recorded = change.plan;
  if (recorded === null)
    return expect(false, 'BUNDLE_INCOMPLETE', 'plan-recorded', 'The log has no plan of it.');
  const resources = plan.resources.map((one) => one.resource);
  return [
    ...expect(
      recorded.planDigest === planDigest,
      'DIGEST_MISMATCH',
      'plan-as-recorded',
      `The plan is ${planDigest}; the log names ${recorded.planDigest}.`,
    ),
    ...expect(
      plan.changeId === change.changeId &&
        plan.environment === trust.environment &&
        plan.requestDigest === requestDigest &&
        recorded.requestDigest === requestDigest,
      'BUNDLE_INCOMPLETE',
      'plan-of-this-request',
      `The plan is of change ${plan.changeId}, request ${plan.requestDigest}, environment ${plan.environment}.`,
    ),
    // The log reserves and counts by what the entry says of the plan.
    ...expect(
      recorded.zone === zoneOf(plan) &&
        recorded.riskClass === plan.risk.class &&
        recorded.resources.toSorted().join() === resources.toSorted().join(),
      'BUNDLE_INCOMPLETE',
      'plan-as-described',
      `Entry ${recorded.index} describes the plan as ${recorded.riskClass} on ${recorded.zone}: ${recorded.resources.join(', ')}.`,
    ),
    ...expect(
      change.request.index < recorded.index,
      'BUNDLE_INCOMPLETE',
      'order',
      `The plan, entry ${recorded.index}, is not after its request, entry ${change.request.index}.`,
    ),
  ];
}

/** What is evidence for the intent: honoured after the plan that it speaks of, and before the intent. */
function inTime<T extends { index: number }>(entries: readonly T[], { change, intentIndex }: Bundle): T[] {
  const planIndex = change.plan?.index ?? Number.POSITIVE_INFINITY;
  return entries.filter(({ index }) => planIndex < index && index < intentIndex);
}

function judgeVotes(bundle: Bundle): Violation[] {
  const { change, plan, planDigest, trust } = bundle;
  const voters = trust.services.filter((service) => service.role === 'voter');
  const votes = inTime(change.votes, bundle).filter(({ voter, voterZone }) =>
    voters.some((service) => service.name === voter && service.voterZone === voterZone),
  );
  const { decision, reasons } = tallyVotes(votes, {
    needed: trust.policy.votes[plan.risk.class],
    planDigest,
    voters: voters.map((service) => service.name),
    open: 0,
  });
  const code = decision === 'denied' ? 'QUORUM_DENIED' : 'BUNDLE_INCOMPLETE';
  const why = reasons.map((reason) => reason.message).join(' ');
  return expect(
    decision === 'granted',
    code,
    'votes',
    `The votes between plan and intent do not grant it: ${why}`,
  );
}

function judgeApprovals(bundle: Bundle): Violation[] {
  const { change, plan, trust } = bundle;
  const timely = { ...change, acceptances: inTime(change.acceptances, bundle) };
  const needs = approvalNeeds(plan);
  const { needed, given, missing } = missingApprovals(timely, needs, trust);
  // A rejection counts whenever it came: it can only stop.
  const { rejectedBy } = missingApprovals(change, needs, trust);
  return [
    ...expect(rejectedBy === null, 'APPROVAL_REJECTED', 'no-rejection', `${rejectedBy} rejected it.`),
    ...expect(
      missing.length === 0,
      'BUNDLE_INCOMPLETE',
      'approvals',
      `${given.length} of ${needed} needed approvals came between plan and intent: ${given.join(', ') || 'nobody'}. Missing: ${missingInWords(missing)}.`,
    ),
  ];
}

function judgeIntent(bundle: Bundle, intent: Intent): Violation[] {
  const { change, plan, trust } = bundle;
  const newer = change.intents.find((one) => one.index > intent.index);
  return [
    ...judgeAuthority(bundle, intent),
    ...expect(
      intent.planDigest === change.plan?.planDigest &&
        intent.environment === trust.environment &&
        intent.zone === zoneOf(plan),
      'BUNDLE_INCOMPLETE',
      'intent-of-this-plan',
      `Intent ${intent.index} is of plan ${intent.planDigest} on ${intent.zone} in ${intent.environment}.`,
    ),
    ...expect(
      newer === undefined,
      'BUNDLE_INCOMPLETE',
      'newest-intent',
      `Intent ${intent.index} (${intent.stage}) was followed by intent ${newer?.index} (${newer?.stage}).`,
    ),
  ];
}

/** What both directions rest on: the plan and the inverse are those that the intent names. */
function judgeAuthority({ change, plan, planDigest }: RollbackBundle, intent: Intent): Violation[] {
  const inverseDigest = inverseDigestOf(plan, intent.stage);
  return [
    ...expect(
      intent.planDigest === planDigest && plan.changeId === change.changeId,
      'DIGEST_MISMATCH',
      'plan-as-intended',
      `The plan is ${planDigest} of ${plan.changeId}; intent ${intent.index} names ${intent.planDigest} of ${change.changeId}.`,
    ),
    ...expect(
      intent.inverseDigest === inverseDigest,
      'BUNDLE_INCOMPLETE',
      'inverse-as-intended',
      `The way back from stage ${intent.stage} is ${inverseDigest ?? 'unknown'}; intent ${intent.index} authorises ${intent.inverseDigest}.`,
    ),
  ];
}

/** The intent's stage is the next: all before it are applied and, where watched, passed; none after it is applied. */
function judgeStageOrder(bundle: Bundle, intent: Intent): Violation[] {
  const { change, plan } = bundle;
  const at = plan.stages.findIndex((one) => one.name === intent.stage);
  if (at < 0)
    return expect(false, 'BUNDLE_INCOMPLETE', 'stage-of-plan', `The plan has no stage ${intent.stage}.`);
  const undone = change.outcomes.some((one) => one.direction === 'rollback' && one.result === 'applied');
  return [
    ...expect(!undone, 'ALREADY_ENDED', 'not-rolled-back', `Change ${change.changeId} has been rolled back.`),
    ...plan.stages.slice(0, at).flatMap((stage) => judgeEarlierStage(bundle, stage, intent)),
    ...plan.stages
      .slice(at + 1)
      .flatMap((stage) =>
        expect(
          appliedIntents(bundle, stage).length === 0,
          'BUNDLE_INCOMPLETE',
          'stage-order',
          `Stage ${stage.name} is applied already; ${intent.stage} comes before it.`,
        ),
      ),
  ];
}

function appliedIntents({ change, planDigest, intentIndex }: Bundle, stage: AnyStage): number[] {
  return change.intents
    .filter((one) => one.stage === stage.name && one.planDigest === planDigest && one.index < intentIndex)
    .map((one) => one.index)
    .filter((index) =>
      change.outcomes.some(
        (one) => one.intentIndex === index && one.direction === 'forward' && one.result === 'applied',
      ),
    );
}

function judgeEarlierStage(bundle: Bundle, stage: AnyStage, intent: Intent): Violation[] {
  const applied = appliedIntents(bundle, stage);
  if (applied.length === 0) {
    return expect(
      false,
      'BUNDLE_INCOMPLETE',
      'stage-order',
      `Stage ${stage.name} comes before ${intent.stage} and is not applied.`,
    );
  }
  const { change, planDigest } = bundle;
  const latest = change.verdicts
    .filter((one) => one.planDigest === planDigest && one.stage === stage.name)
    .filter((one) => one.index < intent.index && applied.includes(one.intentIndex))
    .at(-1);
  return expect(
    !stage.baked || latest?.verdict === 'pass',
    'BUNDLE_INCOMPLETE',
    'stage-verdict',
    `Stage ${stage.name} needs a passing verdict before ${intent.stage}; the latest is ${latest?.verdict ?? 'none'}.`,
  );
}

export type RollbackBundle = Pick<Bundle, 'change' | 'plan' | 'planDigest' | 'intentIndex'>;

/**
 * What the enactor checks before it takes a change back: its inverse was authorised together with an honoured
 * intent, so neither quorum nor a fresh log is needed, and a later freeze, veto or end of trust does not trap a bad
 * stage (DESIGN §6, Rollback). Returns every violation; never throws.
 */
export function verifyRollbackBundle(bundle: RollbackBundle): Violation[] {
  const { change, intentIndex } = bundle;
  const intent = change.intents.find((one) => one.index === intentIndex);
  return intent === undefined ? [noIntent(change, intentIndex)] : judgeAuthority(bundle, intent);
}

function noIntent(change: ChangeRecord, intentIndex: number): Violation {
  return violation(
    'BUNDLE_INCOMPLETE',
    'intent-in-log',
    `Entry ${intentIndex} is no honoured intent of change ${change.changeId}.`,
  );
}

function expect(holds: boolean, code: ErrorCode, rule: string, message: string): Violation[] {
  return holds ? [] : [violation(code, rule, message)];
}

function violation(code: ErrorCode, rule: string, message: string): Violation {
  return {
    code,
    rule,
    message,
    remedy: 'Nothing was written. See the change in the log; correct what is missing, or submit it again.',
  };
}
