import type { Command } from 'commander';
import { drillBreakGlass } from '../../drill/break-glass-drill.ts';
import { type Cli, printJson, styleOf, wantsJson } from '../cli.ts';

export function addDrill(program: Command, cli: Cli): void {
  program
    .command('drill')
    .description('practise what must work on a bad day, in a scratch environment')
    .command('break-glass')
    .description(
      'stop the engine, the quorum and the log for real, and do all of break-glass; says how long each step takes',
    )
    .addHelpText('after', '\nExample:\n  resilience-ctl drill break-glass\n')
    .action((_options: unknown, command: Command) => run(cli, wantsJson(command)));
}

async function run(cli: Cli, json: boolean): Promise<void> {
  const style = styleOf(cli, json);
  const { startScratch } = await import('../../compose-drill.ts');
  const scratch = await startScratch((line) => void cli.stderr.write(`${line}\n`));
  try {
    const steps = await drillBreakGlass(
      scratch.scene,
      () => performance.now(),
      (step) => {
        if (json) return;
        const mark = step.held ? style('green', 'held  ') : style('red', 'FAILED');
        cli.stdout.write(
          `${String(step.tookMs).padStart(6)} ms  ${mark}  ${step.what}\n             ${step.detail}\n`,
        );
      },
    );
    const ok = steps.every(({ held }) => held);
    if (!ok) cli.exitStatus = 1;
    if (json) printJson(cli, { ok, steps });
    else cli.stdout.write(ok ? 'Every step held.\n' : 'The drill failed. Find out why before you need it.\n');
  } finally {
    await scratch.stop();
  }
}
