import type { Command } from 'commander';
import { diffDocuments } from '../../../domain/change/document-diff.ts';
import { DomainError } from '../../../domain/errors.ts';
import { CONFIG_RESOURCE } from '../../../domain/kinds/config.ts';
import { configScope } from '../../../domain/kinds/config-layers.ts';
import { explain } from '../../explain.ts';
import type { Instant, Store, StoredVersion } from '../../store.ts';
import { type Cli, printJson, styleOf, wantsJson, withControlPlane, withProgress } from '../cli.ts';
import { explainedText } from '../explain-text.ts';
import { type Address, toAddress, toSize, toTime } from '../selector.ts';
import {
  asOfText,
  blame,
  blameText,
  bodyText,
  type Difference,
  differenceText,
  ignoredText,
  listText,
} from '../store-text.ts';
import { dependencyTree } from '../tree-text.ts';

interface At {
  at?: string;
}

interface GetOptions {
  at?: string | undefined;
  entry?: number | undefined;
  version?: string;
  explain?: true;
  tenant?: string;
}

/** What was live when, what it said, and who made it so. */
export function addStore(program: Command, cli: Cli): void {
  addGet(program, cli);
  addLs(program, cli);
  addTree(program, cli);
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
    .option('--explain', 'of a config: what its service reads, and the layer that each value comes from')
    .option('--tenant <tenant>', 'with --explain: as it is read for this tenant')
    .addHelpText(
      'after',
      '\nExamples:\n  resilience-ctl get config/payments/timeouts --version 1.0.0\n' +
        '  resilience-ctl get switch/trading --at 2026-11-21T10:00:00Z\n' +
        '  resilience-ctl get config/payments/timeouts --explain --tenant acme\n',
    )
    .action((resource: string, options: GetOptions, command: Command) =>
      options.explain ? getExplained(cli, resource, options, command) : get(cli, resource, options, command),
    );
}

async function get(
  cli: Cli,
  resource: string,
  { at, entry, version, tenant }: GetOptions,
  command: Command,
): Promise<void> {
  const chosen = [...instantsIn({ at, entry }), ...(version === undefined ? [] : [{ version }])];
  if (chosen.length > 1) command.error('error: choose one of --at, --entry and --version');
  if (tenant !== undefined) command.error('error: --tenant goes with --explain');
  await reading(cli, async (store) => {
    const found = await store.versionAt(resource, chosen[0] ?? 'head');
    const body = await store.bodyOf(found);
    if (wantsJson(command)) printJson(cli, { ...found, body: body ?? null });
    else cli.stdout.write(bodyText(found, body, styleOf(cli, false)));
  });
}

async function getExplained(
  cli: Cli,
  resource: string,
  { at, entry, version, tenant }: GetOptions,
  command: Command,
): Promise<void> {
  const chosen = instantsIn({ at, entry });
  if (version !== undefined || chosen.length > 1) {
    command.error('error: with --explain choose one of --at and --entry: each layer has versions of its own');
  }
  if (!CONFIG_RESOURCE.test(resource) || configScope(resource).isLayer) {
    command.error('error: --explain is for config/SERVICE/DOCUMENT, which is merged from layers');
  }
  await reading(cli, async (store) => {
    const explained = await explain(store, resource, {
      tenant: tenant ?? null,
      instant: chosen[0] ?? 'head',
    });
    if (wantsJson(command)) printJson(cli, explained);
    else cli.stdout.write(explainedText(explained, styleOf(cli, false)));
  });
}

function instantsIn({ at, entry }: Pick<GetOptions, 'at' | 'entry'>): Instant[] {
  return [...(at === undefined ? [] : [{ time: at }]), ...(entry === undefined ? [] : [{ size: entry }])];
}

function addTree(program: Command, cli: Cli): void {
  program
    .command('tree')
    .description('what a resource needs and is needed by, or what everything needs')
    .argument('[resource]', 'such as schema/timeouts')
    .addHelpText('after', '\nExample:\n  resilience-ctl tree schema/timeouts\n')
    .action((resource: string | undefined, _options: unknown, command: Command) =>
      reading(cli, async (store) => {
        const { size, versions } = await store.stateAt('head');
        if (resource !== undefined && !versions.some((one) => one.resource === resource)) {
          // Says which names are close, or answers with the removal.
          const { index } = await store.versionAt(resource, 'head');
          throw new DomainError('NOT_FOUND', `${resource} is not live: entry ${index} removed it.`, {
            next: `See \`resilience-ctl log ${resource}\` for its versions.`,
          });
        }
        const { nodes, text } = dependencyTree(versions, resource ?? null, styleOf(cli, false));
        if (wantsJson(command)) printJson(cli, { resource: resource ?? null, size, nodes });
        else cli.stdout.write(text);
      }),
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

/** Answers from the log, and names on stderr what lies in it and counts for nothing. */
export function reading<T>(cli: Cli, work: (store: Store) => Promise<T>): Promise<T> {
  return withControlPlane(cli, async ({ store }) => {
    const answer = await withProgress(cli, 'Reading the log', work(store));
    cli.stderr.write(ignoredText(await store.ignored()));
    return answer;
  });
}

async function difference(
  store: Store,
  before: StoredVersion | null,
  after: StoredVersion | null,
): Promise<Difference> {
  const [from, to] = await Promise.all(
    [before, after].map(async (one) => (one === null ? undefined : store.bodyOf(one))),
  );
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
