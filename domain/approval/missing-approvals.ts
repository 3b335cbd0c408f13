import type { Plan } from '../change/plan.ts';
import type { Violation } from '../errors.ts';
import type { Person, Policy, TrustDocument } from '../evidence/trust.ts';
import type { ChangeRecord } from '../log/state.ts';

/** Somebody who is still to approve: what for, and who could. */
export interface MissingApproval {
  /** `1 more approval`, `one of team reliability`, `an owner of switch/trading (payments)`. */
  what: string;
  /** Sorted by subject. */
  who: Pick<Person, 'subject' | 'teams'>[];
}

export interface ApprovalTally {
  /** Distinct people whom the risk class asks for. */
  needed: number;
  /** Whether each must have come with a second factor. */
  secondFactor: boolean;
  /** Distinct people whose approval counts, sorted. */
  given: string[];
  rejectedBy: string | null;
  /** Who could still approve, sorted. */
  eligible: string[];
  /** Everything that is still to come; nothing when the change is approved. */
  missing: MissingApproval[];
}

type Ownership = { resource: string; owners: readonly string[] }[];

/** What a plan says about who must approve it. */
export type ApprovalNeeds = Pick<Plan['risk'], 'class'> & { ownership: Ownership };

/**
 * Whose consent a plan needs besides its author's. Stopping (`brake`) waits for no owner: a switch must be engaged by
 * whoever is there.
 */
export function approvalNeeds(plan: Plan): ApprovalNeeds {
  const named = plan.kind === 'documents' && plan.risk.class !== 'brake' ? plan.resources : [];
  return { class: plan.risk.class, ownership: named.filter(({ owners }) => owners.length > 0) };
}

/**
 * Where a change stands with its approvers: accepted decisions over its current plan, by people who still are
 * approvers and not its author. The rule of its risk class says how many people, of how many distinct teams, and whether
 * each with a second factor; of each resource that names owners, one must be among them. An edit of the plan starts from none. Never throws.
 */
export function missingApprovals(
  change: ChangeRecord,
  needs: ApprovalNeeds,
  trust: TrustDocument,
): ApprovalTally {
  const { author } = change.request;
  const current = change.acceptances.filter(
    (one) => one.accepted && one.planDigest === change.plan?.planDigest,
  );
  const rule = trust.policy.approvals[needs.class];
  const approved = new Set(current.filter((one) => isYes(one, rule)).map((one) => one.approver));
  const may = approversExcept(author, trust);
  const given = may.filter(({ subject }) => approved.has(subject));
  const eligible = may.filter(
    ({ subject, secondFactors }) =>
      !approved.has(subject) && (!rule.secondFactor || secondFactors.length > 0),
  );
  return {
    needed: rule.people,
    secondFactor: rule.secondFactor,
    given: given.map(subjectOf),
    rejectedBy: current.find((one) => one.decision === 'reject')?.approver ?? null,
    eligible: eligible.map(subjectOf),
    missing: [
      ...missingPeople(rule, given, eligible),
      ...missingTeams(rule.teams, given, eligible),
      ...needs.ownership.flatMap((one) => missingOwner(one, given, eligible)),
    ],
  };
}

/** The missing, in one line: `2 more approvals; an owner of switch/trading (payments)`. */
export function missingInWords(missing: readonly MissingApproval[]): string {
  return missing.map(({ what }) => what).join('; ');
}

/** Refuses a plan that names owners none of whom could ever approve it: it would wait for ever. */
export function judgeOwners(plan: Plan, author: string, trust: TrustDocument): Violation[] {
  const may = approversExcept(author, trust);
  return approvalNeeds(plan).ownership.flatMap(({ resource, owners }): Violation[] => {
    if (may.some((person) => isOwner(person, owners))) return [];
    return [
      {
        code: 'NOT_PERMITTED',
        rule: 'owner-can-approve',
        message: `${resource} belongs to ${owners.join(', ')}, and no approver but ${author} is or is in that.`,
        remedy: 'Name a team (or person) of the trust document that has an approver besides the author.',
      },
    ];
  });
}

type ApprovalRule = Policy['approvals'][ApprovalNeeds['class']];

function isYes(
  { decision, mfa }: ChangeRecord['acceptances'][number],
  { secondFactor }: ApprovalRule,
): boolean {
  return decision === 'approve' && (mfa !== null || !secondFactor);
}

function missingPeople(
  { people, secondFactor }: ApprovalRule,
  given: readonly Person[],
  eligible: readonly Person[],
): MissingApproval[] {
  const count = people - given.length;
  if (count <= 0) return [];
  const what = `${count} more approval${count === 1 ? '' : 's'}${secondFactor ? ' with a second factor' : ''}`;
  return [{ what, who: eligible.map(named) }];
}

function missingTeams(
  needed: number,
  given: readonly Person[],
  eligible: readonly Person[],
): MissingApproval[] {
  const represented = teamsRepresented(given);
  if (represented >= needed || needed === 1) return [];
  const more = eligible.filter((one) => teamsRepresented([...given, one]) > represented);
  const there = given.flatMap((person) => person.teams);
  const teams = [...new Set(more.flatMap((person) => person.teams))]
    .filter((one) => !there.includes(one))
    .sort();
  const count = needed - represented;
  const what =
    teams.length === 1 ? `one of team ${teams[0]}` : `${count} of other teams (${teams.join(', ')})`;
  return [{ what, who: more.map(named) }];
}

/**
 * For how many distinct teams these people can stand, each for one: the largest matching of people and teams (Kuhn's
 * augmenting paths), so that one person in three teams is not three.
 */
function teamsRepresented(people: readonly Person[]): number {
  const standsFor = new Map<string, Person>();
  const place = (person: Person, tried: Set<string>): boolean =>
    person.teams.some((team) => {
      if (tried.has(team)) return false;
      tried.add(team);
      const holder = standsFor.get(team);
      if (holder !== undefined && !place(holder, tried)) return false;
      standsFor.set(team, person);
      return true;
    });
  return people.filter((person) => place(person, new Set())).length;
}

function missingOwner(
  { resource, owners }: Ownership[number],
  given: readonly Person[],
  eligible: readonly Person[],
): MissingApproval[] {
  if (given.some((person) => isOwner(person, owners))) return [];
  const who = eligible.filter((person) => isOwner(person, owners)).map(named);
  return [{ what: `an owner of ${resource} (${owners.join(', ')})`, who }];
}

/** Owners are named as people or as teams. */
function isOwner({ subject, teams }: Person, owners: readonly string[]): boolean {
  return owners.some((owner) => owner === subject || teams.includes(owner));
}

function approversExcept(author: string, { people }: TrustDocument): Person[] {
  return people
    .filter(({ subject, roles }) => subject !== author && roles.includes('approver'))
    .sort((a, b) => (a.subject < b.subject ? -1 : 1));
}

function named({ subject, teams }: Person): MissingApproval['who'][number] {
  return { subject, teams };
}

function subjectOf({ subject }: Person): string {
  return subject;
}
