import { randomBytes } from 'node:crypto';
import type { Command } from 'commander';
import type { ControlPlane } from '../../control-plane.ts';
import { readRequestFile } from '../../request-file.ts';
import { type Cli, personFor, printJson, wantsJson, withControlPlane, withProgress } from '../cli.ts';
import { watchChange } from '../watch-change.ts';

interface SubmitOptions {
  watch?: true;
  resume?: string;
}

export function addSubmit(program: Command, cli: Cli): void {
  program
    .command('submit')
    .description('sign a change request, record it and start the change')
    .argument('[file]', 'change request in YAML')
    .option('--watch', 'stay, and follow the change to its end')
    .option('--resume <change>', 'start a change that was recorded while the engine was away')
    .option('--as <subject>', 'whose key signs')
    .addHelpText(
      'after',
      '\nExamples:\n  resilience-ctl submit examples/good-change.yaml --as alice --watch\n' +
        '  resilience-ctl submit --resume chg-3f9a1c70b2d4\n',
    )
    .action((file: string | undefined, options: SubmitOptions, command: Command) =>
      submitOrResume(cli, file, options, command),
    );
}

async function submitOrResume(
  cli: Cli,
  file: string | undefined,
  options: SubmitOptions,
  command: Command,
): Promise<void> {
  if ((file === undefined) === (options.resume === undefined)) {
    command.error('error: name either a FILE to submit or a change to --resume');
  }
  const json = wantsJson(command);
  // The file first: its faults are the author's, whether or not anything runs.
  const draft = file === undefined ? null : readRequestFile(file).request;
  await withControlPlane(cli, async ({ controlPlane }, installation) => {
    const submission = draft
      ? controlPlane.submit(newChangeId(), draft, await personFor(cli, command, installation))
      : controlPlane.resume(options.resume ?? '');
    const submitted = await withProgress(cli, 'Recording the request', submission);
    tell(cli, submitted, json, options.watch === true);
    if (options.watch) await watchChange(cli, controlPlane, submitted.changeId, json);
  });
}

/** Short enough to type, long enough (48 bits) not to meet another: a collision is refused, not merged. */
export function newChangeId(): string {
  return `chg-${randomBytes(6).toString('hex')}`;
}

type Submitted = Awaited<ReturnType<ControlPlane['submit']>>;

function tell(cli: Cli, { changeId, index }: Submitted, json: boolean, watching: boolean): void {
  if (json) {
    printJson(cli, { changeId, index });
    return;
  }
  cli.stdout.write(`Change ${changeId} is recorded at entry ${index} and has started.\n`);
  if (watching) return;
  cli.stdout.write(
    'Next: it is checked and planned, the zones vote, and then people other than you approve it.\n' +
      `  follow it   resilience-ctl watch ${changeId}\n` +
      `  approve it  resilience-ctl approve ${changeId} --as SOMEBODY-ELSE\n`,
  );
}
