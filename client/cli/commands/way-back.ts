import type { Command } from 'commander';
import { stringify } from 'yaml';
import type { Connected } from '../../compose.ts';
import type { Selector } from '../../store.ts';
import { type Return, wayBack } from '../../way-back.ts';
import {
  type Cli,
  personFor,
  printJson,
  wantsJson,
  withControlPlane,
  withProgress,
  writeNewFile,
} from '../cli.ts';
import { toSelector, toTime } from '../selector.ts';
import { changedBetween } from './store.ts';
import { newChangeId } from './submit.ts';

interface Options {
  out?: string;
  submit?: true;
}

/** The way back is a change like any other: these commands write its request. */
export function addWayBack(program: Command, cli: Cli): void {
  const revert = program
    .command('revert')
    .description('write the change request that makes an old version of a resource live again')
    .argument('<resource>', 'such as config/payments/timeouts')
    .requiredOption('--to <version>', 'a version, entry:N or a time', toSelector)
    .addHelpText(
      'after',
      '\nExample:\n  resilience-ctl revert config/payments/timeouts --to 1.0.0 --submit --as alice\n',
    )
    .action((resource: string, options: Options & { to: Selector }, command: Command) => {
      return write(cli, options, command, `Revert ${resource} to an earlier version`, async ({ store }) => {
        const [from, to] = [
          await store.versionAt(resource, 'head'),
          await store.versionAt(resource, options.to),
        ];
        return from.digest === to.digest ? [] : [{ from, to }];
      });
    });
  const restore = program
    .command('restore')
    .description('write the change request that makes everything, or a part of it, as it was')
    .argument('[prefix]', 'only resources whose names begin so', '')
    .requiredOption('--at <time>', 'as it was then', toTime)
    .addHelpText(
      'after',
      '\nExample:\n  resilience-ctl restore config/payments/ --at 2026-11-21T10:00:00Z --out back.yaml\n',
    )
    .action((prefix: string, options: Options & { at: string }, command: Command) => {
      const about = `Restore ${prefix || 'the environment'} as it was at ${options.at}`;
      return write(cli, options, command, about, async ({ store }) => {
        const pairs = await changedBetween(store, 'head', { time: options.at });
        return pairs.flatMap(([from, to]): Return[] => {
          const known = to ?? from;
          if (!known?.resource.startsWith(prefix)) return [];
          if (to === null && known.resource.startsWith('dns/')) {
            // A record may be older than its first change, so that the log cannot say that it was not there.
            cli.stderr.write(`Left out: ${known.resource}, which no change had committed yet.\n`);
            return [];
          }
          return [{ from, to: to ?? { ...known, digest: null, version: null } }];
        });
      });
    });
  for (const command of [revert, restore]) {
    command
      .option('--out <file>', 'write it there, never over a file, and not to stdout')
      .option('--submit', 'sign and submit it at once')
      .option('--as <subject>', 'whose key signs');
  }
}

async function write(
  cli: Cli,
  { out, submit }: Options,
  command: Command,
  reason: string,
  find: (connected: Connected) => Promise<Return[]>,
): Promise<void> {
  if (out !== undefined && submit) command.error('error: choose one of --out and --submit');
  await withControlPlane(cli, async (connected, installation) => {
    const { controlPlane, store } = connected;
    const returns = await withProgress(cli, 'Reading the log', find(connected));
    if (returns.length === 0) {
      cli.stderr.write('Nothing differs: there is nothing to change.\n');
      return;
    }
    const { environment } = controlPlane;
    const { file, request } = await wayBack(store, { environment, reason, returns });
    if (submit) {
      const author = await personFor(cli, command, installation);
      const submitted = await controlPlane.submit(newChangeId(), request, author);
      if (wantsJson(command)) printJson(cli, submitted);
      else cli.stdout.write(`Change ${submitted.changeId} is recorded at entry ${submitted.index}.\n`);
    } else if (out !== undefined) writeNewFile(cli, command, out, stringify(file));
    else if (wantsJson(command)) printJson(cli, file);
    else cli.stdout.write(stringify(file));
  });
}
