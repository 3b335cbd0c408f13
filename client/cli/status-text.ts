import type { ChangeStatus, Phase, StageStatus } from '../../workflows/contract.ts';
import { violationsText } from './error-text.ts';
import type { Style } from './style.ts';
import { duration, localTime } from './time-text.ts';

const BAR_WIDTH = 24;

export interface StatusTextOptions {
  nowMs: number;
  style: Style;
  /** Also the timeline, the reasons of each vote and what a rollback would do. */
  verbose?: boolean;
}

/** Where a change stands, why it waits and who can unblock it. */
export function statusText(
  status: ChangeStatus,
  { nowMs, style, verbose = false }: StatusTextOptions,
): string {
  return [
    `${style('bold', status.changeId)}  ${phaseText(status.phase, style)}  ${status.environment}, by ${status.author}`,
    ...(status.reason === '' ? [] : [style('dim', `  ${status.reason}`)]),
    ...status.resources.map((resource) => `  ${resource}`),
    ...riskLines(status, style),
    ...voteLines(status, style, verbose),
    ...approvalLines(status, style, verbose),
    ...status.stages.flatMap((stage) => stageLines(stage, status, { nowMs, style, verbose })),
    ...waitingLines(status, style),
    ...(verbose ? verboseLines(status, style) : []),
    '',
  ]
    .join('\n')
    .concat(violationsText(status.violations, style));
}

function phaseText(phase: Phase, style: Style): string {
  if (phase === 'committed') return style('green', phase);
  if (phase === 'rejected' || phase === 'rolled-back' || phase === 'rolling-back') return style('red', phase);
  return style('cyan', phase);
}

function riskLines({ risk }: ChangeStatus, style: Style): string[] {
  return risk === null ? [] : [`  ${style('bold', 'risk')}       ${risk.score}/100, ${risk.class}`];
}

function voteLines({ votes }: ChangeStatus, style: Style, verbose: boolean): string[] {
  if (votes.length === 0) return [];
  const colour = {
    yes: 'green',
    no: 'red',
    veto: 'red',
    'no-answer': 'yellow',
    'not-needed': 'dim',
  } as const;
  const each = votes.map(({ voter, decision }) => `${voter} ${style(colour[decision], decision)}`);
  const reasons = verbose ? votes.flatMap((vote) => vote.reasons) : [];
  return [
    `  ${style('bold', 'votes')}      ${each.join('  ')}`,
    ...reasons.map((reason) => `             ${reason.rule}: ${reason.message}`),
  ];
}

function approvalLines(
  { approvals, approvalsNeeded }: ChangeStatus,
  style: Style,
  verbose: boolean,
): string[] {
  if (approvalsNeeded === 0 && approvals.length === 0) return [];
  const given = approvals.filter(({ decision }) => decision === 'approve').length;
  const each = approvals.map(
    ({ approver, decision, at, reason }) =>
      `${approver} ${decision}${verbose ? ` ${localTime(at)}` : ''}${reason ? ` (${reason})` : ''}`,
  );
  return [`  ${style('bold', 'approvals')}  ${given} of ${approvalsNeeded}  ${each.join('  ')}`.trimEnd()];
}

/** Why a stage passed is for whoever asks; why it did not, in short, for everybody. */
function stageLines(
  stage: StageStatus,
  status: ChangeStatus,
  { nowMs, style, verbose = false }: StatusTextOptions,
): string[] {
  const colour = {
    passed: 'green',
    failed: 'red',
    inconclusive: 'yellow',
    baking: 'cyan',
    applying: 'cyan',
  } as const;
  const state = stage.state === 'pending' ? style('dim', 'pending') : style(colour[stage.state], stage.state);
  const share = stage.state === 'pending' ? 0 : stage.percent;
  const bake = ended(status) ? '' : bakeText(stage, nowMs);
  const reasons = stage.verdict?.reasons ?? [];
  const [why = ''] = verbose || stage.state === 'passed' ? [] : reasons;
  const line = `  ${stage.name.padEnd(6)} ${bar(share / 100)} ${String(stage.percent).padStart(3)} %  ${state}  ${bake}${why}`;
  return [line.trimEnd(), ...(verbose ? reasons.map((reason) => `             ${reason}`) : [])];
}

function bakeText({ state, appliedAt, bakeEndsAt }: StageStatus, nowMs: number): string {
  if (state !== 'baking' || appliedAt === undefined || bakeEndsAt === undefined) return '';
  const [startMs, endMs] = [Date.parse(appliedAt), Date.parse(bakeEndsAt)];
  const done = endMs > startMs ? (nowMs - startMs) / (endMs - startMs) : 1;
  const left = endMs > nowMs ? `${duration(endMs - nowMs)} left` : 'judging';
  return `${bar(done)} ${left}  `;
}

/** Eighths of a character, so that one percent is already to be seen. */
export function bar(share: number, width = BAR_WIDTH): string {
  const eighths = Math.round(Math.min(1, Math.max(0, share)) * width * 8);
  const part = eighths % 8 === 0 ? '' : ' ▏▎▍▌▋▊▉'.charAt(eighths % 8);
  return `${'█'.repeat(Math.floor(eighths / 8))}${part}`.padEnd(width, '░');
}

function waitingLines({ held, waitingFor }: ChangeStatus, style: Style): string[] {
  const lines: string[] = [];
  if (held) {
    lines.push(
      `  ${style('yellow', 'held')}       ${held.why}`,
      `  ${style('bold', 'next')}       ${held.next}`,
    );
  }
  if (waitingFor) {
    // What holds a change is what it waits for: said once.
    if (waitingFor.what !== held?.why) lines.push(`  ${style('yellow', 'waits for')}  ${waitingFor.what}`);
    lines.push(`  ${style('bold', 'unblocked')}  by ${waitingFor.who}`);
  }
  return lines;
}

function verboseLines({ timeline, undo, planDigest, risk }: ChangeStatus, style: Style): string[] {
  return [
    ...(planDigest === null ? [] : [`  ${style('bold', 'plan')}       ${planDigest}`]),
    ...(risk?.reasons ?? []).map(({ points, reason }) => `             +${points}  ${reason}`),
    ...timeline.map(({ phase, at }) => `  ${localTime(at)}  ${phase}`),
    ...undo.map(
      ({ input }) =>
        `  ${style('bold', 'undo')}       stage ${input.stage}, authorised by entry ${input.intentIndex}`,
    ),
  ];
}

export function ended({ phase }: ChangeStatus): boolean {
  return phase === 'committed' || phase === 'rejected' || phase === 'rolled-back';
}

/** What is new since the last look, one line an event: for pipes, files and screen readers. */
export function eventsSince(before: ChangeStatus | null, now: ChangeStatus): string[] {
  const timed = [
    ...now.timeline.slice(before?.timeline.length ?? 0).map(({ phase, at }) => ({ at, text: phase })),
    ...now.approvals
      .slice(before?.approvals.length ?? 0)
      .map(({ approver, decision, at }) => ({ at, text: `${decision} by ${approver}` })),
  ]
    .sort((a, b) => (a.at < b.at ? -1 : a.at > b.at ? 1 : 0))
    .map(({ at, text }) => `${localTime(at)}  ${text}`);
  const untimed = [...voteEvents(before, now), ...stageEvents(before, now)];
  // What a phase brought comes before the next phase; on the first look the phases tell the story.
  return [...(before === null ? [...timed, ...untimed] : [...untimed, ...timed]), ...waitEvents(before, now)];
}

function voteEvents(before: ChangeStatus | null, now: ChangeStatus): string[] {
  return now.votes
    .filter(({ voter, decision }) => before?.votes.find((one) => one.voter === voter)?.decision !== decision)
    .map(({ voter, decision, reasons }) => `vote  ${voter} ${decision}${because(reasons)}`);
}

function stageEvents(before: ChangeStatus | null, now: ChangeStatus): string[] {
  return now.stages
    .filter(
      ({ name, state }) => state !== (before?.stages.find((one) => one.name === name)?.state ?? 'pending'),
    )
    .map(({ name, state, verdict }) => {
      const reasons = (verdict?.reasons ?? []).map((message) => ({ message }));
      return `stage ${name}  ${state}${because(reasons)}`;
    });
}

function waitEvents(before: ChangeStatus | null, { held, waitingFor }: ChangeStatus): string[] {
  const events: string[] = [];
  if (held && held.why !== before?.held?.why) events.push(`held  ${held.why}  next: ${held.next}`);
  const said = [before?.waitingFor?.what, held?.why];
  if (waitingFor && !said.includes(waitingFor.what)) {
    events.push(`waits for ${waitingFor.what}; unblocked by ${waitingFor.who}`);
  }
  return events;
}

function because(reasons: readonly { message: string }[]): string {
  return reasons.length === 0 ? '' : `: ${reasons.map(({ message }) => message).join('; ')}`;
}
