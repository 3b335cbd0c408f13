import type { Command } from 'commander';
import { DomainError } from '../../../domain/errors.ts';
import { COMMAND_ACTIONS, type CommandAction } from '../../../domain/evidence/statements.ts';
import { type Cli, personFor, printJson, wantsJson, withControlPlane, withProgress } from '../cli.ts';

const ACTIONS = {
  pause: 'hold a change where it is; what is live stays live',
  continue: 'let a paused or held change go on',
  abort: 'end a change; what it has done so far is rolled back',
} as const satisfies Record<CommandAction, string>;

/** `pause`, `continue` and `abort`: each is signed, so that the log says who steered a change, and why. */
export function addSteering(program: Command, cli: Cli): void {
  for (const action of COMMAND_ACTIONS) {
    program
      .command(action)
      .description(ACTIONS[action])
      .argument('<change>', 'change id')
      .requiredOption('--reason <text>', 'why; everybody who watches reads it')
      .option('--as <subject>', 'whose key signs')
      .addHelpText(
        'after',
        `\nExample:\n  resilience-ctl ${action} chg-3f9a1c70b2d4 --reason "incident 812"\n`,
      )
      .action((changeId: string, { reason }: { reason: string }, command: Command) =>
        steer(cli, command, changeId, action, reason),
      );
  }
}

async function steer(
  cli: Cli,
  command: Command,
  changeId: string,
  action: CommandAction,
  reason: string,
): Promise<void> {
  await withControlPlane(cli, async ({ controlPlane }, installation) => {
    const person = await personFor(cli, command, installation);
    const { violations, ...answer } = await withProgress(
      cli,
      'Waiting for the answer',
      controlPlane.command(changeId, { action, reason }, person),
    );
    const [refusal] = violations;
    if (refusal) {
      throw new DomainError(refusal.code, `You may not ${action} change ${changeId}: ${answer.reason}`, {
        next: refusal.remedy,
        violations,
      });
    }
    if (!answer.accepted) {
      throw new DomainError('ALREADY_ENDED', `Change ${changeId} did not ${action}: ${answer.reason}`, {
        next: `See \`resilience-ctl status ${changeId}\`.`,
      });
    }
    if (wantsJson(command)) printJson(cli, { changeId, action, ...answer });
    else
      cli.stdout.write(`Change ${changeId}: ${action} accepted in phase ${answer.phase}. ${answer.reason}\n`);
  });
}
