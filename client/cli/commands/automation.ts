import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import { DomainError, ERROR_KINDS } from '../../../domain/errors.ts';
import type { FreezeScope } from '../../../domain/evidence/statements.ts';
import type { RecordedState } from '../../brakes.ts';
import type { Installation } from '../../installation.ts';
import { automationText, effectText, recordedText, resumedText } from '../automation-text.ts';
import {
  type Cli,
  personFor,
  printJson,
  styleOf,
  wantsJson,
  withControlPlane,
  withProgress,
} from '../cli.ts';

/** A person who brakes wants to know within seconds whether it holds; the enactor goes on trying. */
const EFFECTIVE_WITHIN_MS = 5_000;
const DEFAULT_WATCH_SECONDS = '60';
/** What a person types who means a hard freeze. */
const HARD_WORDS = 'no way back';

interface ScopeOptions {
  environment?: string;
  az?: string[];
  resource?: string;
  kind?: string;
  zone?: string;
}

interface FreezeOptions extends ScopeOptions {
  reason: string;
  hard?: true;
  rollback?: true;
  yes?: true;
}

interface ResumeOptions extends ScopeOptions {
  reason: string;
  gradual?: true;
  watchSeconds: string;
}

/** `automation freeze`, `status` and `resume`: the brakes. They need the log and nothing else. */
export function addAutomation(program: Command, cli: Cli): void {
  const automation = program.command('automation').description('stop forward motion, and let it go on');
  scoped(automation.command('freeze'))
    .description('stop all forward motion: recorded in the log first, then effective in the zones')
    .requiredOption('--reason <text>', 'why; everybody who waits reads it')
    .option('--rollback', 'send the changes in scope back, instead of holding them where they are')
    .option('--hard', 'dangerous: refuse rollbacks too, so that what is live stays live, well or not')
    .option('--yes', 'do not ask before a hard freeze')
    .option('--as <subject>', 'whose key signs; needs the role operator')
    .addHelpText(
      'after',
      '\nExamples:\n  resilience-ctl automation freeze --reason "incident 812"\n' +
        '  resilience-ctl automation freeze --az us-east-1a --reason "power" --rollback\n',
    )
    .action((options: FreezeOptions, command: Command) => freeze(cli, command, options));
  automation
    .command('status')
    .description('what is frozen, since when, by whom, and where it is effective')
    .option('--verbose', 'also the verdicts of a gradual resumption, and scopes that are active again')
    .addHelpText('after', '\nExample:\n  resilience-ctl automation status --verbose\n')
    .action((options: { verbose?: true }, command: Command) =>
      status(cli, command, options.verbose === true),
    );
  scoped(automation.command('resume'))
    .description('let a scope go on: at once, or one availability zone after another')
    .requiredOption('--reason <text>', 'why it is safe')
    .option('--gradual', 'release zone by zone with a verdict between; --az names those that come first')
    .option(
      '--watch-seconds <n>',
      'how long to watch after each release of a gradual resumption',
      DEFAULT_WATCH_SECONDS,
    )
    .option('--as <subject>', 'whose key signs; needs the role operator')
    .addHelpText(
      'after',
      '\nExamples:\n  resilience-ctl automation resume --reason "incident 812 is over"\n' +
        '  resilience-ctl automation resume --gradual --az us-east-1b --reason "power is back"\n',
    )
    .action((options: ResumeOptions, command: Command) => resume(cli, command, options));
}

function scoped(command: Command): Command {
  const append = (az: string, before: string[] = []) => [...before, az];
  return command
    .option('--environment <name>', 'to be sure: must be the environment of this installation')
    .option('--zone <zone>', 'only a hosted zone')
    .option('--az <zone>', 'only an availability zone, and all that is not confined to others', append)
    .option('--resource <resource>', 'only one resource')
    .option('--kind <kind>', 'only resources of a kind, such as dns or config');
}

/** At most one scope; none is the whole environment. */
function scopeOf(command: Command, options: ScopeOptions, { environment }: Installation): FreezeScope | null {
  if (options.environment !== undefined && options.environment !== environment) {
    command.error(`error: this installation is of environment ${environment}, not ${options.environment}`);
  }
  const { zone, az, resource, kind } = options;
  if (az !== undefined && az.length > 1) command.error('error: name one availability zone at a time');
  const named: FreezeScope[] = [
    ...(zone === undefined ? [] : [{ zone }]),
    ...(az?.[0] === undefined ? [] : [{ az: az[0] }]),
    ...(resource === undefined ? [] : [{ resource }]),
    ...(kind === undefined ? [] : [{ kind }]),
  ];
  if (named.length > 1) command.error('error: choose one of --zone, --az, --resource and --kind');
  return named[0] ?? null;
}

async function freeze(cli: Cli, command: Command, options: FreezeOptions): Promise<void> {
  const json = wantsJson(command);
  const hard = options.hard === true;
  if (hard && options.rollback) command.error('error: a hard freeze refuses what --rollback asks for');
  const mustAsk = hard && options.yes !== true;
  if (mustAsk && (json || !cli.stdin.isTTY)) {
    command.error('error: there is no terminal to ask on; a hard freeze needs --yes');
  }
  await withControlPlane(cli, async ({ brakes }, installation) => {
    const scope = scopeOf(command, options, installation);
    const operator = await personFor(cli, command, installation);
    if (mustAsk && !(await meansHard(cli))) return;
    const recorded = await withProgress(
      cli,
      'Recording the freeze',
      brakes
        .freeze({ scope, reason: options.reason, hard, rollBack: options.rollback === true }, operator)
        .catch((error: unknown) => Promise.reject(notRecorded(error))),
    );
    if (!json) cli.stdout.write(recordedText(recorded, 'frozen', styleOf(cli, false)));
    const zones = await withProgress(
      cli,
      'Waiting until it is effective in the zones',
      brakes.awaitEffective(recorded, EFFECTIVE_WITHIN_MS),
    );
    const effective = zones.every((zone) => zone.effective);
    const engineAway = effective ? null : await recorded.engineAway;
    if (json)
      printJson(cli, { ...answer(recorded, installation), state: 'frozen', effective, zones, engineAway });
    else cli.stdout.write(effectText(recorded, zones, engineAway, styleOf(cli, false)));
    if (!effective) cli.exitStatus = ERROR_KINDS.unavailable.exitStatus;
  });
}

function notRecorded(error: unknown): unknown {
  if (!(error instanceof DomainError) || error.kind !== 'unavailable') return error;
  return new DomainError(
    error.code,
    `The freeze is not recorded: ${error.message}`,
    {
      next: 'Nothing goes forward without the log, so it holds as long as this lasts. Freeze again when it answers.',
    },
    error,
  );
}

async function meansHard(cli: Cli): Promise<boolean> {
  const terminal = createInterface({ input: cli.stdin, output: process.stderr });
  try {
    const typed = await terminal.question(
      `A hard freeze refuses rollbacks too: a bad stage that is live stays live.\nType "${HARD_WORDS}" to freeze hard: `,
    );
    if (typed.trim() === HARD_WORDS) return true;
  } finally {
    terminal.close();
  }
  cli.stdout.write('Not frozen. Nothing was sent.\n');
  cli.exitStatus = ERROR_KINDS.denied.exitStatus;
  return false;
}

async function status(cli: Cli, command: Command, verbose: boolean): Promise<void> {
  const found = await withControlPlane(cli, ({ brakes }) =>
    withProgress(cli, 'Reading the log', brakes.status()),
  );
  if (wantsJson(command)) printJson(cli, found);
  else cli.stdout.write(automationText(found, { verbose, nowMs: cli.nowMs() }, styleOf(cli, false)));
  if (found.unreadable !== null) cli.exitStatus = ERROR_KINDS.unavailable.exitStatus;
}

async function resume(cli: Cli, command: Command, options: ResumeOptions): Promise<void> {
  const isGradual = options.gradual === true;
  if (!/^\d{1,5}$/.test(options.watchSeconds)) {
    command.error('error: --watch-seconds is a whole number of seconds');
  }
  await withControlPlane(cli, async ({ brakes }, installation) => {
    const { az = [], ...withoutAz } = options;
    const scope = scopeOf(command, isGradual ? withoutAz : options, installation);
    const operator = await personFor(cli, command, installation);
    const gradual = isGradual
      ? { order: await brakes.releaseOrder(az), watchMs: Number(options.watchSeconds) * 1_000 }
      : null;
    const recorded = await withProgress(
      cli,
      'Recording it',
      brakes.resume({ scope, reason: options.reason, gradual }, operator),
    );
    const engineAway = await withProgress(cli, 'Starting the resumption', recorded.engineAway);
    const order = gradual?.order ?? null;
    const said = { state: order === null ? ('active' as const) : ('resuming' as const), order, engineAway };
    const { stillFrozen } = recorded;
    if (wantsJson(command)) printJson(cli, { ...answer(recorded, installation), ...said, stillFrozen });
    else cli.stdout.write(resumedText({ ...recorded, ...said }, styleOf(cli, false)));
    if (engineAway !== null) cli.exitStatus = ERROR_KINDS.unavailable.exitStatus;
  });
}

function answer({ index, scope, at, recordedMs }: RecordedState, { environment }: Installation) {
  return { environment, scope, index, at, recordedMs };
}
