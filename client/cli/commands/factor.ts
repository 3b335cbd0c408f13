import type { Command } from 'commander';
import { type Cli, installationOf, personFor, printJson, wantsJson, withProgress } from '../cli.ts';

export function addFactor(program: Command, cli: Cli): void {
  program
    .command('factor')
    .description('second factors, which approvals of some classes need besides a key')
    .command('enrol')
    .description('make a second factor, hand it to the factor-verifier, and show it once')
    .option('--as <subject>', 'whose')
    .addHelpText('after', '\nExample:\n  resilience-ctl factor enrol --as alice\n')
    .action(async (_options: unknown, command: Command) => {
      const installation = installationOf(cli);
      const person = await personFor(cli, command, installation);
      const { enrolNewFactor } = await import('../../compose.ts');
      const made = await withProgress(cli, 'Enrolling', enrolNewFactor(installation, person));
      if (wantsJson(command)) {
        printJson(cli, made);
        return;
      }
      const listed = JSON.stringify({ type: 'totp', commitment: made.commitment });
      cli.stdout.write(
        `Add this to an authenticator, now; it is not shown again:\n  ${made.uri}\n` +
          `Recovery codes, each good once, for when the authenticator is lost:\n` +
          made.recoveryCodes.map((code) => `  ${code}\n`).join('') +
          `It counts once the trust document lists, in secondFactors of ${made.subject}:\n  ${listed}\n`,
      );
    });
}
