import type { ReconciledFinding, Reconciliation, Recovery } from '../../workflows/contract.ts';
import type { Style } from './style.ts';
import { localTime } from './time-text.ts';

/** DESIGN §8: 0 when nothing is left to do, 10 when a person is needed, 9 when only a zone did not answer. */
export function reconciliationExit({ findings }: Reconciliation): number {
  const left = findings.filter(isLeft);
  if (left.length === 0) return 0;
  return left.every(({ rule }) => rule === 'unread-zone') ? 9 : 10;
}

function isLeft({ done }: ReconciledFinding): boolean {
  return done === 'nothing' || done === 'failed';
}

/** What was found, what was done about it, and what is left for a person. */
export function reconciliationText(found: Reconciliation, style: Style): string {
  const { at, size, openChanges, zones, findings, foundInAll } = found;
  const read = `${counted(size, 'entry', 'entries')}, ${counted(openChanges, 'open change')}, ${counted(zones, 'zone')}`;
  if (foundInAll === 0) return `Everything agrees (${read}).\n`;
  const left = findings.filter(isLeft).length;
  const omitted = foundInAll - findings.length;
  const lines = [
    `${counted(foundInAll, 'finding')} at ${localTime(at)} (${read})`,
    '',
    ...findings.flatMap((finding) => findingLines(finding, style)),
    ...(omitted > 0 ? [`  and ${omitted} more`, ''] : []),
    left > 0 ? `${left} of them for a person.` : 'Nothing is left for a person to do.',
  ];
  return `${lines.join('\n')}\n`;
}

/** The fences first: from then on nothing of the old engine can land. */
export function recoveryText(recovered: Recovery & { index: number }, style: Style): string {
  const { index, raised } = recovered;
  const fences = raised.map(({ zone, fence }) => `  ${zone.padEnd(WIDE)}  fence ${fence}`);
  const lines = [
    `Recovery recorded at entry ${index}. What was in flight before it is refused:`,
    ...fences,
    '',
  ];
  return `${lines.join('\n')}\n${reconciliationText(recovered, style)}`;
}

const WIDE = 24;

function findingLines(finding: ReconciledFinding, style: Style): string[] {
  const { rule, subject, message, remedy, done, why } = finding;
  const colour = isLeft(finding) ? 'red' : 'green';
  const what = done === 'nothing' ? 'for a person' : done;
  return [
    `  ${rule.replaceAll('-', ' ').padEnd(20)}  ${subject.padEnd(WIDE)}  ${style(colour, what)}`,
    `    ${message}`,
    ...(why === null ? [] : [`    Failed: ${why}`]),
    ...(isLeft(finding) ? [`    Next: ${remedy}`] : []),
    '',
  ];
}

function counted(count: number, one: string, many = `${one}s`): string {
  return `${count} ${count === 1 ? one : many}`;
}
