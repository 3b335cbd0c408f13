import type { StoreReport } from '../check-store.ts';
import type { ListedSnapshot, SnapshotVerdict } from '../snapshots.ts';
import type { Style } from './style.ts';
import { localTime } from './time-text.ts';

/** Not verified: null. */
export type ShownSnapshot = ListedSnapshot & {
  [Field in keyof SnapshotVerdict]: SnapshotVerdict[Field] | null;
};

export function snapshotText(
  { index, size, stateDigest, at, result, why }: ShownSnapshot,
  style: Style,
): string {
  const colour = result === 'same' ? 'green' : result === 'different' ? 'red' : 'yellow';
  const verdict = result === null ? '' : `${style(colour, result)}  `;
  const reason = why === null ? '' : `\n    ${why}`;
  return `${verdict}${style('bold', `${size} entries`)}  entry ${index}  ${localTime(at)}  ${stateDigest}${reason}\n`;
}

/** Every finding with its object and entry, then one line that says it all. */
export function storeReportText(report: StoreReport, style: Style): string {
  const { environment, size, covered, objects, ignored, findings } = report;
  const left = findings.filter(({ isRepaired }) => !isRepaired).length;
  const facts = `${environment}: ${objects} objects of ${size} entries, ${covered === null ? 'no checkpoint is published' : `${covered} of them cosigned`}`;
  return [
    ...findings.map(({ name, entry, damage, message, isRepaired, next }) => {
      const head = `${isRepaired ? style('green', '✓ repaired') : style('red', `✗ ${damage}`)}  ${style('bold', name)}`;
      const place = entry === null ? '' : `, entry ${entry}`;
      return `${head}${place}\n      ${message}\n${next === null ? '' : `      → ${next}\n`}`;
    }),
    ...ignored.map(({ entry, reason }) => style('dim', `Entry ${entry} counts for nothing: ${reason}.\n`)),
    left === 0
      ? `${style('green', 'SOUND')}    ${facts}${findings.length === 0 ? '' : `; ${findings.length} repaired`}.\n`
      : `${style('red', 'DAMAGED')}  ${left} of ${facts}.\n`,
  ].join('');
}
