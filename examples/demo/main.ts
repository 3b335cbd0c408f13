import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { styleFor } from '../../client/cli/style.ts';
import { runDevStack } from '../../infra/dev/dev-stack.ts';
import { brakes } from './brakes.ts';
import { breakGlass } from './break-glass.ts';
import { type Claim, Demo, type DemoPart } from './demo.ts';
import { documents } from './documents.ts';
import { evidence } from './evidence.ts';
import { records } from './records.ts';

/**
 * The main job, end to end and for real, one part after the other in one environment; the last part takes home the
 * evidence of all others. Exit status 0 only if everything that the summary claims was seen.
 */
const PARTS: readonly DemoPart[] = [records, documents, brakes, breakGlass, evidence];

const startedMs = performance.now();
const style = styleFor(process.stdout, process.env);

function say(line: string): void {
  const seconds = ((performance.now() - startedMs) / 1000).toFixed(1).padStart(5);
  process.stdout.write(`${style('dim', `${seconds}s`)}  ${line}\n`);
}

async function run(): Promise<Claim[]> {
  const home = mkdtempSync(join(tmpdir(), 'resilience-demo-'));
  const { installation, consumerFile, servers, stop } = await runDevStack({
    home,
    environment: 'demo',
    onProgress: say,
  });
  try {
    const engine = { stop: () => servers.killTemporal(), start: () => servers.restartTemporal() };
    const demo = await Demo.open({ installation, consumerFile, engine, home, style, say });
    try {
      for (const part of PARTS) await part(demo);
    } finally {
      await demo.close();
    }
    return demo.claims;
  } finally {
    await stop();
    rmSync(home, { recursive: true, force: true });
  }
}

const claims = await run();
const held = claims.filter((one) => one.held).length;
process.stdout.write(`\n${style('bold', 'What was proven')}\n`);
for (const one of claims)
  process.stdout.write(`  ${one.held ? style('green', '✓') : style('red', '✗')} ${one.claim}\n`);
process.stdout.write(
  `\n${held} of ${claims.length} held, in ${Math.round((performance.now() - startedMs) / 1000)} s.\n`,
);
process.exit(held === claims.length ? 0 : 1);
