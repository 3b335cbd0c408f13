import type { Command } from 'commander';
import { checkStore } from '../../check-store.ts';
import { type Cli, endWith, printJson, styleOf, wantsJson, withControlPlane, withProgress } from '../cli.ts';
import { storeReportText } from '../store-check-text.ts';

export function addStoreCheck(program: Command, cli: Cli): void {
  program
    .command('store')
    .description('the bucket itself')
    .command('check')
    .description('look at every object that the log names: is it there, and is it what was first put there?')
    .option('--repair', "put first versions back under their names; needs the keeper's credentials")
    .addHelpText('after', '\nExample:\n  resilience-ctl store check --repair\n')
    .action((options: { repair?: true }, command: Command) =>
      withControlPlane(cli, async ({ evidence, objects, checkpoint, catchUp }) => {
        const { verifyEd25519 } = await import('../../compose-offline.ts');
        const { environment, trust, tile } = evidence;
        const source = {
          ...{ environment, trust, objects, tile, checkpoint },
          verify: verifyEd25519,
          remembered: catchUp,
        };
        const repair = options.repair === true;
        const report = await withProgress(cli, 'Looking at every object', checkStore(source, { repair }));
        if (wantsJson(command)) printJson(cli, report);
        else cli.stdout.write(storeReportText(report, styleOf(cli, false)));
        endWith(
          cli,
          report.findings.every(({ isRepaired }) => isRepaired),
        );
      }),
    );
}
