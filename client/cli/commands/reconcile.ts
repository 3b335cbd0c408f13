import type { Command } from 'commander';
import {
  type Cli,
  personFor,
  printJson,
  styleOf,
  wantsJson,
  withControlPlane,
  withProgress,
} from '../cli.ts';
import { reconciliationExit, reconciliationText, recoveryText } from '../reconcile-text.ts';

/** `reconcile` and `recover`: what the engine lost is found in the log, and ended. */
export function addReconcile(program: Command, cli: Cli): void {
  program
    .command('reconcile')
    .description(
      'find changes that nobody runs, effects without an outcome, and records edited elsewhere; mend what is proven',
    )
    .addHelpText(
      'after',
      '\nIt runs by itself every minute, and pages. Exit status 10 says that a person is needed.\n\nExample:\n  resilience-ctl reconcile\n',
    )
    .action((_options: unknown, command: Command) =>
      withControlPlane(cli, async ({ controlPlane }) => {
        const found = await withProgress(cli, 'Reading runs, zones and the log', controlPlane.reconcile());
        cli.exitStatus = reconciliationExit(found);
        if (wantsJson(command)) printJson(cli, found);
        else cli.stdout.write(reconciliationText(found, styleOf(cli, false)));
      }),
    );
  program
    .command('recover')
    .description(
      'after Temporal was lost: refuse what it still had in flight, and bring every open change to an end',
    )
    .requiredOption('--reason <text>', 'why; it is recorded, and every auditor reads it')
    .option('--as <subject>', 'who you are: an operator')
    .addHelpText(
      'after',
      '\nStart Temporal and the workers first (docs/runbooks/recover.md).\n\nExample:\n  resilience-ctl recover --reason "the database of Temporal is gone, incident 812" --as carol\n',
    )
    .action(({ reason }: { reason: string }, command: Command) =>
      withControlPlane(cli, async ({ controlPlane }, installation) => {
        const operator = await personFor(cli, command, installation);
        const recovered = await withProgress(
          cli,
          'Raising fences and starting changes',
          controlPlane.recover(reason, operator),
        );
        cli.exitStatus = reconciliationExit(recovered);
        if (wantsJson(command)) printJson(cli, recovered);
        else cli.stdout.write(recoveryText(recovered, styleOf(cli, false)));
      }),
    );
}
