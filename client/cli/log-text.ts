import type { ChangeSummary } from '../control-plane.ts';
import type { LogLine } from '../log-line.ts';
import type { Style } from './style.ts';
import { localTime } from './time-text.ts';

/** One entry in one line; what does not count says so, and why. */
export function logLineText(line: LogLine, style: Style): string {
  const time = line.at === null ? '-'.padEnd(30) : localTime(line.at);
  const type = (line.statement?.type ?? '?').padEnd(13);
  const fate = line.fate === 'honoured' ? '' : `  ${style('red', `${line.fate}: ${line.fateReason}`)}`;
  const change = (line.changeId ?? '-').padEnd(16);
  const about = style('dim', `(${line.signer})`);
  return `${String(line.index).padStart(6)}  ${time}  ${style('cyan', type)}  ${change}  ${line.summary}  ${about}${fate}\n`;
}

export function summaryText(change: ChangeSummary, style: Style): string {
  const colour =
    change.state === 'open' || change.state === 'in-review'
      ? 'yellow'
      : change.state === 'committed'
        ? 'green'
        : 'red';
  const index = String(change.index).padStart(6);
  const by = [change.author, ...change.resources].filter((part) => part !== null).join('  ');
  return (
    `${index}  ${change.changeId.padEnd(16)}  ${style(colour, change.state.padEnd(11))}  ${by}`.trimEnd() +
    '\n'
  );
}
