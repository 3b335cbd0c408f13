import type { Command } from 'commander';
import { type Cli, printJson, styleOf, wantsJson, withControlPlane, withProgress } from '../cli.ts';
import { summaryText } from '../log-text.ts';
import { statusText } from '../status-text.ts';

export function addStatus(program: Command, cli: Cli): void {
  program
    .command('status')
    .description('where a change stands, why it waits and who can unblock it; without a change, all of them')
    .argument('[change]', 'change id')
    .option('--verbose', 'also the timeline, the votes’ reasons, the risk and what a rollback would do')
    .addHelpText('after', '\nExample:\n  resilience-ctl status chg-3f9a1c70b2d4 --verbose\n')
    .action(async (changeId: string | undefined, options: { verbose?: true }, command: Command) => {
      const json = wantsJson(command);
      if (changeId === undefined) return listChanges(cli, json);
      const verbose = options.verbose === true;
      return showStatus(cli, changeId, verbose, json);
    });
}

async function listChanges(cli: Cli, json: boolean): Promise<void> {
  const [changes, { version, isExpired, document }] = await withControlPlane(cli, ({ controlPlane, trust }) =>
    withProgress(cli, 'Reading the log', Promise.all([controlPlane.list(), trust.show()])),
  );
  const { expiresAt } = document.root;
  if (json) {
    printJson(cli, { changes, trust: { version, expiresAt, isExpired } });
    return;
  }
  const style = styleOf(cli, json);
  if (isExpired) {
    const what = `Version ${version} of the trust document expired at ${expiresAt}: nothing moves forward.`;
    cli.stdout.write(`${style('red', what)} See \`resilience-ctl trust show\`.\n`);
  }
  for (const change of changes) cli.stdout.write(summaryText(change, style));
  if (changes.length === 0) cli.stdout.write('No changes yet.\n');
}

async function showStatus(cli: Cli, changeId: string, verbose: boolean, json: boolean): Promise<void> {
  const status = await withControlPlane(cli, ({ controlPlane }) =>
    withProgress(cli, 'Asking for the status', controlPlane.status(changeId)),
  );
  if (json) printJson(cli, status);
  else cli.stdout.write(statusText(status, { nowMs: cli.nowMs(), style: styleOf(cli, json), verbose }));
}
