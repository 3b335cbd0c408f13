import type { FreezeScope, Verdict } from '../domain/evidence/statements.ts';
import type { LogState } from '../domain/log/state.ts';
import type { ChangeStatus, Phase } from '../workflows/contract.ts';
import { approversOf, type ChangeStory, isAbout } from './audit/timeline.ts';
import type { AutomationStatus, ScopeStatus } from './brakes.ts';

/** What an operator has to know after a freeze, or before one: all that is read, and what follows from it. */
export interface Assessment {
  environment: string;
  /** RFC 3339 UTC. */
  at: string;
  /** Entries of the log that it is about. */
  size: number;
  /** The one resource that was asked about; null for everything. */
  resource: string | null;
  /** Why the engine was not asked; then everything is as the log knows it. */
  engineAway: string | null;
  /** Scopes that are not active. */
  automation: AutomationStatus;
  changes: OpenChange[];
  anomalies: Anomaly[];
  /** Canary arms of documents that part of the consumers have. */
  exposures: Exposure[];
  /** What zones, or their records, are not as the log says. */
  drift: Drift[];
  /** The last changes to what is affected, newest first. */
  resources: AffectedResource[];
  next: NextStep;
}

export interface OpenChange {
  changeId: string;
  author: string;
  phase: Phase;
  resources: string[];
  /** Stage that may be live; null when nothing of it is. */
  stage: string | null;
  /** Why it does not move, and who can unblock it; null while it moves. */
  waits: { why: string; who: string } | null;
}

export interface Anomaly {
  changeId: string;
  stage: string;
  verdict: Extract<Verdict, 'fail' | 'inconclusive'>;
  reasons: string[];
}

export interface Exposure {
  resource: string;
  changeId: string;
  version: string | null;
  percent: number;
  zones: string[];
  /** Of the entry that exposed it. */
  index: number;
}

export interface Drift {
  rule: string;
  /** A change, a resource or a zone. */
  subject: string;
  message: string;
  remedy: string;
}

export interface AffectedResource {
  resource: string;
  changes: LastChange[];
}

export interface LastChange {
  changeId: string;
  author: string;
  approvedBy: string[];
  /** `open` while it has no end. */
  state: 'open' | NonNullable<ChangeStory['ended']>['status'];
  at: string;
  index: number;
  /** The command that makes the resource as it was before; null where nothing was there, or it is not live. */
  wayBack: string | null;
}

/** One step of the loop freeze, assess, plan, apply, validate, resume. */
export interface NextStep {
  step: 'freeze' | 'plan' | 'apply' | 'validate' | 'resume' | 'none';
  why: string;
  /** Null where nothing is to be done. */
  command: string | null;
}

/** A commit of a resource, as the log has them in order. */
export interface CommittedMove {
  resource: string;
  changeId: string;
  index: number;
}

export interface AssessInput {
  environment: string;
  nowMs: number;
  resource: string | null;
  state: Pick<LogState, 'size' | 'live'>;
  automation: AutomationStatus;
  engineAway: string | null;
  /** Of every open change, from the engine or from the log. */
  statuses: readonly ChangeStatus[];
  stories: readonly ChangeStory[];
  /** In the order of the log. */
  moves: readonly CommittedMove[];
  drift: readonly Drift[];
}

/** So many of the last changes to a resource, and so many resources when nothing in particular is affected. */
const LAST_CHANGES = 3;
const LAST_RESOURCES = 5;

/** Pure: everything at once, and the one step that comes next. Never throws. */
export function assess(input: AssessInput): Assessment {
  const { environment, resource, engineAway, state } = input;
  const isAsked = (one: string) => resource === null || one === resource;
  const statuses = input.statuses.filter(
    ({ resources }) => resource === null || resources.includes(resource),
  );
  const automation = {
    ...input.automation,
    scopes: input.automation.scopes.filter((scope) => scope.state !== 'active'),
  };
  const changes = statuses.map((status) => openChange(status, automation.scopes));
  const anomalies = statuses.flatMap(anomaliesOf);
  const exposures = exposuresIn(state.live).filter((one) => isAsked(one.resource));
  const drift = input.drift.filter(({ subject }) => resource === null || isAboutResource(subject, resource));
  const names = resource === null ? affected(input, { changes, exposures, drift, automation }) : [resource];
  const resources = names.map((one) => ({ resource: one, changes: lastChanges(one, input) }));
  const found = { automation, changes, anomalies, exposures, drift, resources };
  const at = new Date(input.nowMs).toISOString();
  return { environment, at, size: state.size, resource, engineAway, ...found, next: nextStep(found, input) };
}

function openChange(status: ChangeStatus, scopes: readonly ScopeStatus[]): OpenChange {
  const { changeId, author, phase, resources, held, waitingFor, stages } = status;
  const holding = scopes.find(({ holds }) => holds.includes(changeId));
  const frozen = holding && {
    why: `${holding.state} since entry ${holding.index} by ${holding.operator}: ${holding.reason}`,
    who: 'an operator: automation resume',
  };
  const told = held
    ? { why: held.why, who: held.next }
    : waitingFor && { why: waitingFor.what, who: waitingFor.who };
  // From its intent on; a stage that waits for its turn has none.
  const live = stages.findLast(({ intentIndex }) => intentIndex !== undefined);
  return {
    ...{ changeId, author, phase, resources },
    stage: live?.name ?? null,
    waits: told ?? frozen ?? null,
  };
}

/** The newest verdict on what is live, unless it is good. */
function anomaliesOf({ changeId, stages }: ChangeStatus): Anomaly[] {
  const judged = stages.findLast(({ verdict }) => verdict !== undefined);
  const { verdict, reasons } = judged?.verdict ?? { verdict: 'pass', reasons: [] };
  if (judged === undefined || verdict === 'pass') return [];
  return [{ changeId, stage: judged.name, verdict, reasons }];
}

function exposuresIn(live: LogState['live']): Exposure[] {
  return Object.entries(live).flatMap(([resource, { canary }]) => {
    if (canary === null) return [];
    const { changeId, version, percent, zones, index } = canary;
    return [{ resource, changeId, version, percent, zones, index }];
  });
}

/** A zone is where its records are. */
function isAboutResource(subject: string, resource: string): boolean {
  return subject === resource || resource.startsWith(`dns/${subject}/`);
}

type Found = Pick<Assessment, 'automation' | 'changes' | 'anomalies' | 'exposures' | 'drift' | 'resources'>;

/** What something is going on with; where that is nothing, what changed last. */
function affected(
  { state, moves }: AssessInput,
  { changes, exposures, drift, automation }: Omit<Found, 'resources' | 'anomalies'>,
): string[] {
  const names = [
    ...changes.filter(({ stage }) => stage !== null).flatMap(({ resources }) => resources),
    ...exposures.map(({ resource }) => resource),
    ...drift.map(({ subject }) => subject).filter((subject) => Object.hasOwn(state.live, subject)),
    ...automation.scopes.flatMap(({ scope }) =>
      scope !== null && 'resource' in scope ? scope.resource : [],
    ),
  ];
  if (names.length > 0) return [...new Set(names)].sort();
  const newestFirst = moves.toReversed().map(({ resource }) => resource);
  return [...new Set(newestFirst)].slice(0, LAST_RESOURCES);
}

function lastChanges(resource: string, { stories, moves }: AssessInput): LastChange[] {
  const committed = moves.filter((move) => move.resource === resource);
  return stories
    .filter((story) => isAbout(story, { resource }))
    .map((story): LastChange => {
      const { changeId, author, requestedAt, requestIndex, ended } = story;
      const position = committed.findIndex((move) => move.changeId === changeId);
      const before = committed[position - 1];
      return {
        ...{ changeId, author, approvedBy: approversOf(story), state: ended?.status ?? 'open' },
        ...{ at: ended?.at ?? requestedAt, index: ended?.index ?? requestIndex },
        wayBack: before ? revertTo(resource, before.index) : null,
      };
    })
    .sort((a, b) => b.index - a.index)
    .slice(0, LAST_CHANGES);
}

function revertTo(resource: string, index: number): string {
  return ['resilience-ctl revert', resource, `--to entry:${index}`].join(' ');
}

const FREEZE = 'resilience-ctl automation freeze --reason TEXT';
const STATUS = 'resilience-ctl automation status --verbose';

function nextStep(found: Found, { engineAway }: AssessInput): NextStep {
  const { automation, anomalies, drift } = found;
  const frozen = automation.scopes.filter(({ state }) => state === 'frozen');
  const [scope] = automation.scopes;
  if (automation.unreadable !== null) {
    const why = 'Nobody can tell what is frozen, so everything counts as frozen: bring the log back first.';
    return { step: 'freeze', why, command: 'resilience-ctl doctor' };
  }
  const wrong = anomalies.length + drift.length;
  if (scope === undefined) {
    return wrong > 0
      ? { step: 'freeze', why: 'Something is wrong, and nothing is frozen.', command: FREEZE }
      : { step: 'none', why: 'Nothing is frozen, and nothing that is live is judged bad.', command: null };
  }
  if (frozen.some(({ zones }) => zones.some(({ effective }) => !effective))) {
    const why = 'The freeze is not effective yet: a batch that was on its way before it may still land.';
    return { step: 'freeze', why, command: STATUS };
  }
  return mend(found, frozen) ?? goOn(found, scope, engineAway);
}

/** What is wrong goes back or is mended before anything goes on. */
function mend({ anomalies, drift }: Found, frozen: readonly ScopeStatus[]): NextStep | null {
  const [anomaly] = anomalies;
  if (anomaly) {
    const { changeId, stage, verdict } = anomaly;
    const hard = frozen.some((scope) => scope.hard);
    return {
      step: 'apply',
      why: hard
        ? `${changeId} is ${verdict} at ${stage}, and the hard freeze refuses its way back too: freeze again without --hard, then abort it.`
        : `${changeId} is ${verdict} at ${stage}: it may go back while frozen.`,
      command: hard ? FREEZE : `resilience-ctl abort ${changeId} --reason TEXT`,
    };
  }
  const [drifted] = drift;
  if (drifted === undefined) return null;
  const why = `${drifted.message} ${drifted.remedy}`;
  return { step: 'plan', why, command: 'resilience-ctl plan FILE' };
}

/** Nothing that can be seen from here is wrong. */
function goOn({ changes, resources }: Found, scope: ScopeStatus, engineAway: string | null): NextStep {
  if (scope.state === 'resuming') {
    const why = 'It is being released one availability zone after another, each after a verdict.';
    return { step: 'validate', why, command: STATUS };
  }
  if (engineAway !== null) {
    const why = 'Nothing moves while the engine is away, also when it is resumed: bring it back first.';
    return { step: 'validate', why, command: 'resilience-ctl doctor' };
  }
  const command = ['resilience-ctl automation resume', flagOf(scope.scope), '--reason TEXT'].join(' ');
  const why = `Nothing that is live is judged bad.${suspect({ changes, resources })}`;
  return { step: 'resume', why, command };
}

/** What moved last may be the cause although nobody judged it so: how to send it back, or an empty text. */
function suspect({ changes, resources }: Pick<Found, 'changes' | 'resources'>): string {
  const live = changes.find(({ stage }) => stage !== null);
  if (live) {
    const { changeId, stage } = live;
    return ` If ${changeId}, which may be live at ${stage}, is the cause, send it back first: resilience-ctl abort ${changeId} --reason TEXT`;
  }
  const newest = resources.flatMap((one) => one.changes).toSorted((a, b) => b.index - a.index)[0];
  if (newest?.state !== 'committed' || newest.wayBack === null) return '';
  return ` If ${newest.changeId} was the cause after all, resume and submit its way back: ${newest.wayBack}`;
}

function flagOf(scope: FreezeScope | null): string {
  if (scope === null) return '--gradual';
  if ('zone' in scope) return `--zone ${scope.zone}`;
  if ('az' in scope) return `--az ${scope.az}`;
  if ('resource' in scope) return `--resource ${scope.resource}`;
  return `--kind ${scope.kind}`;
}
