import type { Command } from 'commander';
import { ERROR_KINDS } from '../../../domain/errors.ts';
import type { Finding } from '../../doctor/finding.ts';
import { type Cli, installationOf, printJson, styleOf, wantsJson, withProgress } from '../cli.ts';
import { findingsText } from '../findings-text.ts';

/** `doctor`: what this installation needs, what of it is there, and what to do about the rest. */
export function addDoctor(program: Command, cli: Cli): void {
  program
    .command('doctor')
    .description('look at clock, keys, trust, bucket, log, zones, engine and workers, and say what to do')
    .addHelpText('after', '\nExample:\n  resilience-ctl doctor\n')
    .action(async (_options: unknown, command: Command) => {
      const [{ openSurroundings }, { examine }] = await Promise.all([
        import('../../compose-doctor.ts'),
        import('../../doctor/examine.ts'),
      ]);
      const { around, close } = openSurroundings(installationOf(cli));
      try {
        const findings = await withProgress(cli, 'Looking', examine(around));
        if (wantsJson(command)) printJson(cli, { findings });
        else cli.stdout.write(findingsText(findings, styleOf(cli, false)));
        cli.exitStatus = exitStatusOf(findings);
      } finally {
        await close();
      }
    });
}

/** What is not as it was signed or set up weighs more than what is away. */
function exitStatusOf(findings: readonly Finding[]): number {
  const states = findings.map(({ state }) => state);
  if (states.includes('wrong')) return ERROR_KINDS.integrity.exitStatus;
  return states.includes('missing') ? ERROR_KINDS.unavailable.exitStatus : 0;
}
