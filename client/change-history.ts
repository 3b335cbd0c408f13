import type { ControlPlaneParts } from './control-plane-parts.ts';
import { type LogLine, readLogLine } from './log-line.ts';
import { unknownChange } from './unknown-change.ts';

export async function history(parts: ControlPlaneParts, changeId: string): Promise<LogLine[]> {
  const lines: LogLine[] = [];
  for await (const line of logLines(parts, 0)) if (line.changeId === changeId) lines.push(line);
  if (lines.length === 0) throw unknownChange(changeId);
  return lines;
}

export async function* logLines(parts: ControlPlaneParts, from: number): AsyncGenerator<LogLine> {
  for await (const entry of parts.log.entries(from)) yield readLogLine(entry);
}
