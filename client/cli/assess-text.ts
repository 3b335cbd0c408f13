import type { Assessment, Exposure, LastChange, OpenChange } from '../assess.ts';
import { automationText } from './automation-text.ts';
import type { Style } from './style.ts';
import { duration, localTime } from './time-text.ts';

/** One page: what is frozen, what is open, what is wrong, what changed last, and what comes next. */
export function assessmentText(found: Assessment, nowMs: number, style: Style): string {
  const { automation, engineAway, changes, anomalies, exposures, drift, resources, next } = found;
  const title = (text: string) => ['', style('bold', text)];
  return [
    automationText(automation, { verbose: false, nowMs }, style).trimEnd(),
    ...(engineAway === null
      ? []
      : [style('yellow', `The engine is away; this is what the log knows. ${engineAway}`)]),
    ...title(changes.length === 0 ? 'No open changes' : `Open changes (${changes.length})`),
    ...changes.flatMap((change) => changeLines(change, style)),
    ...title(
      anomalies.length + exposures.length === 0
        ? 'Nothing that is live is judged bad'
        : 'Live and to be watched',
    ),
    ...anomalies.map(
      ({ changeId, stage, verdict, reasons }) =>
        `  ${style('red', verdict)}  ${changeId} at ${stage}: ${reasons.join('; ')}`,
    ),
    ...exposures.map(exposureLine),
    ...title(drift.length === 0 ? 'Zones are as the log says' : `Drift (${drift.length})`),
    ...drift.flatMap(({ rule, subject, message, remedy }) => [
      `  ${style('red', rule)}  ${subject}: ${message}`,
      `    ${remedy}`,
    ]),
    ...resources.flatMap((one) => [
      ...title(`Last changes to ${one.resource}`),
      ...(one.changes.length === 0
        ? ['  none in the log']
        : one.changes.flatMap((last) => lastLines(last, nowMs))),
    ]),
    ...title(`Next: ${next.step === 'none' ? 'nothing' : next.step}`),
    `  ${next.why}`,
    ...(next.command === null ? [] : [`  ${next.command}`]),
    '  The loop: freeze, assess, plan, apply, validate, resume (docs/runbooks/incident.md).',
    '',
  ].join('\n');
}

function changeLines(
  { changeId, author, phase, resources, stage, waits }: OpenChange,
  style: Style,
): string[] {
  const live = stage === null ? 'nothing live' : `${stage} may be live`;
  return [
    `  ${changeId}  ${style('cyan', phase)}, ${live}, by ${author}: ${resources.join(', ')}`,
    ...(waits === null
      ? []
      : [`    ${style('yellow', 'waits for')} ${waits.why}`, `    unblocked by ${waits.who}`]),
  ];
}

function exposureLine({ resource, changeId, version, percent, zones, index }: Exposure): string {
  const whom = zones.length > 0 ? zones.join(', ') : `${percent} % of consumers`;
  return `  ${resource} ${version ?? 'removed'} for ${whom} since entry ${index}, by ${changeId}`;
}

function lastLines(
  { changeId, author, approvedBy, state, at, index, wayBack }: LastChange,
  nowMs: number,
): string[] {
  const ago = duration(nowMs - Date.parse(at));
  const allowed = approvedBy.length === 0 ? 'approved by nobody' : `approved by ${approvedBy.join(', ')}`;
  return [
    `  ${localTime(at)} (${ago} ago)  ${state}  entry ${index}  ${changeId} by ${author}, ${allowed}`,
    ...(wayBack === null ? [] : [`    back: ${wayBack}`]),
  ];
}
