import { judgeCausality } from '../causality/judge-causality.ts';
import { buildPlan } from '../change/build-plan.ts';
import type { DnsPlan, Plan } from '../change/plan.ts';
import type { ChangeRequest } from '../change/request.ts';
import type { Violation } from '../errors.ts';
import { type Digest, digestOf } from '../evidence/canonical-json.ts';
import type { OverrideEffect, OverridePredicate } from '../evidence/statements.ts';
import type { TrustDocument } from '../evidence/trust.ts';
import { governedRecords } from '../invariants/governed-record.ts';
import { judgePlan } from '../invariants/judge-plan.ts';
import { compareRecordSets, diffGroups } from '../kinds/dns.ts';
import type { ZoneState } from '../kinds/dns-records.ts';
import { own } from '../log/authority.ts';
import { freezeOn, freezeText, reachOf } from '../log/freeze-scope.ts';
import type { LogState } from '../log/state.ts';
import { permissionsInForce } from '../permissions/in-force.ts';
import { GUARDS_OF_THE_LOG, type OverridableGuard } from './guards.ts';
import { overrideRecords } from './override-moves.ts';

export interface OverrideInput {
  changeId: string;
  environment: string;
  request: ChangeRequest;
  requestDigest: Digest;
  /** As it is. */
  zone: ZoneState;
  /** In force, as far as it is known. */
  trust: TrustDocument;
  /** Null when the log cannot be read. */
  state: LogState | null;
  nowMs: number;
}

/** One thing that stands against the plan, and the name by which an override passes over it; null: by none. */
export interface Objection {
  guard: OverridableGuard | null;
  violation: Violation;
}

export interface PlannedOverride<OfPlan extends Plan = Plan> {
  /** Null where nothing can be planned; then the objections say why. */
  plan: OfPlan | null;
  planDigest: Digest | null;
  /** Empty where nothing can be planned. */
  effect: OverrideEffect;
  objections: Objection[];
}

/**
 * Plans a request as one batch on the zone as it is, without stages, and judges everything: what an override would have
 * to name stands beside what nothing passes over. A guard that cannot be asked is not passed. Never throws.
 */
export function planOverride(input: OverrideInput): PlannedOverride<DnsPlan> {
  const { state, zone, request, trust } = input;
  const live = state?.live ?? {};
  const { policy } = trust;
  const zones = trust.targets.map((target) => target.zone);
  const permissions = permissionsInForce(live, trust);
  const built = buildPlan({ ...input, live, policy, zones, permissions });
  const unbuildable = built.violations.filter(({ rule }) => !OF_STAGES.includes(rule));
  if (built.plan === null) {
    return {
      ...{ plan: null, planDigest: null, effect: {} },
      objections: unbuildable.map((one) => ({ guard: null, violation: one })),
    };
  }
  const plan = withoutStages(built.plan);
  const facts = { zone, live, recentCommits: state?.recentCommits ?? [], policy };
  const violations = [...unbuildable, ...judgePlan(plan, { ...facts, nowMs: input.nowMs })];
  return {
    plan,
    planDigest: digestOf(plan),
    effect: { records: overrideRecords(plan) },
    objections: [
      ...violations.map((violation) => ({ guard: GUARD_OF_RULE[violation.rule] ?? null, violation })),
      ...NEVER_ASKED,
      ...(built.plan.stages.length > 1 ? [objection('canary', 'Its stages would be skipped.')] : []),
      ...(state === null ? unreadable() : judgeAgainstLog({ ...input, state }, plan, request)),
    ],
  };
}

/**
 * What an override leaves standing. A record set or document that goes must be named by itself (`emptying`), besides every guard:
 * whoever signs must have seen that nothing will be there.
 */
export function standingAgainst(
  { plan, objections }: PlannedOverride,
  { guards, emptying }: Pick<OverridePredicate, 'guards' | 'emptying'>,
): Violation[] {
  const emptied = plan === null ? [] : emptiedBy(plan);
  const named = new Set(emptying);
  const pathsNamed = plan?.kind === 'dns' ? pathsEmptied(plan, named) : [];
  const passed = ({ guard, violation: { rule, path } }: Objection) =>
    (guard !== null && guards.includes(guard)) ||
    (EMPTYING_RULES.includes(rule) && path !== undefined && pathsNamed.includes(path));
  return [
    ...objections.filter((one) => !passed(one)).map(({ violation }) => violation),
    ...emptied
      .filter((resource) => !named.has(resource))
      .map(
        (resource): Violation => ({
          code: 'INVARIANT_VIOLATED',
          rule: 'emptying-named',
          message: `Nothing of ${resource} would be left.`,
          remedy: `If that is meant, name it: --emptying ${resource}. No guard's name stands for it.`,
        }),
      ),
  ];
}

function emptiedBy(plan: Plan): string[] {
  return plan.kind === 'dns'
    ? plan.resources.filter(({ after }) => after.length === 0).map(({ resource }) => resource)
    : plan.resources.filter(({ targetDigest }) => targetDigest === null).map(({ resource }) => resource);
}

function pathsEmptied(plan: DnsPlan, named: ReadonlySet<string>): string[] {
  return governedRecords(plan)
    .filter(({ resource, after }) => after.length === 0 && named.has(resource))
    .map(({ path }) => path);
}

/** They speak of stages, of which an override has none. */
const OF_STAGES: readonly string[] = ['probe-missing', 'probe-allow-list', 'share-is-exact'];

/** What points to a record set that goes points to nothing; the path is of that record set. */
const EMPTYING_RULES: readonly string[] = ['reference-answers'];

const GUARD_OF_RULE: Readonly<Record<string, OverridableGuard>> = {
  'never-all-targets': 'canary',
  'zone-share': 'limits',
  'never-all-records': 'limits',
  'dependents-stay': 'causality',
};

/** Break-glass is for when these are down, so it asks them never. */
export const NEVER_ASKED: readonly Objection[] = [
  objection('quorum', 'No zone has voted.'),
  objection('witness', 'No witness has cosigned the intent.'),
];

const WHY_UNREADABLE: Record<(typeof GUARDS_OF_THE_LOG)[number], string> = {
  log: 'so the intent would not be in it before the effect.',
  freeze: 'and unreadable means frozen.',
  reservation: 'and another change may be writing these records.',
  causality: 'and nobody knows what these records depend on.',
  limits: 'and nobody knows what else has changed today.',
};

function unreadable(): Objection[] {
  return GUARDS_OF_THE_LOG.map((guard) =>
    objection(guard, `The log cannot be read, ${WHY_UNREADABLE[guard]}`),
  );
}

function judgeAgainstLog(
  input: OverrideInput & { state: LogState },
  plan: DnsPlan,
  request: ChangeRequest,
): Objection[] {
  const { state, changeId, zone } = input;
  return [
    ...objectionsInLog(plan, state),
    ...judgeCausality({ changeId, request, plan, zone, state }).map(
      (violation): Objection => ({ guard: 'causality', violation }),
    ),
  ];
}

/** What the fold asks at the override's own index, unless it is named: freezes, and what others hold. */
export function objectionsInLog(plan: Plan, state: LogState): Objection[] {
  // The fold does not see which way a switch goes, so that nothing passes a freeze unnamed.
  const freeze = freezeOn(state, { ...reachOf(plan), engages: false });
  const holders = plan.resources.flatMap(({ resource }: { resource: string }) => {
    const holder = own(state.reservations, resource);
    return holder === undefined ? [] : [`${resource} is reserved by change ${holder}.`];
  });
  return [
    ...(freeze === undefined ? [] : [objection('freeze', `${freezeText(freeze)}.`)]),
    ...holders.map((why) => objection('reservation', why)),
  ];
}

function withoutStages(plan: DnsPlan): DnsPlan {
  const before = plan.resources.flatMap((one) => one.before).sort(compareRecordSets);
  const after = plan.resources.flatMap((one) => one.after).sort(compareRecordSets);
  const only = {
    name: 'final',
    percent: 100,
    live: after,
    changes: diffGroups(before, after),
    inverse: diffGroups(after, before),
    baked: false,
  };
  return { ...plan, stages: [only], rollout: { ...plan.rollout, bakeMs: 0, probe: null } };
}

export function objection(guard: OverridableGuard, why: string): Objection {
  return { guard, violation: lacks(guard, why) };
}

function lacks(guard: OverridableGuard, why: string): Violation {
  return {
    code: guard === 'freeze' ? 'FROZEN' : 'RISK_TOO_HIGH',
    rule: `guard-${guard}`,
    message: why,
    remedy: `Wait until it holds, or name the guard: --overrides ${guard}.`,
  };
}
