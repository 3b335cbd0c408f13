import { scopeText } from '../../domain/log/freeze-scope.ts';
import type { AutomationStatus, RecordedState, ScopeStatus, ZoneUnderFreeze } from '../brakes.ts';
import type { Style } from './style.ts';
import { duration, localTime } from './time-text.ts';

const COLOUR = { frozen: 'red', resuming: 'yellow', active: 'green' } as const;

export function recordedText(
  { index, scope, at, recordedMs }: Omit<RecordedState, 'engineAway'>,
  state: ScopeStatus['state'],
  style: Style,
): string {
  const what = style(COLOUR[state], state === 'active' ? 'active again' : state);
  return `${capital(scopeText(scope))} is ${what}: recorded at entry ${index}, ${localTime(at)}, after ${duration(recordedMs)}.\n`;
}

export function resumedText(
  resumed: Omit<RecordedState, 'engineAway'> & {
    state: 'active' | 'resuming';
    order: string[] | null;
    stillFrozen: string[];
    engineAway: string | null;
  },
  style: Style,
): string {
  const { state, order, stillFrozen, engineAway } = resumed;
  const lines = [recordedText(resumed, state, style).trimEnd()];
  if (engineAway !== null) {
    lines.push(
      `Nothing is released yet: ${engineAway}`,
      'Run the same command again when the engine is back.',
    );
  } else if (order !== null) {
    lines.push(
      `Released in the order ${order.join(', ')}, each after a verdict. Follow it: resilience-ctl automation status --verbose`,
    );
  }
  if (stillFrozen.length > 0) lines.push(`Still frozen: ${stillFrozen.join(', ')}.`);
  return `${lines.join('\n')}\n`;
}

/** Whether batches that were on their way when it was recorded are refused. */
export function effectText(
  { index }: Pick<RecordedState, 'index'>,
  zones: readonly ZoneUnderFreeze[],
  engineAway: string | null,
  style: Style,
): string {
  if (zones.length === 0)
    return 'Effective: nothing in its scope writes to a zone, and the log stops the rest.\n';
  const lines = zones.map(({ zone, fence, afterMs }) =>
    afterMs === null
      ? `${style('yellow', 'Not effective yet')} in zone ${zone} (fence ${fence ?? 'unknown'}).`
      : `${style('green', 'Effective')} in zone ${zone} after ${duration(afterMs)}: fence ${fence}.`,
  );
  if (zones.every(({ effective }) => effective)) return `${lines.join('\n')}\n`;
  return [
    ...lines,
    `What is recorded already stops every new forward effect; a batch that was on its way before entry ${index} may still land there.`,
    'The enactor replaces the fences by itself as soon as it reads the log: start it, or see why it does not.',
    ...(engineAway === null ? [] : [`Nobody could hurry it: ${engineAway}`]),
    '',
  ].join('\n');
}

export function automationText(
  { environment, state, unreadable, scopes }: AutomationStatus,
  { verbose, nowMs }: { verbose: boolean; nowMs: number },
  style: Style,
): string {
  if (unreadable !== null) {
    return `${environment} counts as ${style('red', 'frozen')}, because nobody can tell: ${unreadable}\n`;
  }
  const lines = [`${style('bold', environment)} is ${style(COLOUR[state], state)}.`];
  const shown = verbose ? scopes : scopes.filter((scope) => scope.state !== 'active');
  for (const scope of shown) lines.push('', ...scopeLines(scope, { verbose, nowMs }, style));
  return `${lines.join('\n')}\n`;
}

function scopeLines(
  { scope, state, index, operator, reason, at, hard, rollBack, zones, holds, gradual }: ScopeStatus,
  { verbose, nowMs }: { verbose: boolean; nowMs: number },
  style: Style,
): string[] {
  const how = [
    ...(hard ? ['hard: rollbacks are refused too'] : []),
    ...(rollBack ? ['changes go back'] : []),
  ];
  const lines = [
    `${style(COLOUR[state], state.padEnd(8))}  ${scopeText(scope)}${how.length > 0 ? ` (${how.join(', ')})` : ''}`,
    `          entry ${index} by ${operator}, ${localTime(at)}, ${duration(nowMs - Date.parse(at))} ago: ${reason}`,
    ...zones.map(({ zone, fence, effective }) =>
      effective
        ? `          effective in zone ${zone}: fence ${fence}`
        : `          ${style('yellow', 'not effective yet')} in zone ${zone}: fence ${fence ?? 'unknown'}`,
    ),
  ];
  if (holds.length > 0) lines.push(`          open changes in scope: ${holds.join(', ')}`);
  if (gradual === null) return lines;
  const { released, order, next, verdicts } = gradual;
  lines.push(
    `          released ${released.length} of ${order.length}: ${released.join(', ') || 'none yet'}`,
  );
  if (next !== null) lines.push(`          next: ${next}`);
  if (verbose) {
    for (const { az, verdict, reasons, index: of, at: when } of verdicts)
      lines.push(`          entry ${of}, ${localTime(when)}: ${verdict} for ${az}: ${reasons.join('; ')}`);
  }
  return lines;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
