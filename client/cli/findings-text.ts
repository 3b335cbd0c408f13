import type { Finding } from '../doctor/finding.ts';
import type { Style } from './style.ts';

const WIDTH = 'checkpoint'.length;
const COLOUR = { well: 'green', note: 'yellow', unknown: 'yellow', missing: 'red', wrong: 'red' } as const;

/** One line a finding, what to do beneath it, and a count of what needs somebody. */
export function findingsText(findings: readonly Finding[], style: Style): string {
  const lines = findings.flatMap(({ check, state, found, next }) => [
    `${style(COLOUR[state], state.padEnd('unknown'.length))}  ${check.padEnd(WIDTH)}  ${found}`,
    ...(next === null ? [] : [`${' '.repeat('unknown'.length + WIDTH + 4)}→ ${next}`]),
  ]);
  const bad = findings.filter(({ state }) => state === 'wrong' || state === 'missing').length;
  const verdict =
    bad === 0 ? style('green', 'All is well.') : style('red', `${bad} of ${findings.length} need somebody.`);
  return [...lines, '', verdict, ''].join('\n');
}
