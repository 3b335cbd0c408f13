import { arch, cpus, loadavg, platform, totalmem } from 'node:os';
import { styleText } from 'node:util';

/** One ratio with what it should be. */
export interface Finding {
  name: string;
  ratio: number;
  /** `max`: at most the target; `min`: at least. */
  bound: 'max' | 'min';
  target: number;
  /** What a later release aims at. */
  later?: number;
}

/** What one part of the benchmark found. */
export interface Measured {
  findings: Finding[];
  /** Medians behind the ratios, and what has no peer, by name with its unit. */
  figures: Record<string, number>;
}

export interface Report extends Measured {
  machine: Record<string, string | number>;
  /** Which setting of the development server the figures belong to. */
  server: string;
}

export function machineFacts(): Report['machine'] {
  return {
    platform: platform(),
    arch: arch(),
    cpus: cpus().length,
    memoryGiB: Math.round(totalmem() / 2 ** 30),
    node: process.version,
    loadAverageAtStart: rounded(loadavg()[0] ?? 0),
  };
}

export function isMet({ bound, ratio, target }: Finding): boolean {
  return bound === 'max' ? ratio <= target : ratio >= target;
}

/** For people. */
export function reportText(report: Report): string {
  const sign = { max: '≤', min: '≥' } as const;
  const rows = report.findings.map((finding) => [
    finding.name,
    finding.ratio.toFixed(2),
    `${sign[finding.bound]} ${finding.target}`,
    finding.later === undefined ? '' : `${sign[finding.bound]} ${finding.later}`,
    isMet(finding) ? styleText('green', 'met') : styleText('red', 'not met'),
  ]);
  const figures = Object.entries(report.figures).map(([name, value]) => [name, String(rounded(value))]);
  const facts = Object.entries(report.machine).map(([name, value]) => `${name} ${value}`);
  return [
    `\n${facts.join(', ')}`,
    `${report.server}; medians of interleaved rounds\n`,
    ...columns([['', 'ratio', 'target', 'later', ''], ...rows]),
    '',
    ...columns(figures),
    '',
  ].join('\n');
}

/** For later comparison: the keys keep their order, so that a difference is a difference. */
export function reportJson(report: Report): string {
  const findings = report.findings.map((finding) => ({
    ...finding,
    ratio: rounded(finding.ratio),
    met: isMet(finding),
  }));
  const figures = Object.fromEntries(
    Object.entries(report.figures).map(([name, value]) => [name, rounded(value)]),
  );
  return `${JSON.stringify({ ...report, findings, figures }, null, 2)}\n`;
}

function rounded(value: number): number {
  return Number(value.toFixed(2));
}

function columns(rows: readonly string[][]): string[] {
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0));
  return rows.map((row) =>
    row
      .map((cell, column) => (column === 0 ? cell.padEnd(width(0)) : cell.padStart(width(column))))
      .join('   '),
  );
}
