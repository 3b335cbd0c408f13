import { judgeCausality } from '../causality/judge-causality.ts';
import { judgeDocumentCausality } from '../causality/judge-document-causality.ts';
import { buildDocumentPlan, targetBodies } from '../change/build-document-plan.ts';
import { buildPlan } from '../change/build-plan.ts';
import type { Plan } from '../change/plan.ts';
import { type ChangeRequest, parseChangeRequest } from '../change/request.ts';
import { DomainError, type Violation, violationsOf } from '../errors.ts';
import { judgeDocumentPlan } from '../invariants/judge-document-plan.ts';
import { judgePlan } from '../invariants/judge-plan.ts';
import type { ZoneState } from '../kinds/dns-records.ts';
import { documentKindOf } from '../kinds/documents.ts';
import { type Judge, own } from '../log/authority.ts';
import { createFold } from '../log/fold.ts';
import { type ChangeRecord, type LogState, trustOf } from '../log/state.ts';
import { permissionsInForce } from '../permissions/in-force.ts';
import { tallyVotes } from '../quorum/tally.ts';
import { type AuditInput, judgeAcceptedAs, openOrNull } from './audit-entries.ts';
import { canonicalText, type Digest, digestOf, parseJsonBytes } from './canonical-json.ts';
import { judgeDescription } from './describe-request.ts';
import { judgeCommit } from './judge-commit.ts';
import { readPlan } from './read-plan.ts';
import { replayOverride } from './replay-override.ts';
import { judgeStageAgain } from './replay-verdict.ts';
import type { OpenedStatement } from './statement-codec.ts';
import type { MadeBy, PlanPredicate, StageVerdictPredicate } from './statements.ts';
import type { TrustDocument } from './trust.ts';
import { verifyBundle } from './verify-bundle.ts';

/** One decision that the log records, made again from what the log and its bodies hold. */
export interface ReplayedDecision {
  decision:
    | 'schema'
    | 'causality'
    | 'plan'
    | 'risk'
    | 'invariants'
    | 'quorum'
    | 'approval'
    | 'bundle'
    | 'verdict'
    | 'commit';
  /** Of the entry that records it. */
  index: number;
  /** Whose, or of which stage. */
  about: string;
  result: 'same' | 'different' | 'not-recomputable';
  recorded: string;
  /** What this build makes of it; null where it could not be made. */
  recomputed: string | null;
  /** Why it could not be made, or what differs; null otherwise. */
  why: string | null;
  /** The program that recorded it, by its own word; null where a person signed it, or an older build. */
  madeBy: MadeBy | null;
}

type Decided = Omit<ReplayedDecision, 'madeBy'>;

export interface ReplayInput extends Omit<AuditInput, 'snapshotSizes'> {
  changeId: string;
  /** Every entry from the first, each time that it is called. */
  entries(): AsyncIterable<Uint8Array>;
}

/**
 * Makes every decision of one change again, with the rules of this build, from the logged inputs. A decision whose
 * inputs are not in the log is said to be so, never guessed. Throws `NOT_FOUND` for an unknown change, and what
 * `entries` and `body` throw.
 */
export async function replayChange(input: ReplayInput): Promise<ReplayedDecision[]> {
  const sizes = await plannedSizes(input);
  const fold = createFold(input);
  const bases = new Map<number, LogState>();
  const decisions: ReplayedDecision[] = [];
  let record: ChangeRecord | undefined;
  for await (const bytes of input.entries()) {
    const { judge } = fold;
    const index = fold.state.size;
    if (sizes.has(index)) bases.set(index, structuredClone(fold.state));
    const { fate } = fold.apply(bytes);
    const said = fate === 'honoured' ? openOrNull(bytes) : null;
    if (said === null || !('changeId' in said.predicate) || said.predicate.changeId !== input.changeId)
      continue;
    decisions.push(...(await replayOverride(input, said, index)));
    record = own(fold.state.changes, input.changeId) ?? record;
    if (record === undefined) continue;
    if (said.type === 'plan')
      bases.set(index, bases.get(said.predicate.logSize) ?? structuredClone(fold.state));
    const madeBy = ('madeBy' in said.predicate && said.predicate.madeBy) || null;
    for (const decided of await replayEntry(input, said, index, record, bases, judge)) {
      decisions.push({ ...decided, madeBy });
    }
  }
  if (record !== undefined || decisions.length > 0) return decisions;
  throw new DomainError('NOT_FOUND', `The log knows no change ${input.changeId}.`, {
    next: 'See `resilience-ctl status` for the changes that it knows.',
  });
}

/** At which sizes of the log the change's plans were made. */
async function plannedSizes({ changeId, entries }: ReplayInput): Promise<Set<number>> {
  const sizes = new Set<number>();
  for await (const bytes of entries()) {
    const said = openOrNull(bytes);
    if (said?.type === 'plan' && said.predicate.changeId === changeId) sizes.add(said.predicate.logSize);
  }
  return sizes;
}

async function replayEntry(
  input: ReplayInput,
  said: OpenedStatement,
  index: number,
  record: ChangeRecord,
  bases: ReadonlyMap<number, LogState>,
  judge: Judge,
): Promise<Decided[]> {
  switch (said.type) {
    case 'request':
      return [await replaySchema(input, record)];
    case 'plan': {
      const state = bases.get(index);
      return state === undefined ? [] : replayPlan(input, said.predicate, index, record, state);
    }
    case 'acceptance': {
      const before = { ...record, acceptances: record.acceptances.filter((one) => one.index !== index) };
      const { accepted, approver, decision } = said.predicate;
      const violations = judgeAcceptedAs(said.predicate, before, judge);
      const of = { decision: 'approval' as const, index, about: `${decision} by ${approver}` };
      return [
        compare(
          of,
          accepted ? 'accepted' : 'refused',
          violations.length === 0 ? 'accepted' : 'refused',
          violations,
        ),
      ];
    }
    case 'intent': {
      const first = record.intents[0]?.index === index;
      const bundle = await withBodies(
        input,
        record,
        { decision: 'bundle', index, about: `stage ${said.predicate.stage}` },
        'proven',
        (bodies) =>
          verifyBundle({
            ...bodies,
            change: record,
            intentIndex: index,
            trust: judge.document,
            ended: false,
          }),
      );
      return first ? [replayQuorum(judge.document, record, index), bundle] : [bundle];
    }
    case 'stage-verdict':
      return [await replayVerdict(input, said.predicate, index, record)];
    case 'commit': {
      const { rollout } = said.predicate;
      const about = rollout === null ? 'the end' : `stage ${rollout.stage}`;
      const of = { decision: 'commit' as const, index, about };
      return [
        await withBodies(input, record, of, 'as planned', ({ plan }) =>
          judgeCommit(said.predicate, record, plan),
        ),
      ];
    }
    default:
      return [];
  }
}

async function replaySchema(input: ReplayInput, record: ChangeRecord): Promise<Decided> {
  const { index, requestDigest } = record.request;
  const of = { decision: 'schema' as const, index, about: `request by ${record.request.author}` };
  const body = await input.body(requestDigest);
  if (body === null) return impossible(of, 'recorded', `its body ${requestDigest} is not here`);
  try {
    const request = parseChangeRequest(parseJsonBytes(body));
    const violations = judgeDescription(record.request, request);
    // What refused a request is in its end; a request that is well formed may still have been refused for the rest.
    return compare(of, 'as described', violations.length === 0 ? 'as described' : 'refused', violations);
  } catch (error) {
    if (!(error instanceof DomainError)) throw error;
    return compare(of, 'as described', 'refused', violationsOf(error));
  }
}

async function replayPlan(
  input: ReplayInput,
  said: PlanPredicate,
  index: number,
  record: ChangeRecord,
  state: LogState,
): Promise<Decided[]> {
  const of = (decision: Decided['decision'], about: string) => ({ decision, index, about });
  const bodies = await load(input, record);
  const unknown = (why: string) => [
    impossible(of('causality', 'base and dependencies'), 'nothing against it', why),
    impossible(of('plan', 'the exact diff'), said.planDigest, why),
    impossible(of('risk', 'class and score'), said.riskClass, why),
    impossible(of('invariants', 'the state that would exist'), 'nothing against it', why),
  ];
  if ('missing' in bodies) return unknown(bodies.missing);
  const made = await planAgain(input, said, bodies, state);
  if ('missing' in made) return unknown(made.missing);
  const { plan: again, violations } = made;
  if (again === null) return unknown(`this build makes no plan of it: ${inWords(violations)}`);
  const logged = bodies.plan.risk;
  return [
    compare(
      of('causality', 'base and dependencies'),
      NOTHING,
      verdictOf(made.judgeCausality()),
      made.judgeCausality(),
    ),
    compare(of('plan', 'the exact diff'), said.planDigest, digestOf(again), violations),
    compare(
      of('risk', 'class and score'),
      `${said.riskClass} ${logged.score}`,
      `${again.risk.class} ${again.risk.score}`,
      [],
    ),
    compare(
      of('invariants', 'the state that would exist'),
      NOTHING,
      verdictOf([...violations, ...made.judgeInvariants()]),
      [...violations, ...made.judgeInvariants()],
    ),
  ];
}

const NOTHING = 'nothing against it';

function verdictOf(violations: readonly Violation[]): string {
  return violations.length === 0 ? NOTHING : `${violations.length} against it`;
}

type Again =
  | { missing: string }
  | {
      plan: Plan | null;
      violations: Violation[];
      judgeCausality(): Violation[];
      judgeInvariants(): Violation[];
    };

async function planAgain(
  input: ReplayInput,
  said: PlanPredicate,
  { request, requestDigest }: Bodies,
  state: LogState,
): Promise<Again> {
  const { environment, changeId } = input;
  const trust = trustOf(state);
  const { policy } = trust;
  const { live, recentCommits } = state;
  const nowMs = Date.parse(said.at);
  const permissions = permissionsInForce(live, trust);
  const change = { changeId, environment, request, requestDigest, permissions };
  if (said.zone === null) {
    const known = await documentsLive(input, state);
    if ('missing' in known) return known;
    const { plan, violations } = buildDocumentPlan({ ...change, live, bodies: known.bodies, policy });
    const bodies = new Map([...known.bodies, ...targetBodies(request)]);
    return {
      plan,
      violations,
      judgeCausality: () =>
        plan === null
          ? []
          : judgeDocumentCausality({ ...change, plan, state, seen: request.spec.vector ?? null, bodies }),
      judgeInvariants: () =>
        plan === null ? [] : judgeDocumentPlan(plan, { bodies, live, request, policy, nowMs }),
    };
  }
  if (said.readingDigest === undefined)
    return { missing: 'the zone as it was read is not in the log: an older build made the plan' };
  const reading = await input.body(said.readingDigest);
  if (reading === null) return { missing: `the zone as it was read, ${said.readingDigest}, is not here` };
  const zone = parseJsonBytes(reading) as ZoneState;
  const zones = trust.targets.map((target) => target.zone);
  const { plan, violations } = buildPlan({ ...change, zone, live, policy, zones });
  return {
    plan,
    violations,
    judgeCausality: () => (plan === null ? [] : judgeCausality({ ...change, plan, zone, state })),
    judgeInvariants: () =>
      plan === null ? [] : judgePlan(plan, { zone, live, recentCommits, policy, nowMs }),
  };
}

async function documentsLive(
  { body }: ReplayInput,
  { live }: LogState,
): Promise<{ bodies: Map<Digest, unknown> } | { missing: string }> {
  const bodies = new Map<Digest, unknown>();
  for (const [resource, { digest }] of Object.entries(live)) {
    if (digest === null || documentKindOf(resource) === null) continue;
    const bytes = await body(digest);
    if (bytes === null) return { missing: `${resource} as it was live then, ${digest}, is not here` };
    bodies.set(digest, parseJsonBytes(bytes));
  }
  return { bodies };
}

function replayQuorum(trust: TrustDocument, record: ChangeRecord, index: number): Decided {
  const { plan } = record;
  const of = { decision: 'quorum' as const, index, about: `${record.votes.length} votes` };
  if (plan === null) return impossible(of, 'granted', 'it has no plan');
  const { decision, reasons } = tallyVotes(record.votes, {
    needed: trust.policy.votes[plan.riskClass],
    planDigest: plan.planDigest,
    voters: trust.services.filter(({ role }) => role === 'voter').map(({ name }) => name),
    open: 0,
  });
  return compare(of, 'granted', decision, decision === 'granted' ? [] : reasons);
}

async function replayVerdict(
  input: ReplayInput,
  said: StageVerdictPredicate,
  index: number,
  record: ChangeRecord,
): Promise<Decided> {
  const of = { decision: 'verdict' as const, index, about: `stage ${said.stage}` };
  const bodies = await load(input, record);
  if ('missing' in bodies) return impossible(of, said.verdict, bodies.missing);
  const { plan } = bodies;
  const again = await judgeStageAgain(said, record, plan, input.body);
  if ('missing' in again) return impossible(of, said.verdict, again.missing);
  const { verdict, reasons, arms } = again;
  const counted = canonicalText(arms) === canonicalText(said.arms);
  const different = verdict !== said.verdict || !counted;
  return {
    ...of,
    result: different ? 'different' : 'same',
    recorded: said.verdict,
    recomputed: verdict,
    why: different
      ? [...(counted ? [] : ['the reports do not bear out the counts']), ...reasons].join('; ')
      : null,
  };
}

interface Bodies {
  request: ChangeRequest;
  requestDigest: Digest;
  plan: Plan;
  planDigest: Digest;
}

async function load(
  { body }: ReplayInput,
  { request, plan }: ChangeRecord,
): Promise<Bodies | { missing: string }> {
  if (plan === null) return { missing: 'it has no plan' };
  const { requestDigest } = request;
  const { planDigest } = plan;
  const [requestBytes, planBytes] = [await body(requestDigest), await body(planDigest)];
  if (requestBytes === null) return { missing: `the request ${requestDigest} is not here` };
  if (planBytes === null) return { missing: `the plan ${planDigest} is not here` };
  return {
    request: parseChangeRequest(parseJsonBytes(requestBytes)),
    requestDigest,
    plan: readPlan(planBytes),
    planDigest,
  };
}

type Subject = Pick<Decided, 'decision' | 'index' | 'about'>;

async function withBodies(
  input: ReplayInput,
  record: ChangeRecord,
  of: Subject,
  recorded: string,
  judge: (bodies: Bodies) => Violation[],
): Promise<Decided> {
  const bodies = await load(input, record);
  if ('missing' in bodies) return impossible(of, recorded, bodies.missing);
  const violations = judge(bodies);
  return compare(of, recorded, violations.length === 0 ? recorded : `not ${recorded}`, violations);
}

function compare(
  of: Subject,
  recorded: string,
  recomputed: string,
  violations: readonly Violation[],
): Decided {
  const same = recorded === recomputed;
  const why = same || violations.length === 0 ? null : inWords(violations);
  return { ...of, result: same ? 'same' : 'different', recorded, recomputed, why };
}

function impossible(of: Subject, recorded: string, why: string): Decided {
  return { ...of, result: 'not-recomputable', recorded, recomputed: null, why };
}

function inWords(violations: readonly Violation[]): string {
  return violations.map(({ message }) => message).join(' ');
}
