import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { measureAudit } from './audit.ts';
import { measureChanges } from './change-cost.ts';
import { measureCommands } from './commands.ts';
import { measureCommits } from './commits.ts';
import { measureCycles } from './graph.ts';
import { measureAppends } from './log-appends.ts';
import type { Part, Run } from './part.ts';
import { measurePermissions } from './permissions.ts';
import { measurePlans } from './plans.ts';
import { type Measured, machineFacts, type Report, reportJson, reportText } from './report.ts';
import { measureEngage, measureGets } from './sdk.ts';
import { type BenchStack, startBenchStack } from './stack.ts';
import { measureStore } from './store.ts';
import { measureTiles } from './tiles.ts';

const SERVER =
  'Temporal development server with raised poll limits and SQLite WAL; emulated AWS with IAM enforced';

/** In this order: what needs every role comes before what wants the servers for itself. */
const PARTS: Record<string, Part> = {
  changes: { needs: 'roles', measure: measureChanges },
  appends: { needs: 'servers', measure: measureAppends },
  commands: { needs: 'servers', measure: measureCommands },
  commits: { needs: 'servers', measure: measureCommits },
  engage: { needs: 'servers', measure: measureEngage },
  store: { needs: 'nothing', measure: measureStore },
  cycles: { needs: 'nothing', measure: measureCycles },
  plans: { needs: 'nothing', measure: measurePlans },
  permissions: { needs: 'nothing', measure: measurePermissions },
  gets: { needs: 'nothing', measure: measureGets },
  tiles: { needs: 'nothing', measure: measureTiles },
  audit: { needs: 'nothing', measure: measureAudit },
};

const USAGE = `usage: npm run bench -- [--only PART]… [--smoke]
  --only PART   one part, or several: ${Object.keys(PARTS).join(', ')}
  --smoke       a few rounds of little, to see that everything works; its figures mean nothing
Only a whole run that is no smoke writes results.json.
`;

function readArguments(): { chosen: string[]; smoke: boolean } | null {
  try {
    const { values } = parseArgs({
      options: {
        only: { type: 'string', multiple: true, default: Object.keys(PARTS) },
        smoke: { type: 'boolean', default: false },
      },
    });
    const unknown = values.only.filter((name) => !Object.hasOwn(PARTS, name));
    if (unknown.length === 0) return { chosen: values.only, smoke: values.smoke };
    process.stderr.write(`There is no part ${unknown.join(', ')}.\n`);
  } catch (error) {
    process.stderr.write(`${error instanceof Error ? error.message : String(error)}\n`);
  }
  return null;
}

async function measureParts(chosen: readonly string[], run: Run): Promise<Measured> {
  const parts = Object.entries(PARTS).filter(([name]) => chosen.includes(name));
  const measured: Measured[] = [];
  const withStack = parts.filter(([, { needs }]) => needs !== 'nothing');
  if (withStack.length > 0) {
    measured.push(...(await onStack(withStack, run)));
  }
  for (const [name, part] of parts) {
    if (part.needs !== 'nothing') continue;
    run.say(`part ${name}`);
    measured.push(await part.measure(run));
  }
  return {
    findings: measured.flatMap(({ findings }) => findings),
    figures: Object.assign({}, ...measured.map(({ figures }) => figures)),
  };
}

async function onStack(parts: readonly [string, Part][], run: Run): Promise<Measured[]> {
  const home = mkdtempSync(join(tmpdir(), 'resilience-bench-'));
  let stack: BenchStack | undefined;
  try {
    stack = await startBenchStack(
      home,
      parts.some(([, { needs }]) => needs === 'roles'),
      run.say,
    );
    const measured: Measured[] = [];
    for (const [name, part] of parts) {
      if (part.needs === 'nothing') continue;
      if (part.needs === 'servers') await stack.stopRoles();
      run.say(`part ${name}`);
      measured.push(await part.measure(stack, run));
    }
    return measured;
  } finally {
    await stack?.stop();
    rmSync(home, { recursive: true, force: true });
  }
}

const input = readArguments();
if (input === null) {
  process.stderr.write(USAGE);
  process.exitCode = 2;
} else {
  const { chosen, smoke } = input;
  const machine = machineFacts();
  const say = (line: string) => void process.stderr.write(`${line}\n`);
  const report: Report = { machine, server: SERVER, ...(await measureParts(chosen, { smoke, say })) };
  const isWhole = !smoke && Object.keys(PARTS).every((name) => chosen.includes(name));
  if (isWhole) writeFileSync(fileURLToPath(new URL('results.json', import.meta.url)), reportJson(report));
  process.stdout.write(reportText(report));
}
