import type { Style } from '../../client/cli/style.ts';

/** One stage as the demo prints it: who got the new version, what that was counted in, and the verdict. */
export function stageLine(
  { stage, percent, counted, verdict }: { stage: string; percent: number; counted: string; verdict: string },
  style: Style,
): string {
  const width = 30;
  const filled = Math.round((percent / 100) * width);
  const bar = `${'█'.repeat(filled)}${'·'.repeat(width - filled)}`;
  const colour = verdict === 'pass' ? 'green' : verdict === 'fail' ? 'red' : 'yellow';
  return `stage ${stage.padStart(5)} ${bar} ${percent.toFixed(1).padStart(5)} % ${counted} → ${style(colour, verdict)}`;
}
