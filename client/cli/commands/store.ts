import type { Command } from 'commander';
import { diffDocuments } from '../../../domain/change/document-diff.ts';
import type { Store, StoredVersion } from '../../store.ts';
import { type Cli, printJson, styleOf, wantsJson, withControlPlane, withProgress } from '../cli.ts';
import { type Address, toAddress, toSize, toTime } from '../selector.ts';
import {
  asOfText,
  blame,
  blameText,
  bodyText,
  type Difference,
  differenceText,
  listText,
} from '../store-text.ts';

interface At {
  at?: string;
}

/** What was live when, what it said, and who made it so. */
export function addStore(program: Command, cli: Cli): void {
  addGet(program, cli);
  addLs(program, cli);
  addDiff(program, cli);
  addBlame(program, cli);
}

function addGet(program: Command, cli: Cli): void {
  program
    .command('get')
    .description('one resource as it is, or as it was')
    .argument('<resource>', 'such as config/payments/timeouts')
    .option('--at <time>', 'as it was then', toTime)
    .option('--entry <index>', 'as it was with this entry', toSize)
    .option('--version <version>', 'this version of it')
    .addHelpText(
      'after',
      '\nExamples:\n  resilience-ctl get config/payments/timeouts --version 1.0.0\n' +
        '  resilience-ctl get switch/trading --at 2026-11-21T10:00:00Z\n',
    )
    .action(
      async (
        resource: string,
        { at, entry, version }: At & { entry?: number; version?: string },
        command: Command,
      ) => {
        const chosen = [
          ...(at === undefined ? [] : [{ time: at }]),
          ...(entry === undefined ? [] : [{ size: entry }]),
          ...(version === undefined ? [] : [{ version }]),
        ];
        if (chosen.length > 1) command.error('error: choose one of --at, --entry and --version');
        await reading(cli, async (store) => {
          const found = await store.versionAt(resource, chosen[0] ?? 'head');
          const body = await store.bodyOf(found);
          if (wantsJson(command)) printJson(cli, { ...found, body: body ?? null });
          else cli.stdout.write(bodyText(found, body, styleOf(cli, false)));
        });
      },
    );
}

function addLs(program: Command, cli: Cli): void {
  program
    .command('ls')
    .description('every resource that is live, or was')
    .argument('[prefix]', 'only names that begin so', '')
    .option('--at <time>', 'as it was then', toTime)
    .addHelpText('after', '\nExample:\n  resilience-ctl ls config/ --at "2026-11-21 10:00"\n')
    .action((prefix: string, { at }: At, command: Command) =>
      reading(cli, async (store) => {
        const state = await store.stateAt(at === undefined ? 'head' : { time: at });
        const versions = state.versions.filter(({ resource }) => resource.startsWith(prefix));
        if (wantsJson(command)) return printJson(cli, { ...state, versions });
        const style = styleOf(cli, false);
        cli.stdout.write(listText(versions, style) + asOfText(state, style));
      }),
    );
}

function addDiff(program: Command, cli: Cli): void {
  program
    .command('diff')
    .description('what differs between two versions, or between two instants of the environment')
    .argument('[a]', 'RESOURCE, RESOURCE@1.2.0, RESOURCE@entry:120 or RESOURCE@TIME', toAddress)
    .argument('[b]', 'the other one', toAddress)
    .option('--at <time>', 'twice: everything that differs between the two', collectTimes, [])
    .addHelpText(
      'after',
      '\nExamples:\n  resilience-ctl diff config/payments/timeouts@1.0.0 config/payments/timeouts\n' +
        '  resilience-ctl diff --at 2026-11-21T10:00:00Z --at 2026-11-21T11:00:00Z\n',
    )
    .action(
      async (a: Address | undefined, b: Address | undefined, { at }: { at: string[] }, command: Command) => {
        const [first, second] = at;
        if (a !== undefined && b !== undefined && at.length === 0) {
          return reading(cli, async (store) => {
            const before = await store.versionAt(a.resource, a.selector);
            const after = await store.versionAt(b.resource, b.selector);
            tellDifferences(cli, [await difference(store, before, after)], command);
          });
        }
        if (a !== undefined || first === undefined || second === undefined || at.length > 2) {
          return command.error('error: name two versions, or two instants with --at TIME --at TIME');
        }
        return reading(cli, async (store) => {
          const pairs = await changedBetween(store, { time: first }, { time: second });
          const differences = await Promise.all(pairs.map((pair) => difference(store, ...pair)));
          tellDifferences(cli, differences, command);
        });
      },
    );
}

function addBlame(program: Command, cli: Cli): void {
  program
    .command('blame')
    .description('which change set each value of a resource')
    .argument('<resource>', 'such as config/payments/timeouts')
    .addHelpText('after', '\nExample:\n  resilience-ctl blame config/payments/timeouts\n')
    .action((resource: string, _options: unknown, command: Command) =>
      reading(cli, async (store) => {
        const versions = await store.versionsOf(resource);
        const bodies = await Promise.all(
          versions.map(async (version) => ({ version, body: await store.bodyOf(version) })),
        );
        const blamed = blame(bodies);
        if (wantsJson(command)) printJson(cli, { resource, fields: blamed });
        else cli.stdout.write(blameText(blamed, styleOf(cli, false)));
      }),
    );
}

export function reading<T>(cli: Cli, work: (store: Store) => Promise<T>): Promise<T> {
  return withControlPlane(cli, ({ store }) => withProgress(cli, 'Reading the log', work(store)));
}

async function difference(
  store: Store,
  before: StoredVersion | null,
  after: StoredVersion | null,
): Promise<Difference> {
  const bodies = await Promise.all([before, after].map((one) => one && store.bodyOf(one)));
  const [from, to] = bodies.map((body) => body ?? undefined);
  return { before, after, edits: diffDocuments(from, to) };
}

/** What is live at only one of two instants, or otherwise: by name. */
export async function changedBetween(
  store: Store,
  from: Parameters<Store['stateAt']>[0],
  to: Parameters<Store['stateAt']>[0],
): Promise<[before: StoredVersion | null, after: StoredVersion | null][]> {
  const [before, after] = await Promise.all(
    [from, to].map(async (instant) => {
      const { versions } = await store.stateAt(instant);
      return new Map(versions.map((one) => [one.resource, one]));
    }),
  );
  const names = new Set([...(before?.keys() ?? []), ...(after?.keys() ?? [])]);
  return [...names].sort().flatMap((name) => {
    const [was, is] = [before?.get(name) ?? null, after?.get(name) ?? null];
    return was?.digest === is?.digest
      ? []
      : [[was, is] satisfies [StoredVersion | null, StoredVersion | null]];
  });
}

function tellDifferences(cli: Cli, differences: readonly Difference[], command: Command): void {
  const style = styleOf(cli, false);
  if (wantsJson(command)) printJson(cli, { differences });
  else cli.stdout.write(differences.map((one) => differenceText(one, style)).join('\n'));
}

function collectTimes(text: string, earlier: readonly string[]): string[] {
  return [...earlier, toTime(text)];
}
