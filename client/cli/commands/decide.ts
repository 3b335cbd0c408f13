import { createInterface } from 'node:readline/promises';
import type { Command } from 'commander';
import type { Plan } from '../../../domain/change/plan.ts';
import { DomainError, ERROR_KINDS, type Violation } from '../../../domain/errors.ts';
import { digestOf } from '../../../domain/evidence/canonical-json.ts';
import type { Installation } from '../../installation.ts';
import {
  type Cli,
  personFor,
  printJson,
  styleOf,
  wantsJson,
  withControlPlane,
  withProgress,
} from '../cli.ts';
import { planText } from '../plan-text.ts';

export function addApprove(program: Command, cli: Cli): void {
  program
    .command('approve')
    .description('see the exact plan, then sign a yes to it')
    .argument('<change>', 'change id')
    .option('--yes', 'do not ask: for scripts, which answer for having read the plan')
    .option('--as <subject>', 'whose key signs')
    .option('--code <code>', 'second factor: six digits of an authenticator, or a recovery code')
    .option('--code-from-dev', 'take the code from the local environment, where it lies beside the key')
    .addHelpText(
      'after',
      '\nExamples:\n  resilience-ctl approve chg-3f9a1c70b2d4 --as bob\n' +
        '  resilience-ctl approve chg-3f9a1c70b2d4 --as bob --yes --code 123456\n',
    )
    .action((changeId: string, options: ApproveOptions, command: Command) => {
      const mustAsk = options.yes !== true;
      if (mustAsk && (wantsJson(command) || !cli.stdin.isTTY)) {
        command.error('error: there is no terminal to ask on; read the plan and pass --yes');
      }
      return decide(cli, command, changeId, { decision: 'approve', mustAsk, ...options });
    });
}

export function addReject(program: Command, cli: Cli): void {
  program
    .command('reject')
    .description('sign a no to the plan, which ends the change')
    .argument('<change>', 'change id')
    .requiredOption('--reason <text>', 'why; the author reads it')
    .option('--as <subject>', 'whose key signs')
    .addHelpText(
      'after',
      '\nExample:\n  resilience-ctl reject chg-3f9a1c70b2d4 --as bob --reason "wait for Monday"\n',
    )
    .action((changeId: string, { reason }: { reason: string }, command: Command) =>
      decide(cli, command, changeId, { decision: 'reject', reason, mustAsk: false }),
    );
}

interface ApproveOptions {
  yes?: true;
  code?: string;
  codeFromDev?: true;
}

interface DecideOptions extends ApproveOptions {
  decision: Decision;
  reason?: string;
  mustAsk: boolean;
}

type Decision = 'approve' | 'reject';
const NOUN: Record<Decision, string> = { approve: 'approval', reject: 'rejection' };

async function decide(cli: Cli, command: Command, changeId: string, options: DecideOptions): Promise<void> {
  const json = wantsJson(command);
  const { decision, reason, mustAsk } = options;
  await withControlPlane(cli, async ({ controlPlane }, installation) => {
    const person = await personFor(cli, command, installation);
    const plan = await withProgress(cli, 'Reading the plan', controlPlane.planOf(changeId));
    if (!json) showPlan(cli, plan);
    if (mustAsk && !(await confirmed(cli, `Approve exactly this plan as ${person.subject}? [y/N] `))) {
      cli.stdout.write('Not approved. Nothing was sent.\n');
      cli.exitStatus = ERROR_KINDS.denied.exitStatus;
      return;
    }
    const asksCode = decision === 'approve' && controlPlane.asksSecondFactor(plan);
    const code = await codeFrom(cli, installation, person.subject, options, asksCode);
    const said = { decision, plan, ...(reason === undefined ? {} : { reason }), ...(code ? { code } : {}) };
    const answer = await withProgress(
      cli,
      'Waiting for the answer',
      controlPlane.decide(changeId, said, person),
    );
    if (!answer.accepted) throw refused(changeId, decision, answer.reasons);
    if (json) printJson(cli, { changeId, decision, ...answer });
    else
      cli.stdout.write(
        `Your ${NOUN[decision]} of change ${changeId} is accepted at entry ${answer.index}.\n` +
          `Follow it: resilience-ctl watch ${changeId}\n`,
      );
  });
}

/** As given; else asked for, where a code is needed and somebody is there to ask. */
async function codeFrom(
  cli: Cli,
  installation: Installation,
  subject: string,
  { code, codeFromDev, mustAsk }: DecideOptions,
  asksCode: boolean,
): Promise<string | undefined> {
  if (code !== undefined || !asksCode) return code;
  if (codeFromDev) return (await import('../../compose.ts')).devCode(installation, subject);
  return mustAsk ? ask(cli, `Code of ${subject}: `) : undefined;
}

function showPlan(cli: Cli, plan: Plan): void {
  const style = styleOf(cli, false);
  cli.stdout.write(`${planText(plan, null, style)}${style('bold', 'Digest')}  ${digestOf(plan)}\n\n`);
}

async function confirmed(cli: Cli, question: string): Promise<boolean> {
  return /^y(es)?$/i.test(await ask(cli, question));
}

async function ask(cli: Cli, question: string): Promise<string> {
  const terminal = createInterface({ input: cli.stdin, output: process.stderr });
  try {
    return (await terminal.question(question)).trim();
  } finally {
    terminal.close();
  }
}

function refused(changeId: string, decision: Decision, reasons: readonly Violation[]) {
  const [first] = reasons;
  return new DomainError(
    first?.code ?? 'NOT_PERMITTED',
    `Your ${NOUN[decision]} of change ${changeId} was refused.`,
    {
      next: first?.remedy ?? `See \`resilience-ctl status ${changeId}\`.`,
      violations: reasons,
    },
  );
}
