import type { Digest } from '../domain/evidence/canonical-json.ts';
import { openEnvelope } from '../domain/evidence/statement-codec.ts';
import { isWithdrawal } from '../domain/log/entry.ts';
import { movesIn } from '../domain/log/override-authority.ts';
import type { ChangeStatus, Phase, StageStatus } from '../workflows/contract.ts';
import type { LogLine } from './log-line.ts';

/** What the log alone knows; the names of the bodies that know the rest. */
export type RecordedStatus = ChangeStatus & { requestDigest: Digest };

/** One change's status from its entries alone; null when none of them is an honoured request. */
export function statusFromLog(lines: readonly LogLine[]): RecordedStatus | null {
  let status: RecordedStatus | null = null;
  for (const line of lines) {
    if (line.fate !== 'honoured' || line.statement === null) continue;
    if (line.statement.type === 'request') status ??= emptyStatus(line.statement.predicate);
    if (line.statement.type === 'override-intent') {
      status ??= overrideStatus(line.statement.predicate, line.statement.predicate.resources);
    }
    if (line.statement.type === 'override-commit') {
      status ??= overrideStatus(line.statement.predicate, movesIn(line.statement.predicate));
    }
    if (status !== null) apply(status, line.statement, line.index);
  }
  return status;
}

type Said = NonNullable<LogLine['statement']>;

function emptyStatus(
  request: Pick<
    Extract<Said, { type: 'request' }>['predicate'],
    'changeId' | 'environment' | 'author' | 'requestDigest'
  >,
): RecordedStatus {
  return {
    changeId: request.changeId,
    environment: request.environment,
    author: request.author,
    reason: '',
    phase: 'submitted',
    held: null,
    waitingFor: null,
    resources: [],
    risk: null,
    planDigest: null,
    votes: [],
    approvalsNeeded: 0,
    approvals: [],
    stages: [],
    undo: [],
    violations: [],
    timeline: [],
    requestDigest: request.requestDigest,
  };
}

/** Break-glass goes through no phases: it is under way, then live or not, and its review waits for a third person. */
function overrideStatus(
  intent: Extract<Said, { type: 'override-intent' | 'override-commit' }>['predicate'],
  resources: readonly { resource: string }[],
): RecordedStatus {
  const opened = openEnvelope(intent.override);
  const said = opened.type === 'override' ? opened.predicate : null;
  const author = said?.author ?? '';
  return {
    ...emptyStatus({ ...intent, author }),
    reason: said === null ? '' : `Break-glass over ${said.guards.join(', ')}: ${said.reason}`,
    resources: resources.map(({ resource }) => resource),
    planDigest: intent.planDigest,
    approvals: (said?.approvers ?? []).map((approver) => ({ approver, decision: 'approve', at: intent.at })),
    phase: 'stages',
    waitingFor: {
      what: 'its review',
      who: `a third person, neither ${[...new Set([author, ...(said?.approvers ?? [])])].join(' nor ')}, with \`resilience-ctl override review ${intent.changeId} --close --reason TEXT\``,
    },
    timeline: [{ phase: 'stages', at: intent.at }],
  };
}

function apply(status: RecordedStatus, said: Said, index: number): void {
  switch (said.type) {
    case 'request':
      enter(status, 'submitted', said.predicate.at);
      return;
    case 'plan':
      status.planDigest = said.predicate.planDigest;
      status.resources = said.predicate.resources;
      enter(status, 'plan', said.predicate.at);
      return;
    case 'vote': {
      const { voter, decision, reasons, at } = said.predicate;
      status.votes = [...status.votes.filter((vote) => vote.voter !== voter), { voter, decision, reasons }];
      if (status.phase === 'plan') enter(status, 'quorum', at);
      return;
    }
    case 'acceptance': {
      const { approver, decision, accepted, at } = said.predicate;
      if (accepted) status.approvals.push({ approver, decision, at });
      if (status.phase === 'plan' || status.phase === 'quorum') enter(status, 'approval', at);
      return;
    }
    case 'intent':
      enter(status, 'stages', said.predicate.at);
      status.stages.push({
        name: said.predicate.stage,
        percent: Number.parseInt(said.predicate.stage, 10) || 100,
        state: 'applying',
        intentIndex: index,
      });
      return;
    case 'outcome':
      applyOutcome(status, said.predicate);
      return;
    case 'stage-verdict': {
      const { verdict, reasons, intentIndex } = said.predicate;
      amendStage(status, intentIndex, { verdict: { verdict, reasons }, state: STATE_OF_VERDICT[verdict] });
      return;
    }
    case 'commit':
      applyCommit(status, said.predicate);
      return;
    case 'override-outcome': {
      const { result, at } = said.predicate;
      enter(status, result === 'applied' ? 'committed' : 'rejected', at);
      return;
    }
    case 'override-commit':
      enter(status, 'committed', said.predicate.at);
      return;
    case 'review':
      status.waitingFor = null;
      return;
    case 'end':
      status.violations = said.predicate.reasons;
      // An aborted change is rolled back if anything of it was applied.
      enter(status, endPhase(status, said.predicate.status), said.predicate.at);
      return;
    case 'trust':
    case 'approval':
    case 'mfa':
    case 'factor-lock':
    case 'override':
    case 'override-intent':
    case 'command':
    case 'ruling':
    case 'freeze':
    case 'fence':
    case 'recovery':
    case 'resumption':
    case 'snapshot':
    case 'version':
      return;
  }
}

const STATE_OF_VERDICT = { pass: 'passed', fail: 'failed', inconclusive: 'inconclusive' } as const;

function applyOutcome(
  status: RecordedStatus,
  outcome: Extract<Said, { type: 'outcome' }>['predicate'],
): void {
  if (outcome.direction === 'rollback') {
    enter(status, 'rolling-back', outcome.at);
    return;
  }
  const applied = outcome.result === 'applied';
  amendStage(
    status,
    outcome.intentIndex,
    applied ? { state: 'baking', appliedAt: outcome.at } : { state: 'failed' },
  );
}

/** Documents have no outside target: their exposure is the outcome of its stage. */
function applyCommit(
  status: RecordedStatus,
  { rollout, at }: Extract<Said, { type: 'commit' }>['predicate'],
): void {
  if (rollout === null) enter(status, 'committed', at);
  else if (isWithdrawal(rollout)) enter(status, 'rolling-back', at);
  else {
    const live = status.stages.findLast((stage) => stage.name === rollout.stage);
    if (live?.intentIndex !== undefined)
      amendStage(status, live.intentIndex, { state: 'baking', appliedAt: at });
  }
}

function amendStage(status: RecordedStatus, intentIndex: number, amendment: Partial<StageStatus>): void {
  status.stages = status.stages.map((stage) =>
    stage.intentIndex === intentIndex ? { ...stage, ...amendment } : stage,
  );
}

function endPhase(status: RecordedStatus, ended: 'rejected' | 'rolled-back' | 'aborted'): Phase {
  if (ended !== 'aborted') return ended;
  return status.stages.length > 0 ? 'rolled-back' : 'rejected';
}

function enter(status: RecordedStatus, phase: Phase, at: string): void {
  if (status.phase === phase && status.timeline.length > 0) return;
  status.phase = phase;
  status.timeline.push({ phase, at });
}
