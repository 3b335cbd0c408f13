import type { Command } from 'commander';
import { type Cli, wantsJson, withControlPlane } from '../cli.ts';
import { watchChange } from '../watch-change.ts';

export function addWatch(program: Command, cli: Cli): void {
  program
    .command('watch')
    .description('follow a change to its end; the exit status says how it ended')
    .argument('<change>', 'change id')
    .addHelpText('after', '\nExample:\n  resilience-ctl watch chg-3f9a1c70b2d4\n')
    .action((changeId: string, _options: unknown, command: Command) =>
      withControlPlane(cli, ({ controlPlane }) =>
        watchChange(cli, controlPlane, changeId, wantsJson(command)),
      ),
    );
}
