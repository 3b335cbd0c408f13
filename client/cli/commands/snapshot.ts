import type { Command } from 'commander';
import { type LogToFold, listSnapshots, verifySnapshots } from '../../snapshots.ts';
import { type Cli, endWith, printJson, styleOf, wantsJson, withControlPlane, withProgress } from '../cli.ts';
import { type ShownSnapshot, snapshotText } from '../store-check-text.ts';

/** Snapshots bound what a cold start has to fold; the log proves them. */
export function addSnapshot(program: Command, cli: Cli): void {
  const snapshot = program
    .command('snapshot')
    .description(
      'the stored states that readers may start from, instead of folding the log from its first entry',
    );
  addList(snapshot, cli);
  addCreate(snapshot, cli);
}

function addList(snapshot: Command, cli: Cli): void {
  snapshot
    .command('list')
    .description('those that the log names, oldest first')
    .option('--verify', 'make each one again from the entries before it, and compare')
    .addHelpText('after', '\nExample:\n  resilience-ctl snapshot list --verify\n')
    .action(({ verify = false }: { verify?: boolean }, command: Command) =>
      withControlPlane(cli, async ({ evidence, objects }) => {
        const { verifyEd25519 } = await import('../../compose-offline.ts');
        const { environment, trust } = evidence;
        const source = { environment, trust, verify: verifyEd25519, objects };
        const doing = verify ? 'Making every snapshot again' : 'Reading the log';
        const shown = await withProgress(cli, doing, verify ? verifySnapshots(source) : unverified(source));
        showSnapshots(cli, shown, wantsJson(command));
        endWith(
          cli,
          shown.every(({ result }) => result !== 'different'),
        );
      }),
    );
}

async function unverified(source: LogToFold): Promise<ShownSnapshot[]> {
  return (await listSnapshots(source)).map((one) => ({ ...one, result: null, why: null }));
}

function showSnapshots(cli: Cli, snapshots: readonly ShownSnapshot[], json: boolean): void {
  for (const one of snapshots) {
    if (json) printJson(cli, one);
    else cli.stdout.write(snapshotText(one, styleOf(cli, false)));
  }
  if (snapshots.length === 0 && !json) cli.stdout.write('No snapshot yet.\n');
}

function addCreate(snapshot: Command, cli: Cli): void {
  snapshot
    .command('create')
    .description(
      'have the orchestrator, whose key alone counts for it, store the state and sign the entry that names it',
    )
    .addHelpText('after', '\nExample:\n  resilience-ctl snapshot create\n')
    .action(async (_options: unknown, command: Command) => {
      const taken = await withControlPlane(cli, ({ controlPlane }) =>
        withProgress(cli, 'Waiting for the orchestrator', controlPlane.takeSnapshot()),
      );
      if (wantsJson(command)) return printJson(cli, taken);
      const { size, stateDigest, index } = taken;
      cli.stdout.write(`Entry ${index} names the state of ${size} entries, ${stateDigest}.\n`);
    });
}
