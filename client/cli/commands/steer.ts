import type { Command } from 'commander';
import { DomainError } from '../../../domain/errors.ts';
import type { CommandMessage } from '../../../workflows/contract.ts';
import { type Cli, printJson, subjectFor, wantsJson, withControlPlane, withProgress } from '../cli.ts';

const ACTIONS = {
  pause: 'hold a change where it is; what is live stays live',
  continue: 'let a paused or held change go on',
  abort: 'end a change; what it has done so far is rolled back',
} as const satisfies Record<CommandMessage['action'], string>;

/** `pause`, `continue` and `abort`: they steer a change and need no signature. */
export function addSteering(program: Command, cli: Cli): void {
  for (const action of ['pause', 'continue', 'abort'] as const) {
    program
      .command(action)
      .description(ACTIONS[action])
      .argument('<change>', 'change id')
      .requiredOption('--reason <text>', 'why; everybody who watches reads it')
      .option('--as <subject>', 'who you are')
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
  action: CommandMessage['action'],
  reason: string,
): Promise<void> {
  await withControlPlane(cli, async ({ controlPlane }, installation) => {
    const by = await subjectFor(cli, command, installation);
    const answer = await withProgress(
      cli,
      'Waiting for the answer',
      controlPlane.command(changeId, { action, by, reason }),
    );
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
