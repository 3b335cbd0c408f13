import { stripVTControlCharacters } from 'node:util';
import type { Output } from './cli.ts';

/**
 * Draws over what it drew before. Lines are cut at the terminal's width, for a wrapped line would count as two; the
 * `last` picture stays and is whole.
 */
export function createRedraw(out: Output): (text: string, last: boolean) => void {
  let drawn = 0;
  return (text, last) => {
    // Some terminals report a width of 0.
    const columns = last ? Number.POSITIVE_INFINITY : out.columns || 80;
    const lines = text
      .replace(/\n$/, '')
      .split('\n')
      .map((line) => cut(line, columns));
    const back = drawn === 0 ? '' : `\u001b[${drawn}A\r\u001b[J`;
    out.write(`${back}${lines.join('\n')}\n`);
    drawn = lines.length;
  };
}

/** A line too long loses its colours with its end: better than a colour that never stops. */
function cut(line: string, columns: number): string {
  const visible = stripVTControlCharacters(line);
  return visible.length <= columns ? line : `${visible.slice(0, columns - 1)}…`;
}
