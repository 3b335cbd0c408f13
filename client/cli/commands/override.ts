import { randomBytes, randomUUID } from 'node:crypto';
import { createInterface } from 'node:readline/promises';
import { type Command, InvalidArgumentError } from 'commander';
import { DomainError, type Violation } from '../../../domain/errors.ts';
import {
  isOverridableGuard,
  OVERRIDABLE_GUARDS,
  type OverridableGuard,
} from '../../../domain/override/guards.ts';
import { standingAgainst } from '../../../domain/override/judge-guards.ts';
import { OVERRIDE_ID_PREFIX } from '../../../domain/override/override-id.ts';
import type { BreakGlass, BreakGlassPerson } from '../../break-glass.ts';
import type { Installation } from '../../installation.ts';
import { readRequestFile } from '../../request-file.ts';
import {
  type Cli,
  installationOf,
  personFor,
  printJson,
  styleOf,
  wantsJson,
  withControlPlane,
  withProgress,
} from '../cli.ts';
import { violationsText } from '../error-text.ts';
import { planText } from '../plan-text.ts';

interface ApplyOptions {
  config: string;
  approver: string[];
  reason: string;
  overrides: OverridableGuard[];
  emptying: string[];
  code: string[];
  codeFromDev?: true;
  yes?: true;
  as?: string;
}

const GUARDS = OVERRIDABLE_GUARDS.join(', ');

/** Break-glass: `apply`, `reconcile` and `review`. */
export function addOverride(program: Command, cli: Cli): void {
  const override = program
    .command('override')
    .description(
      'break-glass: two people change documents without quorum or engine, and DNS records also without the log',
    );
  override
    .command('apply')
    .description(
      'show the exact plan and everything against it; then two people sign, and it is done at once',
    )
    .requiredOption('--config <file>', 'change request in YAML')
    .requiredOption('--approver <subject>', 'who signs; name two', collect, [])
    .requiredOption('--reason <text>', 'why; the review that is opened reads it', toReason)
    .requiredOption('--overrides <guards>', `what to pass over, comma-separated: ${GUARDS}`, toGuards)
    .option('--emptying <resource>', 'a resource of which nothing will be left; once for each', collect, [])
    .option('--code <code>', 'second factor of each approver, in the same order', collect, [])
    .option('--code-from-dev', 'take the codes from the local environment, where they lie beside the keys')
    .option('--yes', 'do not ask: for drills and scripts')
    .option('--as <subject>', 'who asks for it; the first approver if nobody is named')
    .addHelpText(
      'after',
      '\nExample:\n  resilience-ctl override apply --config examples/break-glass.yaml --approver bob --approver carol' +
        ' --reason "quorum lost, the api is down" --overrides quorum,witness,canary\n',
    )
    .action((options: ApplyOptions, command: Command) => apply(cli, options, command));
  override
    .command('reconcile')
    .description('bring what was done while the log was down into the log; again is harmless')
    .addHelpText('after', '\nExample:\n  resilience-ctl override reconcile\n')
    .action((_options: unknown, command: Command) => reconcile(cli, command));
  override
    .command('review')
    .description('close the review that an override has opened: for a third person')
    .argument('<change>', 'change id')
    .requiredOption('--close', 'it has been looked at')
    .requiredOption('--reason <text>', 'what was found', toReason)
    .option('--as <subject>', 'whose key signs')
    .addHelpText(
      'after',
      '\nExample:\n  resilience-ctl override review bg-3f9a1c70b2d4 --close --as alice --reason "seen, and made permanent"\n',
    )
    .action((changeId: string, { reason }: { reason: string }, command: Command) =>
      withControlPlane(cli, async ({ controlPlane }, installation) => {
        const person = await personFor(cli, command, installation);
        const { index } = await controlPlane.closeReview(changeId, reason, person);
        if (wantsJson(command)) printJson(cli, { changeId, reviewer: person.subject, index });
        else cli.stdout.write(`The review of change ${changeId} is closed at entry ${index}.\n`);
      }),
    );
}

async function apply(cli: Cli, options: ApplyOptions, command: Command): Promise<void> {
  const json = wantsJson(command);
  const mustAsk = options.yes !== true;
  if (mustAsk && (json || !cli.stdin.isTTY)) {
    command.error('error: there is no terminal to ask on; read the plan and pass --yes');
  }
  const { request } = readRequestFile(options.config);
  const installation = installationOf(cli);
  const { openBreakGlass } = await import('../../compose-break-glass.ts');
  const glass = await openBreakGlass(installation);
  try {
    const changeId = newOverrideId();
    const planned = await withProgress(cli, 'Planning on what is live', glass.plan(changeId, request));
    const standing = standingAgainst(planned, { guards: options.overrides, emptying: options.emptying });
    if (!json && planned.plan !== null)
      cli.stdout.write(`${planText(planned.plan, null, styleOf(cli, false), { isOverride: true })}\n`);
    if (planned.plan === null || planned.planDigest === null || standing.length > 0) throw refused(standing);
    if (!json) {
      const passed = planned.objections.map(({ violation }) => violation);
      cli.stdout.write(`Passed over:\n${violationsText(passed, styleOf(cli, false))}`);
    }
    if (mustAsk && !/^y(es)?$/i.test(await ask(cli, 'Do exactly this, now? [y/N] '))) {
      cli.stdout.write('Nothing was done.\n');
      cli.exitStatus = 7;
      return;
    }
    const signed = await sign(cli, installation, options, {
      ...{ changeId, environment: glass.environment, planDigest: planned.planDigest },
      ...{ guards: options.overrides, emptying: options.emptying, reason: options.reason },
      effect: planned.effect,
    });
    const result = await withProgress(cli, 'Breaking glass', glass.apply({ request, ...signed }));
    if (result.result === 'refused') throw refused(result.violations);
    tell(cli, json, changeId, result);
  } finally {
    glass.close();
  }
}

function newOverrideId(): string {
  return `${OVERRIDE_ID_PREFIX}${randomBytes(6).toString('hex')}`;
}

function tell(
  cli: Cli,
  json: boolean,
  changeId: string,
  { index, fence }: Extract<Awaited<ReturnType<BreakGlass['apply']>>, { result: 'applied' }>,
): void {
  if (json) {
    printJson(cli, { changeId, applied: true, index, fence, spooled: index === null });
    return;
  }
  const where =
    index === null
      ? 'The log is down: it is written down here, and must be brought to the log when that is back:\n  resilience-ctl override reconcile\n'
      : `It is in the log at entry ${index}.\n`;
  const what = fence === null ? 'is live for every consumer' : `is live; the zone's fence is ${fence}`;
  cli.stdout.write(
    `Change ${changeId} ${what}. ${where}` +
      `A review is open until a third person closes it:\n  resilience-ctl override review ${changeId} --close --reason TEXT --as SOMEBODY-ELSE\n`,
  );
}

async function sign(
  cli: Cli,
  installation: Installation,
  options: ApplyOptions,
  said: Pick<
    Parameters<typeof import('../../break-glass.ts').signOverride>[2],
    'changeId' | 'environment' | 'planDigest' | 'effect' | 'guards' | 'emptying' | 'reason'
  >,
) {
  const { devCode, factorVerifierFor, openPerson } = await import('../../compose.ts');
  const { signOverride } = await import('../../break-glass.ts');
  const people: BreakGlassPerson[] = [];
  for (const [i, subject] of options.approver.entries()) {
    const code =
      options.code[i] ??
      (options.codeFromDev ? devCode(installation, subject) : await ask(cli, `Code of ${subject}: `));
    people.push({ ...openPerson(installation, subject), code });
  }
  return signOverride(factorVerifierFor(installation), people, {
    ...said,
    author: options.as ?? options.approver[0] ?? '',
    nonce: randomUUID(),
    nowMs: cli.nowMs(),
  });
}

async function reconcile(cli: Cli, command: Command): Promise<void> {
  const { openBreakGlass } = await import('../../compose-break-glass.ts');
  const glass = await openBreakGlass(installationOf(cli));
  try {
    const done = await withProgress(cli, 'Bringing the spool to the log', glass.reconcile());
    if (wantsJson(command)) {
      printJson(cli, done);
      return;
    }
    const { entries, settled } = done;
    cli.stdout.write(
      entries.length === 0
        ? 'Nothing was waiting for the log.\n'
        : `Brought to the log: entries ${entries.join(', ')}.\n`,
    );
    for (const { changeId, result } of settled)
      cli.stdout.write(`Change ${changeId}: ${result}, by the fence.\n`);
  } finally {
    glass.close();
  }
}

function refused(violations: readonly Violation[]): DomainError {
  const [first] = violations;
  return new DomainError(first?.code ?? 'NOT_PERMITTED', 'Break-glass was refused; nothing was written.', {
    next: first?.remedy ?? 'See what stands against it.',
    violations,
  });
}

async function ask(cli: Cli, question: string): Promise<string> {
  const terminal = createInterface({ input: cli.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim();
  } finally {
    terminal.close();
  }
}

function collect(value: string, before: string[]): string[] {
  return [...before, value];
}

/** As the statements want it; said here, before anybody is asked for a code. */
function toReason(text: string): string {
  if (text.length >= 8 && text.length <= 1000) return text;
  throw new InvalidArgumentError(
    'A reason has 8 to 1000 characters; whoever reviews has nothing else to go by.',
  );
}

function toGuards(text: string): OverridableGuard[] {
  return text.split(',').map((name) => {
    const guard = name.trim();
    if (isOverridableGuard(guard)) return guard;
    throw new InvalidArgumentError(
      `${guard || 'Nothing'} is no guard that can be passed over; these are: ${GUARDS}.`,
    );
  });
}
