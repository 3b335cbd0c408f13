import type { Command } from 'commander';
import { Document, isScalar } from 'yaml';
import { type Draft, makeDraft } from '../../draft.ts';
import { type Cli, printJson, wantsJson, withControlPlane, withProgress, writeNewFile } from '../cli.ts';

interface Options {
  out?: string;
}

export function addDraft(program: Command, cli: Cli): void {
  program
    .command('draft')
    .description('write the change request of what is live now, for you to edit')
    .argument('<resource...>', 'such as config/payments/timeouts')
    .option('--out <file>', 'write it there, never over a file, and not to stdout')
    .addHelpText(
      'after',
      '\nExample:\n  resilience-ctl draft config/payments/timeouts --out change.yaml\n' +
        'Then edit the body in it, write the reason, and plan and submit it.\n',
    )
    .action((resources: string[], { out }: Options, command: Command) =>
      withControlPlane(cli, async (connected) => {
        const { draft, size } = await withProgress(cli, 'Reading the log', makeDraft(connected, resources));
        if (out !== undefined) writeNewFile(cli, command, out, draftText(draft, size, out));
        else if (wantsJson(command)) printJson(cli, draft);
        else cli.stdout.write(draftText(draft, size, 'FILE'));
      }),
    );
}

/** In YAML, with what its author has to know. `file`: its name. */
function draftText(draft: Draft, size: number, file: string): string {
  const document = new Document(draft);
  document.commentBefore = [
    ` What is live in ${draft.metadata.environment} after ${size} entries. Edit the bodies, say why, and then`,
    `   resilience-ctl plan ${file}`,
    `   resilience-ctl submit ${file}`,
    ' Leave base, clock and vector as they are: they say what this was made from. If somebody changes it before you do,',
    ' you are shown what both did, and nothing is overwritten.',
  ].join('\n');
  const reason = document.getIn(['metadata', 'reason'], true);
  if (isScalar(reason)) reason.comment = ' why, in at least 8 characters';
  return document.toString();
}
