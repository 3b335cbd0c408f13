import { type Command, InvalidArgumentError } from 'commander';
import type { LogLine } from '../../log-line.ts';
import { type Cli, printJson, styleOf, wantsJson, withControlPlane, withProgress } from '../cli.ts';
import { logLineText } from '../log-text.ts';
import { versionsText } from '../store-text.ts';
import { reading } from './store.ts';

export function addLog(program: Command, cli: Cli): void {
  program
    .command('log')
    .description(
      'every entry of the environment’s log, also those that do not count, and why; or the versions of a resource',
    )
    .argument('[resource]', 'only its versions, newest first')
    .option('--since <index>', 'first entry to show', toIndex, 0)
    .addHelpText(
      'after',
      '\nExamples:\n  resilience-ctl log --since 120\n  resilience-ctl log switch/trading\n',
    )
    .action((resource: string | undefined, options: { since: number }, command: Command) => {
      if (resource !== undefined) return showVersions(cli, resource, command);
      const show = shower(cli, wantsJson(command));
      return withControlPlane(cli, async ({ controlPlane }) => {
        for await (const line of controlPlane.log(options.since)) show(line);
      });
    });
}

function showVersions(cli: Cli, resource: string, command: Command): Promise<void> {
  return reading(cli, async (store) => {
    const versions = await store.versionsOf(resource);
    if (wantsJson(command)) for (const one of versions.toReversed()) printJson(cli, one);
    else cli.stdout.write(versionsText(versions, styleOf(cli, false)));
  });
}

export function addHistory(program: Command, cli: Cli): void {
  program
    .command('history')
    .description('every entry of one change: who asked, voted, approved and acted, and when')
    .argument('<change>', 'change id')
    .addHelpText('after', '\nExample:\n  resilience-ctl history chg-3f9a1c70b2d4\n')
    .action(async (changeId: string, _options: unknown, command: Command) => {
      const lines = await withControlPlane(cli, ({ controlPlane }) =>
        withProgress(cli, 'Reading the log', controlPlane.history(changeId)),
      );
      lines.forEach(shower(cli, wantsJson(command)));
    });
}

function shower(cli: Cli, json: boolean): (line: LogLine) => void {
  const style = styleOf(cli, json);
  return (line) => {
    if (json) printJson(cli, line);
    else cli.stdout.write(logLineText(line, style));
  };
}

function toIndex(text: string): number {
  if (!/^\d{1,15}$/.test(text)) throw new InvalidArgumentError('An index is a whole number from 0.');
  return Number(text);
}
