import type { Command } from 'commander';
import { ERROR_KINDS } from '../../../domain/errors.ts';
import { assessmentText } from '../assess-text.ts';
import { type Cli, printJson, styleOf, wantsJson, withControlPlane, withProgress } from '../cli.ts';

export function addAssess(program: Command, cli: Cli): void {
  program
    .command('assess')
    .description(
      'what an operator must know, on one page: freezes, open changes, bad verdicts, drift, last changes, the next step',
    )
    .option('--resource <resource>', 'only what is about it')
    .addHelpText(
      'after',
      '\nIt needs the log and not Temporal. Exit status 10 says that something is wrong and a person is needed.\n\n' +
        'Examples:\n  resilience-ctl assess\n  resilience-ctl assess --resource config/payments/timeouts\n',
    )
    .action(({ resource }: { resource?: string }, command: Command) =>
      withControlPlane(cli, async ({ assessor }) => {
        const found = await withProgress(
          cli,
          'Reading the log and the zones',
          assessor.assess(resource ?? null),
        );
        if (wantsJson(command)) printJson(cli, found);
        else cli.stdout.write(assessmentText(found, cli.nowMs(), styleOf(cli, false)));
        if (found.anomalies.length + found.drift.length > 0) cli.exitStatus = ERROR_KINDS.stuck.exitStatus;
      }),
    );
}
